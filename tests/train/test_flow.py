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


def test_a_model_distilled_to_a_few_steps_has_levels_of_its_own():
    own = Flow(sigmas=(1.0, 0.6, 0.3))
    theirs = scheduler(own)
    theirs.set_timesteps(sigmas=[1.0, 0.6, 0.3], mu=own.mu(64))
    assert own.schedule(3, 64) == pytest.approx(theirs.sigmas.tolist(), abs=1e-6)
    with pytest.raises(ValueError, match="expected 3"):
        own.schedule(4, 64)
