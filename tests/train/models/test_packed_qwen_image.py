"""The packed network beside that of diffusers, of every option, and a batch beside its samples."""

from dataclasses import replace

import pytest
import torch
from making.packed_qwen import MIXED, OPTIONS, TINY, off, ours, packed, singles, theirs, velocity
from torch._dynamo.testing import CompileCounter

from train import execution
from train.models.qwen_image.keys import keys
from train.packing.keys import parted
from train.packing.layout import Layout, TextSpan

LAYERED = torch.tensor([0, 1, 1, 0])


def additional(config):
    return LAYERED if config.use_additional_t_cond else None


@pytest.mark.parametrize("option", OPTIONS)
def test_velocities_and_gradients_are_those_of_diffusers(option, tmp_path):
    config = OPTIONS[option]
    reference, batch = theirs(config), packed(MIXED)
    network = ours(reference, tmp_path)
    measured = network(batch, additional(config))
    expected = velocity(reference, batch, additional(config))
    assert measured.shape == (sum(MIXED.target_lengths), config.values_out)
    assert off(measured, expected) < 1e-5
    weight = torch.randn(measured.shape, generator=torch.Generator().manual_seed(2))
    (measured * weight).sum().backward()
    (expected * weight).sum().backward()
    gradients = {
        key: gradient
        for name, parameter in network.named_parameters()
        if parameter.grad is not None
        for key, gradient in parted(keys(config)[name], parameter.grad)
    }
    silent = 0
    for key, parameter in reference.named_parameters():
        if key in gradients:
            assert off(gradients[key], parameter.grad) < 1e-4, key
        else:  # text that nobody sees
            assert parameter.grad is None or not parameter.grad.any(), key
            silent += 1
    assert silent == 9


@pytest.mark.parametrize("option", OPTIONS)
def test_bf16_is_near_to_diffusers_when_it_rounds_as_that_does(option, tmp_path):
    config = OPTIONS[option]
    reference, batch = theirs(config, dtype=torch.bfloat16), packed(MIXED, dtype=torch.bfloat16)
    network = ours(reference, tmp_path)
    network.rounds_timestep = True
    with torch.no_grad():
        rounded = network(batch)
        network.rounds_timestep = False
        exact = network(batch)
        expected = velocity(reference, batch)
    assert rounded.dtype == torch.bfloat16
    assert off(rounded, expected) < 2e-2
    assert off(exact, rounded) > off(rounded, expected)


@pytest.mark.parametrize("option", ["text to image", "zero_cond_t", "layered"])
def test_a_batch_is_its_samples(option, tmp_path):
    network, batch = ours(theirs(OPTIONS[option]), tmp_path), packed(MIXED)
    with torch.no_grad():
        apart = torch.cat([network(single) for single in singles(batch)])
        assert off(network(batch), apart) < 1e-6


@pytest.mark.parametrize("kind", ["block", "selective"])
def test_recomputation_changes_no_bit(kind, tmp_path):
    network, batch = ours(theirs(TINY), tmp_path), packed(MIXED)
    results = []
    for recomputes in ("none", kind):
        execution.recompute(network, recomputes)
        network.zero_grad()
        velocities = network(batch)
        velocities.square().sum().backward()
        gradients = [p.grad.clone() for p in network.parameters() if p.grad is not None]
        results.append((velocities, gradients))
    assert torch.equal(results[0][0], results[1][0])
    for plain, recomputed in zip(results[0][1], results[1][1], strict=True):
        assert torch.equal(plain, recomputed)


def test_autocast_computes_in_bf16_and_stays_near(tmp_path):
    network, batch = ours(theirs(TINY), tmp_path), packed(MIXED)
    with torch.autocast("cpu", torch.bfloat16):
        velocities = network(batch)
    assert velocities.dtype == torch.bfloat16
    velocities.float().square().sum().backward()
    assert network.blocks[0].image.qkv.weight.grad.dtype == torch.float32
    assert off(velocities, network(batch)) < 3e-2


def test_a_sample_in_another_order_is_refused(tmp_path):
    network = ours(theirs(TINY), tmp_path)
    text, target, reference = MIXED.samples[1]
    for sample in ((target, text), (text, reference, target), (text, target, TextSpan(2))):
        with pytest.raises(ValueError, match=r"\[text, target, references\]"):
            network(packed(Layout((sample,))))


def test_blocks_are_traced_without_a_break_and_once_for_all_layouts(tmp_path):
    """Traced as a compiler would, and run as they are."""
    reference = theirs(replace(TINY, num_layers=2))
    network, traced = ours(reference, tmp_path), ours(reference, tmp_path)
    torch._dynamo.reset()
    counter = CompileCounter()
    traced.compile_blocks(backend=counter, fullgraph=True)
    for layout in (MIXED, Layout(MIXED.samples[:2])):
        batch = packed(layout)
        velocities = traced(batch)
        assert off(velocities, network(batch)) < 1e-6
        velocities.sum().backward()
        if layout is MIXED:
            count = counter.frame_count
    assert counter.frame_count == count == 4  # before and after, of the last block too
