"""The sampler: its path, guidance, and images of many sizes in one pass."""

from dataclasses import replace

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from train import flow, sampler
from train.flow import Flow
from train.models.qwen_image import QwenImage
from train.models.qwen_image_21 import QwenImage21
from train.packing import patches
from train.sampler import Asked, anew

FAMILY = QwenImage()
SHAPE = (3, 4, 6)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def asked(seeds, **options):
    """Images of a text of two tokens."""
    text = (torch.arange(8.0).view(2, 4),)
    return [Asked(text, SHAPE, seed, **options) for seed in seeds]


def tokens(latents):
    return torch.cat([patches.pack(each, FAMILY.patch) for each in latents])


def noises(seeds):
    return torch.stack([sampler.noise(SHAPE, seed) for seed in seeds])


def sample(velocity, images, **options):
    return sampler.sample(anew(velocity), FAMILY, images, **options)


def curved(packed):
    """Some smooth velocity that depends on everything in a sample, and nothing outside of it."""
    layout = packed.layout
    text = torch.stack([part.mean() for part in packed.text.split(layout.text_lengths)])
    sample_of = torch.from_numpy(layout.target_sample)
    targets = packed.image[torch.from_numpy(layout.target_places)]
    return torch.sin(targets) * packed.sigma[sample_of, None] + text[sample_of, None]


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_sampler_walks_the_path_that_was_trained(steps):
    seeds = [4, 5, 6]
    data = normal(3, *SHAPE, seed=9)
    noise = tokens(noises(seeds))

    def known(packed):  # a network that knows the answer
        level = packed.sigma.repeat_interleave(6)
        assert torch.allclose(packed.image, flow.path(tokens(data), noise, level), atol=1e-4)
        return flow.target(tokens(data), noise)

    generated = torch.stack(sample(known, asked(seeds), steps=steps))
    assert torch.allclose(generated, data, atol=1e-5)


@pytest.mark.parametrize("steps", [2, 9])
def test_the_sampler_steps_as_the_scheduler(steps):
    own = Flow()
    generated = torch.stack(sample(curved, asked([1, 2]), steps=steps, flow=own))
    theirs = FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=own.base_shift,
        max_shift=own.max_shift,
        base_image_seq_len=own.base_tokens,
        max_image_seq_len=own.max_tokens,
        shift_terminal=own.terminal,
    )
    levels = torch.linspace(1.0, 1 / steps, steps, dtype=torch.float64).tolist()
    theirs.set_timesteps(sigmas=levels, mu=own.mu(6))
    latents = noises([1, 2])
    for timestep in theirs.timesteps:
        velocity = torch.sin(latents) * (timestep / 1000) + 3.5
        latents = theirs.step(velocity, timestep, latents, return_dict=False)[0]
    assert torch.allclose(generated, latents, atol=1e-5)


def test_references_are_seen_at_every_step_and_stay_as_they_are():
    seen = []

    def watching(packed):
        is_reference = torch.from_numpy(~packed.layout.is_target)
        seen.append(packed.image[is_reference])
        return curved(packed)

    references = (normal(3, 2, 4), normal(3, 4, 4, seed=1))
    generated = sample(watching, asked([1, 2], references=references), steps=3)
    assert all(map(torch.equal, generated, sample(curved, asked([1, 2]), steps=3)))
    assert len(seen) == 3
    expected = torch.cat([patches.pack(each, 2) for each in references * 2])
    assert all(torch.equal(each, expected) for each in seen)


def test_guidance_costs_a_second_sample_and_no_second_pass():
    calls = []

    def counted(packed):
        calls.append(len(packed.layout.samples))
        return curved(packed)

    negative = (normal(1, 4, seed=2),)
    plain = sample(counted, asked([1, 2]), steps=3)
    given_one = asked([1, 2], negative=negative)
    assert all(map(torch.equal, plain, sample(counted, given_one, steps=3)))
    assert calls == [2] * 6
    four = asked([1, 2], negative=negative, guidance=4.0)
    guided = sample(counted, four, steps=3)
    assert calls[6:] == [4] * 3
    assert not torch.allclose(guided[0], plain[0], atol=1e-2)
    both = sample(counted, [given_one[0], four[1]], steps=3)  # one with and one without
    assert calls[9:] == [3] * 3
    assert torch.allclose(both[0], plain[0], atol=1e-6)
    assert torch.allclose(both[1], guided[1], atol=1e-6)
    with pytest.raises(ValueError, match="needs a negative text"):
        asked([1, 2], guidance=2.0)


@pytest.mark.parametrize("family", [QwenImage(), QwenImage21()])
def test_guidance_is_rescaled_where_the_pipeline_does_it(family):
    conditional, unconditional = normal(6, 12), normal(6, 12, seed=1)
    none, four = torch.full((6, 1), 1.0), torch.full((6, 1), 4.0)
    assert torch.allclose(family.guide(conditional, unconditional, none), conditional, atol=1e-5)
    guided = family.guide(conditional, unconditional, four)
    lengths = guided.norm(dim=1), conditional.norm(dim=1)
    assert torch.allclose(*lengths, atol=1e-5) == isinstance(family, QwenImage)
    mixed = 4 * conditional - 3 * unconditional
    assert torch.nn.functional.cosine_similarity(guided, mixed).min() > 0.9999
    zeros = torch.zeros(6, 12)
    assert family.guide(zeros, zeros, four).isfinite().all()


def test_images_of_many_sizes_are_those_of_each_alone():
    """Sizes have noise levels of their own, since the shift depends on tokens."""
    negative = (normal(1, 4, seed=2),)
    small, large = asked([1, 2], negative=negative, guidance=3.0)
    mixed = [small, replace(large, shape=(3, 12, 8)), replace(small, shape=(3, 2, 2), guidance=1.0)]
    together = sample(curved, mixed, steps=4)
    for image, request in zip(together, mixed, strict=True):
        assert image.shape == request.shape
        (alone,) = sample(curved, [request], steps=4)
        assert torch.allclose(image, alone, atol=1e-6)


def test_an_images_noise_is_its_own():
    assert torch.equal(sampler.noise(SHAPE, 7), sampler.noise(SHAPE, 7))
    assert not torch.equal(sampler.noise(SHAPE, 7), sampler.noise(SHAPE, 8))
