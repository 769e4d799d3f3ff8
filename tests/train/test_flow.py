"""Flow matching: both time conventions, the schedule, the sampler, guidance."""

import math
from itertools import pairwise

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from hypothesis import given
from hypothesis import strategies as st

from train import flow
from train.flow import Flow
from train.models.family import Condition

PATCH = 2
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
    data, noise = normal(5, *SHAPE), normal(5, *SHAPE, seed=1)
    sigma = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0])
    t = (1 - sigma).view(-1, 1, 1, 1)
    report = t * data + (1 - t) * noise  # arXiv 2508.02324: x_t = t x0 + (1 - t) x1
    assert torch.allclose(flow.path(data, noise, sigma), report, atol=1e-6)
    # v = dx_t/dt = x0 - x1; the network predicts dx/dsigma
    assert torch.equal(flow.target(data, noise), -(data - noise))
    assert torch.equal(flow.path(data, noise, sigma)[0], data[0])
    assert torch.equal(flow.path(data, noise, sigma)[-1], noise[-1])


def test_the_path_is_the_schedulers():
    theirs = scheduler(Flow())
    theirs.set_timesteps(sigmas=[1.0, 0.7, 0.3], mu=0.5)
    data, noise = normal(3, *SHAPE), normal(3, *SHAPE, seed=1)
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
    drawn = own.sample_levels(1000, 64, torch.Generator().manual_seed(3))
    plain = torch.sigmoid(0.3 + 0.8 * normal(1000, seed=3))
    assert torch.allclose(drawn, scheduler(own).time_shift(own.mu(64), 1.0, plain), atol=1e-6)
    assert own.sample_levels(1000, 4096, torch.Generator().manual_seed(3)).mean() > drawn.mean()


def straight(data, noise):
    """A network that knows the answer."""

    def velocity(latents, sigma, _condition):
        assert torch.allclose(latents, flow.path(data, noise, sigma), atol=1e-4)
        return flow.target(data, noise)

    return velocity


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_sampler_walks_the_path_that_was_trained(steps):
    seeds = [4, 5, 6]
    noise = flow.noise_like(SHAPE, seeds)
    data = normal(3, *SHAPE, seed=9)
    text = Condition(torch.zeros(3, 2, 4), torch.ones(3, 2, dtype=torch.bool))
    known = straight(data, noise)
    drawn = flow.sample(known, SHAPE, text, patch=PATCH, steps=steps, seeds=seeds)
    assert torch.allclose(drawn, data, atol=1e-5)


def curved(latents, sigma, condition):
    """Some smooth velocity that depends on everything."""
    text = condition.features.mean((1, 2)).view(-1, 1, 1, 1)
    return torch.sin(latents) * sigma.view(-1, 1, 1, 1) + text


@pytest.mark.parametrize("steps", [2, 9])
def test_the_sampler_steps_as_the_scheduler(steps):
    own, text = Flow(), Condition(normal(2, 3, 4), torch.ones(2, 3, dtype=torch.bool))
    drawn = flow.sample(curved, SHAPE, text, patch=PATCH, steps=steps, seeds=[1, 2], flow=own)
    theirs = scheduler(own)
    levels = torch.linspace(1.0, 1 / steps, steps, dtype=torch.float64).tolist()
    theirs.set_timesteps(sigmas=levels, mu=own.mu(6))
    latents = flow.noise_like(SHAPE, [1, 2])
    for timestep in theirs.timesteps:
        sigma = (timestep / 1000).expand(2)
        velocity = curved(latents, sigma, text)
        latents = theirs.step(velocity, timestep, latents, return_dict=False)[0]
    assert torch.allclose(drawn, latents, atol=1e-5)


def test_guidance_one_is_no_guidance_and_costs_none():
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return curved(*arguments)

    text = Condition(normal(2, 3, 4), torch.ones(2, 3, dtype=torch.bool))
    negative = Condition(normal(1, 1, 4, seed=2), text.mask[:1, :1])
    common = {"steps": 3, "seeds": [1, 2], "patch": PATCH}
    plain = flow.sample(counted, SHAPE, text, **common)
    unguided = flow.sample(counted, SHAPE, text, guidance=1.0, negative=negative, **common)
    assert torch.equal(plain, unguided)
    assert len(calls) == 6
    four = flow.sample(counted, SHAPE, text, guidance=4.0, negative=negative, **common)
    assert len(calls) == 12
    assert not torch.allclose(four, plain, atol=1e-2)
    conditional, unconditional = normal(2, *SHAPE), normal(2, *SHAPE, seed=1)
    assert torch.allclose(flow.guide(conditional, unconditional, 1.0, 2), conditional, atol=1e-5)
    assert flow.guide(torch.zeros(1, *SHAPE), torch.zeros(1, *SHAPE), 4.0, 2).isfinite().all()


def test_an_images_noise_is_its_own():
    both = flow.noise_like(SHAPE, [7, 8])
    assert torch.equal(both[1], flow.noise_like(SHAPE, [8])[0])
    assert not torch.equal(both[0], both[1])


def test_counts_that_do_not_fit_are_refused():
    text = Condition(torch.zeros(2, 3, 4), torch.ones(2, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="1 seeds for 2 prompts"):
        flow.sample(curved, SHAPE, text, patch=PATCH, steps=1, seeds=[1])
    with pytest.raises(ValueError, match="needs a negative condition"):
        flow.sample(curved, SHAPE, text, patch=PATCH, steps=1, seeds=[1, 2], guidance=2.0)


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


def test_the_loss_is_the_mean_square_in_float32():
    data, noise = normal(2, *SHAPE), normal(2, *SHAPE, seed=1)
    prediction = (noise - data + 0.5).to(torch.bfloat16)
    found = flow.loss(prediction, data, noise)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(0.25, rel=0.02)
