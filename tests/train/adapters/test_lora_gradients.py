"""A LoRA beside a frozen network, without a run: its gradients, what it begins with, what of the
base is there twice, and a quantised base.
"""

import copy

import pytest
import torch
from making import loras, packed_21
from making.packed_qwen import MIXED, TINY, off, ours, packed, theirs, velocity

from curation.failures.errors import UsageError
from train import configuration_file, families, starting
from train.adapters import base, beside, quantising, reading, writing
from train.tuning import AdapterConfiguration


def settings(**given):
    return AdapterConfiguration(rank=2, alpha=3.0, **given)


def random_adapter(network, **given):
    """An adapter of a network in which every number says something."""
    torch.manual_seed(3)
    adapter = beside.start(network, settings(**given))
    with torch.no_grad():
        for weight in adapter.parameters():
            weight.normal_(std=0.5)
    return adapter


def of_21():
    published = packed_21.diffusers_network()
    batch = packed_21.packed(packed_21.SAMPLES["two adjacent references"])
    alone = packed_21.alone(batch)
    return published, packed_21.packed_network(published), batch, alone.through


def of_v1(folder):
    published, batch = theirs(TINY), packed(MIXED)
    return published, ours(published, folder), batch, lambda network: velocity(network, batch)


@pytest.mark.parametrize("family", ["qwen_image", "qwen_image_21"])
@pytest.mark.parametrize("targets", [(), ("to_k", "img_mlp.net.2", "img_mlp.proj", "img_mod.1")])
def test_it_has_the_gradient_of_peft_on_the_network_of_diffusers(family, targets, tmp_path):
    v1 = family == "qwen_image"
    published, network, batch, through = of_v1(tmp_path) if v1 else of_21()
    targets = tuple(name for name in targets if v1 == (not name.endswith("proj")) or "to_" in name)
    adapter = random_adapter(network, targets=targets)
    network.requires_grad_(False)
    twin = base.twin(network)
    beside.attach(network, adapter)
    path = tmp_path / "lora.safetensors"
    pairs = adapter.pairs()
    assert any("to_k" in layer for layer in pairs)
    assert any("img_mod" in layer for layer in pairs) == (v1 and bool(targets))
    writing.write(path, pairs)
    changed = loras.into_diffusers(copy.deepcopy(published), path)
    for name, weight in changed.named_parameters():
        weight.requires_grad_("lora_" in name)
    mine, expected = network(batch), through(changed)
    assert off(mine, expected) < 1e-4
    assert off(twin(batch), mine) > 0.05
    weights = torch.randn(mine.shape)
    (mine * weights).sum().backward()
    (expected * weights).sum().backward()
    modules = dict(changed.named_modules())
    gradients = adapter.pairs({name: w.grad for name, w in adapter.named_parameters()})
    assert gradients.keys() == pairs.keys()
    for layer, pair in gradients.items():
        own = modules[layer]
        assert off(pair.down, own.lora_A["first"].weight.grad) < 1e-3, layer
        assert off(pair.up, own.lora_B["first"].weight.grad) < 1e-3, layer


@torch.no_grad()
@pytest.mark.parametrize("family", ["qwen_image", "qwen_image_21"])
def test_it_goes_on_with_a_stored_one_whatever_its_alpha(family, tmp_path):
    network = of_v1(tmp_path)[1] if family == "qwen_image" else of_21()[1]
    stored = random_adapter(network).pairs()
    path = tmp_path / "lora.safetensors"
    writing.write(path, stored)
    begun = beside.start(network, AdapterConfiguration(rank=2, alpha=5))
    beside.fill(begun, reading.read(path, network))
    own = begun.pairs()
    assert own.keys() == stored.keys()
    for layer, pair in stored.items():
        assert torch.equal(own[layer].down, pair.down)
        assert off(own[layer].up * own[layer].scale, pair.up * pair.scale) < 1e-6
    with pytest.raises(ValueError, match="has rank 2: set adapter"):
        beside.fill(beside.start(network, AdapterConfiguration(rank=3)), stored)
    some = beside.start(network, AdapterConfiguration(rank=2, targets=("to_q",)))
    with pytest.raises(ValueError, match=r"adapts transformer_blocks\.0\..* too, which"):
        beside.fill(some, stored)


def test_of_a_frozen_network_there_is_a_second_view_and_no_second_copy(tmp_path):
    _, network, batch, _ = of_v1(tmp_path)
    twin = base.twin(network.requires_grad_(False))
    with torch.no_grad():
        network.out.weight.add_(1.0)
    assert torch.equal(twin(batch), network(batch))
    beside.attach(network, random_adapter(network.requires_grad_(True)))
    assert off(twin(batch), network(batch)) > 0.05


def test_a_pointer_to_weights_is_no_network(tmp_path):
    ours(theirs(TINY), tmp_path / "transformer")
    for path in (tmp_path / "transformer").glob("*.safetensors"):
        path.write_text("version https://git-lfs.github.com/spec/v1")
    changes = {"weights": str(tmp_path), "model": families.of_folder(tmp_path)}
    settings = configuration_file.shipped("lora").model_copy(update=changes)
    with pytest.raises(UsageError, match=r"^weights: "):
        base.load(settings, TINY.out_channels, TINY.joint_attention_dim)
    network = ours(theirs(TINY), tmp_path / "whole")
    with pytest.raises(UsageError, match=r"^weights: "):
        list(starting._read(tmp_path / "transformer", network))


@pytest.mark.parametrize(("numbers", "smaller", "apart"), [("int8", 3.0, 0.05), ("nf4", 5.0, 0.5)])
def test_gradients_go_through_a_quantised_base(numbers, smaller, apart, tmp_path):
    _, network, batch, _ = of_v1(tmp_path)
    adapter, whole = random_adapter(network), copy.deepcopy(network)
    network.requires_grad_(False)
    quantising.quantise(network, numbers)
    assert bytes_of(whole.blocks) / bytes_of(network.blocks) > smaller  # biases stay
    other = copy.deepcopy(adapter)
    matrix = whole.blocks[1].image.mlp_in.weight.numel()
    for each, own in ((network, adapter), (whole, other)):
        beside.attach(each, own)
        kept = set()
        with torch.autograd.graph.saved_tensors_hooks(seen(kept), lambda tensor: tensor):
            loss = each(batch).square().sum()
        assert (("Tensor", matrix) in kept) == (each is whole)
        loss.backward()
    gradients = [torch.cat([w.grad.flatten() for w in a.parameters()]) for a in (adapter, other)]
    assert 0 < float((gradients[0] - gradients[1]).norm() / gradients[1].norm()) < apart


def seen(kept):
    def look(tensor):
        kept.add((type(tensor).__name__.replace("Parameter", "Tensor"), tensor.numel()))
        return tensor

    return look


def bytes_of(module):
    total = 0
    for weight in module.parameters():
        flatten = getattr(weight, "__tensor_flatten__", None)
        parts = [getattr(weight, name) for name in flatten()[0]] if flatten else [weight]
        total += sum(part.nbytes for part in parts)
    return total
