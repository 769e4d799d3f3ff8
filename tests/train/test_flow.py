"""Flow matching: both time conventions, the schedule, the sampler, guidance."""

import math
from itertools import pairwise

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from hypothesis import given
from hypothesis import strategies as st

from train import flow
from train.flow import Asked, Flow
from train.models.qwen_image import QwenImage
from train.packing import patches

FAMILY = QwenImage()
SHAPE = (3, 4, 6)


def scheduler(own, **changes):
    settings = {
        "use_dynamic_shifting": True,
        "base_shift": own.base_shift,
        "max_shift": own.max_shift,
        "base_image_seq_len": own.base_tokens,
        "max_image_seq_len": own.max_tokens,
        "shift_terminal": own.terminal or None,
    }
    return FlowMatchEulerDiscreteScheduler(**(settings | changes))


def sigmas_of_diffusers(own, steps, tokens):
    """As QwenImagePipeline asks for them."""
    theirs = scheduler(own)
    levels = torch.linspace(1.0, 1 / steps, steps, dtype=torch.float64).tolist()
    theirs.set_timesteps(sigmas=levels, mu=own.mu(tokens))
    return theirs.sigmas.tolist()


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_report_and_diffusers_are_the_same_path_and_opposite_velocities():
    data, noise = normal(5, 12), normal(5, 12, seed=1)
    sigma = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0])
    t = (1 - sigma).view(-1, 1)
    report = t * data + (1 - t) * noise  # arXiv 2508.02324: x_t = t x0 + (1 - t) x1
    assert torch.allclose(flow.path(data, noise, sigma), report, atol=1e-6)
    # v = dx_t/dt = x0 - x1; the network predicts dx/dsigma
    assert torch.equal(flow.target(data, noise), -(data - noise))
    assert torch.equal(flow.path(data, noise, sigma)[0], data[0])
    assert torch.equal(flow.path(data, noise, sigma)[-1], noise[-1])


def test_the_path_is_the_schedulers():
    theirs = scheduler(Flow())
    theirs.set_timesteps(sigmas=[1.0, 0.7, 0.3], mu=0.5)
    data, noise = normal(3, 12), normal(3, 12, seed=1)
    expected = theirs.scale_noise(data, theirs.timesteps, noise)
    assert torch.allclose(flow.path(data, noise, theirs.sigmas[:3]), expected, atol=1e-6)


@pytest.mark.parametrize("terminal", [0.0, 0.02])
@pytest.mark.parametrize("steps", [2, 3, 8, 50])
@pytest.mark.parametrize("tokens", [8, 256, 6889])
def test_the_schedule_is_the_schedulers(steps, tokens, terminal):
    own = Flow(terminal=terminal)
    assert own.schedule(steps, tokens) == pytest.approx(
        sigmas_of_diffusers(own, steps, tokens), abs=1e-6
    )


@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_one_step_is_finite_where_the_shipped_scheduler_is_not():
    assert math.isnan(sigmas_of_diffusers(Flow(), 1, 256)[0])  # the reason ours exists
    assert Flow().schedule(1, 256) == [1.0, 0.0]
    with pytest.raises(ValueError, match="steps is 0"):
        Flow().schedule(0, 256)


def test_training_noise_levels_are_the_schedulers_shift_of_a_logit_normal():
    own = Flow(logit_mean=0.3, logit_standard_deviation=0.8)

    def levels(tokens):
        random = torch.Generator().manual_seed(3)
        return torch.tensor([own.level(tokens, random) for _ in range(1000)])

    logit = torch.logit(levels(64).double())
    assert float(logit.mean()) == pytest.approx(0.3 + own.mu(64), abs=0.1)
    assert float(logit.std()) == pytest.approx(0.8, rel=0.1)
    plain = torch.sigmoid(logit - own.mu(64))
    assert torch.allclose(levels(64), scheduler(own).time_shift(own.mu(64), 1.0, plain).float())
    assert levels(4096).mean() > levels(64).mean()


def asked(seeds, **options):
    """Images of a text of two tokens."""
    text = (torch.arange(8.0).view(2, 4),)
    return [Asked(text, seed, **options) for seed in seeds]


def tokens(latents):
    return torch.cat([patches.pack(each, FAMILY.patch) for each in latents])


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_sampler_walks_the_path_that_was_trained(steps):
    seeds = [4, 5, 6]
    data = normal(3, *SHAPE, seed=9)
    noise = tokens(flow.noise_like(SHAPE, seeds))

    def known(packed):  # a network that knows the answer
        level = packed.sigma.repeat_interleave(6)
        assert torch.allclose(packed.image, flow.path(tokens(data), noise, level), atol=1e-4)
        return flow.target(tokens(data), noise)

    generated = flow.sample(known, FAMILY, asked(seeds), SHAPE, steps=steps)
    assert torch.allclose(generated, data, atol=1e-5)


def curved(packed):
    """Some smooth velocity that depends on everything."""
    layout = packed.layout
    text = torch.stack([part.mean() for part in packed.text.split(layout.text_lengths)])
    sample = torch.from_numpy(layout.target_sample)
    targets = packed.image[torch.from_numpy(layout.target_places)]
    return torch.sin(targets) * packed.sigma[sample, None] + text[sample, None]


@pytest.mark.parametrize("steps", [2, 9])
def test_the_sampler_steps_as_the_scheduler(steps):
    own = Flow()
    generated = flow.sample(curved, FAMILY, asked([1, 2]), SHAPE, steps=steps, flow=own)
    theirs = scheduler(own)
    levels = torch.linspace(1.0, 1 / steps, steps, dtype=torch.float64).tolist()
    theirs.set_timesteps(sigmas=levels, mu=own.mu(6))
    latents = flow.noise_like(SHAPE, [1, 2])
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
    generated = flow.sample(watching, FAMILY, asked([1, 2], references=references), SHAPE, steps=3)
    assert torch.equal(generated, flow.sample(curved, FAMILY, asked([1, 2]), SHAPE, steps=3))
    assert len(seen) == 3
    expected = torch.cat([patches.pack(each, 2) for each in references * 2])
    assert all(torch.equal(each, expected) for each in seen)


def test_guidance_one_is_no_guidance_and_costs_none():
    calls = []

    def counted(packed):
        calls.append(packed)
        return curved(packed)

    negative = (normal(1, 4, seed=2),)
    plain = flow.sample(counted, FAMILY, asked([1, 2]), SHAPE, steps=3)
    given_one = asked([1, 2], negative=negative)
    unguided = flow.sample(counted, FAMILY, given_one, SHAPE, steps=3, guidance=1.0)
    assert torch.equal(plain, unguided)
    assert len(calls) == 6
    four = flow.sample(counted, FAMILY, given_one, SHAPE, steps=3, guidance=4.0)
    assert len(calls) == 12
    assert not torch.allclose(four, plain, atol=1e-2)
    conditional, unconditional = normal(6, 12), normal(6, 12, seed=1)
    assert torch.allclose(flow.guide(conditional, unconditional, 1.0), conditional, atol=1e-5)
    assert flow.guide(torch.zeros(1, 12), torch.zeros(1, 12), 4.0).isfinite().all()
    with pytest.raises(ValueError, match="needs a negative text"):
        flow.sample(curved, FAMILY, asked([1, 2]), SHAPE, steps=1, guidance=2.0)


def test_an_images_noise_is_its_own():
    both = flow.noise_like(SHAPE, [7, 8])
    assert torch.equal(both[1], flow.noise_like(SHAPE, [8])[0])
    assert not torch.equal(both[0], both[1])


@given(
    tokens=st.integers(1, 16384),
    steps=st.integers(1, 100),
    terminal=st.sampled_from([0.0, 0.02, 0.1]),
)
def test_any_schedule_falls_from_one_to_zero(tokens, steps, terminal):
    levels = Flow(terminal=terminal).schedule(steps, tokens)
    assert len(levels) == steps + 1
    assert (levels[0], levels[-1]) == (1.0, 0.0)
    assert all(before > after for before, after in pairwise(levels))
