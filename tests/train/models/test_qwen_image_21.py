"""The packed network of Qwen-Image-2.1 computes what diffusers' does, in any mix of samples."""

from dataclasses import replace

import pytest
import torch
from making.packed_21 import (
    SAMPLES,
    SIZES,
    alone,
    diffusers_network,
    packed,
    packed_network,
    published,
)

from train import execution

OPTIONS = {
    "as shipped": SIZES,
    "no causal condition": replace(SIZES, causal_condition=False),
    "other widths": replace(SIZES, mlp_ratio=2, out_channels=5, axes_dims_rope=(8, 4, 4)),
    "patches": replace(SIZES, patch_size=2, num_attention_heads=3),
}


def difference(ours, theirs):
    """The largest, relative to the largest value."""
    return float(((ours - theirs).abs().max() / theirs.abs().max()).detach())


@pytest.mark.parametrize(
    ("option", "name"),
    [
        *(("as shipped", name) for name in SAMPLES),
        *((option, "two adjacent references") for option in list(OPTIONS)[1:]),
        ("no causal condition", "no reference"),
    ],
)
def test_a_sample_equals_diffusers(option, name):
    sizes, sample = OPTIONS[option], SAMPLES[name]
    theirs = diffusers_network(sizes)
    ours = packed_network(theirs, sizes)
    batch = packed(sample, sizes=sizes)
    velocity, expected = ours(batch), alone(batch).through(theirs)
    assert velocity.shape == expected.shape == (sample[-1].tokens, sizes.values_out)
    assert difference(velocity, expected) < 1e-5
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    theirs.zero_grad()
    (velocity * weights).sum().backward()
    (expected * weights).sum().backward()
    gradients = published({name: each.grad for name, each in ours.named_parameters()}, sizes)
    for key, weight in theirs.named_parameters():
        assert difference(gradients[key], weight.grad) < 1e-4, key


@torch.no_grad()
def test_samples_equal_diffusers_in_bfloat16():
    theirs = diffusers_network(dtype=torch.bfloat16)
    ours = packed_network(theirs)
    ours.rounds_timestep = True
    for name, sample in SAMPLES.items():
        batch = packed(sample, dtype=torch.bfloat16)
        assert difference(ours(batch), alone(batch).through(theirs)) < 2e-2, name


@pytest.mark.parametrize("rounded", [False, True])
def test_noise_levels_are_rounded_only_on_demand(rounded):
    """0.7371 is 0.7383 in bfloat16: the same number for what rounds, another for what does not."""
    network = packed_network(diffusers_network(dtype=torch.bfloat16))
    network.rounds_timestep = rounded
    batch = packed(SAMPLES["no reference"], dtype=torch.bfloat16)
    exact = replace(batch, sigma=torch.tensor([0.7371]))
    near = replace(batch, sigma=exact.sigma.bfloat16().float())
    with torch.no_grad():
        assert torch.equal(network(exact), network(near)) == rounded


@pytest.mark.parametrize("sizes", list(OPTIONS.values())[:2], ids=list(OPTIONS)[:2])
def test_a_batch_equals_its_samples(sizes):
    network = packed_network(diffusers_network(sizes), sizes)
    together = network(packed(*SAMPLES.values(), sizes=sizes))
    singles = [network(packed(sample, sizes=sizes)) for sample in SAMPLES.values()]
    assert difference(together, torch.cat(singles)) < 1e-6


@pytest.mark.parametrize("kind", ["block", "selective"])
def test_recomputation_changes_no_gradient(kind):
    gradients = []
    for recompute in ("none", kind):
        network = packed_network(diffusers_network())
        execution.recompute(network, recompute)
        network(packed(*SAMPLES.values())).square().sum().backward()
        gradients.append({name: weight.grad for name, weight in network.named_parameters()})
    for name, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][name]), name


def test_blocks_compile_without_a_break():
    network = packed_network(diffusers_network())
    batch = packed(SAMPLES["a reference"])
    expected = network(batch)
    network.compile_blocks(backend="eager", fullgraph=True)
    assert difference(network(batch), expected) < 1e-6


def test_a_cached_prefix_changes_nothing():
    network = packed_network(diffusers_network())
    batch = packed(*SAMPLES.values())
    targets = torch.from_numpy(batch.layout.is_target)
    blank = replace(batch, image=batch.image * ~targets[:, None], sigma=torch.rand(len(SAMPLES)))
    with torch.no_grad():
        cache = network.prefix(blank)
        for level in (0.9, 0.3):
            noisy = replace(batch, sigma=batch.sigma * level)
            cached = network.step(cache, batch.image[targets], noisy.sigma)
            assert difference(cached, network(noisy)) < 1e-6


def test_no_prefix_without_causal_condition():
    sizes = OPTIONS["no causal condition"]
    network = packed_network(diffusers_network(sizes), sizes)
    with pytest.raises(ValueError, match="depends on the noise level"):
        network.prefix(packed(SAMPLES["a reference"], sizes=sizes))


@pytest.mark.parametrize("order", [(1, 0), (1, 1), (0, 1, 0)])
def test_a_target_is_last_and_the_only_target(order):
    spans = SAMPLES["no reference"]
    network = packed_network(diffusers_network())
    with pytest.raises(ValueError, match="is text and references, and last its target"):
        network(packed(spans, tuple(spans[number] for number in order)))


def test_training_starts_from_no_velocity_with_a_gradient():
    from train.models.qwen_image_21.network import PackedQwenImage21

    network = PackedQwenImage21(SIZES)
    network.initialise()
    velocity = network(packed(*SAMPLES.values()))
    assert not velocity.any()
    (velocity - 1).square().sum().backward()
    assert network.out.weight.grad.any()
    for name, fan in (("qkv", 2 * SIZES.width), ("mlp_in", 4 * SIZES.width)):
        weight = getattr(network.blocks[0], name).weight.detach()
        bound = (6 / fan) ** 0.5  # Xavier's, of each of the matrices in it
        assert 0.95 * bound < float(weight.abs().max()) <= bound
