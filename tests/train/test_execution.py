"""Recomputation, compilation and float8: what is kept, what is compiled, and that results stay."""

import pytest
import torch
from making.training_runs import train
from torch.autograd.graph import saved_tensors_hooks

from curation.failures.errors import UsageError
from train import execution
from train.models.qwen_image import QwenImage
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.packing.packed import Packed

SAMPLES = (
    (TextSpan(5), ImageSpan(4, 6, target=True)),
    (TextSpan(9), ImageSpan(3, 4, target=True), ImageSpan(2, 2, target=False)),
)


def made(width=16, layers=2):
    torch.manual_seed(0)
    axes = (width // 4, 3 * width // 8, 3 * width // 8)
    family = QwenImage(layers=layers, heads=2, head_width=width, rope_axes=axes)
    network = family.build(4, 32)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    return network


def batch():
    random = torch.Generator().manual_seed(1)
    layout = Layout(SAMPLES)
    text = torch.randn(sum(layout.text_lengths), 32, generator=random)
    image = torch.randn(layout.tokens - len(text), 16, generator=random)
    return Packed(text, image, torch.tensor([0.3, 0.8]), layout)


def kept_bytes(network):
    """Of all that autograd keeps between the passes, each memory once."""
    kept = {}
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        velocities = network(batch())
    velocities.sum().backward()
    return sum(kept.values())


def test_less_is_kept_the_more_is_computed_again():
    # selective recomputation keeps what it does in caches, which hooks do not see
    plain, network = kept_bytes(made()), made()
    execution.recompute(network, "block")
    assert kept_bytes(network) < 0.35 * plain


def test_selective_recomputation_keeps_what_matrices_gave(monkeypatch):
    calls = []
    network = made()
    execution.recompute(network, "selective")
    inner = torch.nn.functional.linear
    velocities = network(batch())

    class Counting(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, operation, types, given=(), named=None):
            calls.append(operation.overloadpacket.__name__)
            return operation(*given, **(named or {}))

    with Counting():
        velocities.sum().backward()
    forward = [name for name in calls if name == "addmm"]  # of linear layers with biases
    assert forward == []
    assert "native_layer_norm" in calls
    assert inner is torch.nn.functional.linear


def test_compiled_blocks_compute_the_same():
    """Traced as a compiler would, and run as they are: compiling takes minutes."""
    torch._dynamo.reset()
    plain, network = made(layers=1), made(layers=1)
    execution.recompute(network, "selective")
    execution.compile_blocks(network, "cpu", backend="eager")
    results = []
    for each in (plain, network):
        velocities = each(batch())
        velocities.square().sum().backward()
        results.append((velocities, [p.grad for p in each.parameters() if p.grad is not None]))
    (one, first), (other, second) = results
    assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
    assert len(first) == len(second)
    for gradient, again in zip(first, second, strict=True):
        assert torch.allclose(gradient, again, rtol=1e-3, atol=1e-4)


def test_float8_is_for_matrices_in_blocks_and_stays_near():
    pytest.importorskip("torchao")
    plain, network = made(), made()
    names = [name for name, _ in network.named_parameters()]
    weights = list(network.parameters())
    changed = execution.to_float8(network, emulate=True)
    assert "blocks.0.image.qkv" in changed
    assert len(changed) == 4 + 4 + 4 + 1  # of the last block's text only keys and values
    assert not any("modulation" in name or not name.startswith("blocks.") for name in changed)
    assert [name for name, _ in network.named_parameters()] == names
    assert all(own is given for own, given in zip(network.parameters(), weights, strict=True))
    velocities = network(batch())
    exact = plain(batch())
    assert 0 < ((velocities - exact).norm() / exact.norm()).item() < 0.1
    velocities.square().sum().backward()
    gradient = network.blocks[0].image.qkv.weight.grad
    assert gradient.dtype == torch.float32
    assert gradient.abs().sum() > 0


def test_what_cannot_be_is_told(tiny, tmp_path):
    with pytest.raises(UsageError, match="Linear has no blocks that this could be for"):
        execution.recompute(torch.nn.Linear(2, 2), "block")
    folder, pattern, config = tiny
    path = tmp_path / "float8.yaml"
    path.write_text(config.read_text().replace("precision: fp32", "precision: float8\ndevice: cpu"))
    told = train((folder, pattern, path), tmp_path / "out", code=2).stderr
    assert "precision float8 needs a GPU of compute capability 8.9 (Ada, Hopper) or later" in told
    assert "the device is cpu; precision bf16 runs anywhere" in told
