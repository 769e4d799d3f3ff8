"""The stochastic flow has the marginals of the deterministic one, and probabilities are right."""

import math
from itertools import pairwise

import pytest
import torch

from train.stochastic import Step

MEAN, DEVIATION = 1.5, 0.3


def velocity(x, sigma):
    """E[noise - data | x] of data N(1.5, 0.3^2), in closed form."""
    kept = 1 - sigma
    variance = sigma**2 + kept**2 * DEVIATION**2
    off = x - kept * MEAN
    return sigma * off / variance - (MEAN + kept * DEVIATION**2 * off / variance)


def walked(amount, steps=200, count=20_000):
    """Where noise is led, and how it is spread halfway."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(count, 1, generator=random)
    levels = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    halfway = None
    for sigma, following in pairwise(levels):
        step = Step.between(sigma.expand(count), following.expand(count), amount)
        mean = step.mean(x, velocity(x, float(sigma)))
        x = mean + step.deviation * torch.randn(count, 1, generator=random)
        if halfway is None and following <= 0.5:
            halfway = x
    return x, halfway


@pytest.mark.parametrize("amount", [0.3, 0.7, 1.0])
def test_the_marginals_are_those_of_the_flow(amount):
    x, halfway = walked(amount)
    assert float(x.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(x.std()) == pytest.approx(DEVIATION, rel=0.03)
    assert float(halfway.mean()) == pytest.approx(0.5 * MEAN, abs=0.015)
    assert float(halfway.std()) == pytest.approx(math.hypot(0.5, 0.5 * DEVIATION), rel=0.02)


def test_the_report_s_own_equations_would_not_have_them():
    """Its eq. 6 with t = 1 as data, taken literally."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(2_000, 1, generator=random)
    times = torch.linspace(0, 1, 201, dtype=torch.float64)[1:]
    for t in times.tolist()[:-1]:
        own = -velocity(x, 1 - t)
        squared = 0.49 * t / (1 - t)
        drift = own + squared / (2 * t) * (x + (1 - t) * own)
        noise = torch.randn(x.shape, generator=random)
        x = x + drift / 200 + (squared / 200) ** 0.5 * noise
    assert abs(float(x.mean()) - MEAN) > 1


def test_a_step_is_as_the_formula_says():
    sigma, following, amount = 0.6, 0.4, 0.7
    x, u = torch.tensor([[0.3, -1.0]]), torch.tensor([[2.0, 0.5]])
    levels = [torch.tensor([each], dtype=torch.float64) for each in (sigma, following)]
    step = Step.between(*levels, amount)
    spread = amount * math.sqrt(sigma / (1 - sigma))
    drift = u + spread**2 / (2 * sigma) * (x + (1 - sigma) * u)
    assert torch.allclose(step.mean(x, u), x + drift * (following - sigma), atol=1e-6)
    assert float(step.deviation) == pytest.approx(spread * math.sqrt(sigma - following))
    reached = torch.tensor([[0.1, 0.2]])
    normal = torch.distributions.Normal(step.mean(x, u), step.deviation)
    wanted = normal.log_prob(reached).mean(-1)
    assert torch.allclose(step.log_probability(reached, step.mean(x, u)), wanted)
    other = torch.tensor([[1.0, 1.0]])
    factor = 1 / spread + spread * (1 - sigma) / (2 * sigma)
    of_formula = 0.2 / 2 * factor**2 * (u - other).square().mean(-1)
    assert torch.allclose(step.divergence(u, other), of_formula)
    of_torch = torch.distributions.kl_divergence(
        normal, torch.distributions.Normal(step.mean(x, other), step.deviation)
    )
    assert torch.allclose(of_formula, of_torch.mean(-1))


def test_at_the_level_of_noise_alone_the_next_one_says_how_much():
    one, next_one = (torch.tensor([each], dtype=torch.float64) for each in (1.0, 0.8))
    step = Step.between(one, next_one, 0.5)
    assert float(step.deviation) == pytest.approx(0.5 * math.sqrt(0.8 / 0.2) * math.sqrt(0.2))
