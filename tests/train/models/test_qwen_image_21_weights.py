"""Weights of Qwen-Image-2.1 as they were published: read, written, counted."""

from dataclasses import replace

import pytest
import torch
from making.packed_21 import SAMPLES, SIZES, alone, diffusers_network, packed
from safetensors.torch import load_file

from train.models.qwen_image_21.keys import keys
from train.models.qwen_image_21.network import PackedQwenImage21, load
from train.models.qwen_image_21.sizes import QwenImage21Sizes
from train.packing.keys import parted
from train.packing.layout import ImageSpan, Layout, TextSpan


def stored(folder):
    files = sorted(folder.glob("*.safetensors"))
    return {key: value for file in files for key, value in load_file(file).items()}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    diffusers_network(dtype=torch.bfloat16).save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    return folder


@pytest.mark.parametrize("largest", [30_000, 10**9])
def test_what_is_loaded_and_saved_is_the_same_to_the_byte(original, tmp_path, largest):
    load(original).save(tmp_path, largest)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (largest < 10**9)
    ours, theirs = stored(tmp_path), stored(original)
    assert ours.keys() == theirs.keys()
    for key, tensor in theirs.items():
        assert ours[key].dtype == tensor.dtype
        assert torch.equal(ours[key].view(torch.int16), tensor.view(torch.int16)), key


def test_diffusers_reads_what_is_saved(original, tmp_path):
    from diffusers import QwenImage21Transformer2DModel

    network = load(original).float()
    network.save(tmp_path, 30_000)
    theirs = QwenImage21Transformer2DModel.from_pretrained(tmp_path)
    assert QwenImage21Sizes.of({**theirs.config, "_class_name": type(theirs).__name__}) == SIZES
    batch = packed(SAMPLES["a reference"])
    assert torch.allclose(network(batch), alone(batch).through(theirs), rtol=1e-5, atol=1e-6)


def test_the_shipped_size_is_exact():
    sizes = QwenImage21Sizes()
    with torch.device("meta"):
        network = PackedQwenImage21(sizes)
    assert sum(weight.numel() for weight in network.parameters()) == 7_115_124_736
    assert sizes.parameter_count() == 7_115_124_736
    sources = keys(sizes)
    assert sources.keys() == dict(network.named_parameters()).keys()
    assert sum(len(source.parts) for source in sources.values()) == 297
    from diffusers import QwenImage21Transformer2DModel

    with torch.device("meta"):
        theirs = QwenImage21Transformer2DModel().state_dict()
    for name, weight in network.named_parameters():
        for key, piece in parted(sources[name], weight.detach()):
            assert theirs.pop(key).shape == piece.shape
    assert not theirs
    assert QwenImage21Sizes.of({"_class_name": "QwenImage21Transformer2DModel"}) == sizes


@pytest.mark.parametrize(
    "sizes", [SIZES, replace(SIZES, patch_size=2, mlp_ratio=2, out_channels=None)]
)
def test_parameters_are_counted_without_a_network(sizes):
    assert sizes.parameter_count() == sum(
        each.numel() for each in PackedQwenImage21(sizes).parameters()
    )


def test_operations_of_valid_tokens():
    sizes = QwenImage21Sizes()
    text, image = 128, 64 * 64  # 1024 px
    forward = sizes.flops(Layout(((TextSpan(text), ImageSpan(64, 64, True)),)))
    width, layers = 4096, 32
    pairs = image * (image + text) + text**2 // 2
    assert forward == 26 * width**2 * layers * (image + text) + 4 * width * layers * pairs
    assert round(3 * forward / 1e12) == 204  # shared facts: training TFLOP of a sample
    # A reference is seen by what follows, text within itself; two samples do not see each other.
    spans = (TextSpan(2), ImageSpan(2, 4, False), TextSpan(4), ImageSpan(4, 4, True))
    pairs = 2 + 8 * 10 + (4 * 10 + 8) + 16 * 30
    expected = 2 * (26 * width**2 * layers * 30 + 4 * width * layers * pairs)
    assert sizes.flops(Layout((spans, spans))) == expected


def test_a_configuration_of_another_network_is_refused():
    with pytest.raises(ValueError, match=r"sum up to attention_head_dim, 128"):
        QwenImage21Sizes(axes_dims_rope=(16, 56, 54))
    with pytest.raises(ValueError, match="even numbers"):
        QwenImage21Sizes(axes_dims_rope=(16, 55, 57))
    with pytest.raises(ValueError, match="eps 1e-05: norms here are made for 1e-06"):
        QwenImage21Sizes(eps=1e-5)
    with pytest.raises(ValueError, match="of a QwenImageTransformer2DModel; expected QwenImage21"):
        QwenImage21Sizes.of({"_class_name": "QwenImageTransformer2DModel"})
