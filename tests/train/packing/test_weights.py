"""Published weights through our parameters and back, byte for byte."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from train.packing import weights
from train.packing.keys import Published, Source, apart, joined, parted, together

FUSED = Source((Published("q", turned=True), Published("k", turned=True), Published("v")), heads=2)
KEYS = {"linear.weight": FUSED, "linear.bias": Source((Published("b"),))}


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 24)


def stored(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    shapes = {"q": (8, 5), "k": (8, 5), "v": (8, 5), "b": (24,)}
    return {key: torch.randn(shape, generator=generator).to(dtype) for key, shape in shapes.items()}


def written(folder, tensors):
    folder.mkdir()
    save_file(tensors, str(folder / "diffusion_pytorch_model.safetensors"))
    return folder


def filled(folder):
    with torch.device("meta"):
        network = Network()
    network.linear.bias.requires_grad_(False)
    weights.load(network, KEYS, folder)
    return network


def test_heads_stand_together_with_their_query_key_and_value():
    tensors = [torch.arange(8.0)[:, None] + start for start in (0, 10, 20)]
    rows = joined(FUSED, tensors)[:, 0].tolist()
    assert rows[:12] == [0, 2, 1, 3, 10, 12, 11, 13, 20, 21, 22, 23]
    assert rows[12:16] == [4, 6, 5, 7]
    for (key, back), tensor in zip(parted(FUSED, joined(FUSED, tensors)), tensors, strict=True):
        assert key in "qkv"
        assert torch.equal(back, tensor)


def test_fused_matrices_come_apart_as_the_published_ones():
    tensors = [torch.arange(8.0)[:, None].repeat(1, 3) + start for start in (0, 10, 20)]
    parameter = joined(FUSED, tensors)
    matrices = apart(FUSED, parameter)
    assert matrices.shape == (3, 8, 3)
    for matrix, tensor in zip(matrices, tensors, strict=True):
        assert sorted(matrix[:, 0].tolist()) == tensor[:, 0].tolist()
    assert torch.equal(together(FUSED, matrices), parameter)


@pytest.mark.parametrize("largest", [10**6, 200])
def test_what_was_loaded_is_saved_byte_for_byte(tmp_path, largest):
    tensors = stored(torch.bfloat16)
    network = filled(written(tmp_path / "in", tensors))
    assert not network.linear.bias.requires_grad
    assert network.linear.weight.requires_grad
    (tmp_path / "out").mkdir()
    weights.save(network.state_dict(), KEYS, tmp_path / "out", largest)
    parts = sorted((tmp_path / "out").glob("*.safetensors"))
    assert len(parts) == (1 if largest == 10**6 else 2)
    again = {key: tensor for part in parts for key, tensor in load_file(str(part)).items()}
    assert again.keys() == tensors.keys()
    for key, tensor in tensors.items():
        assert again[key].dtype == torch.bfloat16
        assert again[key].view(torch.int16).equal(tensor.view(torch.int16))
    again = filled(tmp_path / "out").state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in network.state_dict().items())


def test_parts_and_index_are_those_of_diffusers(tmp_path):
    from huggingface_hub import split_torch_state_dict_into_shards

    network = filled(written(tmp_path / "in", stored()))
    weights.save(network.state_dict(), KEYS, tmp_path, 330)
    theirs = split_torch_state_dict_into_shards(
        stored(),
        filename_pattern="diffusion_pytorch_model{suffix}.safetensors",
        max_shard_size=330,
    )
    index = json.loads(
        Path(tmp_path / "diffusion_pytorch_model.safetensors.index.json").read_text()
    )
    assert index["weight_map"] == theirs.tensor_to_filename
    assert index["metadata"]["total_size"] == theirs.metadata["total_size"]


def spoilt(change):
    tensors = stored()
    change(tensors)
    return tensors


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tensors: tensors.pop("k"), "no tensor k"),
        (lambda tensors: tensors.update(z=torch.ones(1)), "the first is z"),
        (lambda tensors: tensors.update(v=torch.ones(8, 4)), r"v is \(8, 4\).*expected \(8, 5\)"),
        (lambda tensors: tensors.update(v=tensors["v"].half()), "v is .* of torch.float16"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, change, says):
    with pytest.raises(ValueError, match=says):
        filled(written(tmp_path / "in", spoilt(change)))


def test_a_missing_part_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"diffusion_pytorch_model.safetensors: missing"):
        filled(tmp_path)
