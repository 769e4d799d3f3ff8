"""Bradley-Terry ratings by maximum likelihood: the order of votes is nothing to them.

P(i beats j) = 1 / (1 + 10 ** ((R_j - R_i) / 400)), a tie half a win each (R. A. Bradley and M. E.
Terry, 1952). Intervals are of resamples of PROMPTS: votes on one depend on each other. Shapes: M
models, P prompts, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.failures.errors import UsageError
from infer.arena.votes import Vote

MEAN, SCALE = 1000.0, 400 / np.log(10)
PRIOR = 0.01  # of the squares of ratings, so that an unbeaten model's is finite
LEAST_RESAMPLES = 200
_STEPS, _LONGEST_STEP, _SMALLEST_STEP = 500, 1.0, 1e-10
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rating:
    """A model's, with 95 % intervals of rating and rank (1 is best); ``wins`` have half of ties."""

    model: str
    rating: float
    low: float
    high: float
    rank: int
    best_rank: int
    worst_rank: int
    votes: int
    wins: float


def rate(votes: Sequence[Vote], anchor: str | None = None, resamples: int = 1000) -> list[Rating]:
    """The ratings, best first: their mean is 1000, or that of the ``anchor`` is.

    Raises ``UsageError`` for no votes, an anchor without any, or fewer than 200 resamples.
    """
    models = sorted({model for vote in votes for model in (vote.a, vote.b)})
    if not models:
        raise UsageError("no votes")
    if anchor is not None and anchor not in models:
        raise UsageError(f"--anchor {anchor}: has no votes; expected one of {', '.join(models)}")
    if resamples < LEAST_RESAMPLES:
        raise UsageError(f"{resamples} resamples; expected at least {LEAST_RESAMPLES}")
    by_prompt = _wins(votes, models)
    place = None if anchor is None else models.index(anchor)
    total = by_prompt.sum(0)
    strengths = fitted(total)
    values = _ratings(strengths, place)
    prompts = len(by_prompt)
    counts = np.random.default_rng(0).multinomial(prompts, [1 / prompts] * prompts, resamples)
    again = np.array(
        [_ratings(fitted(np.tensordot(each, by_prompt, 1), strengths), place) for each in counts]
    )
    ranks = 1 + (again[:, None, :] > again[:, :, None] + 1e-6).sum(2)
    lows, highs = np.quantile(again, (0.025, 0.975), axis=0)
    best = np.quantile(ranks, 0.025, axis=0, method="lower")
    worst = np.quantile(ranks, 0.975, axis=0, method="higher")
    own = 1 + (values[None, :] > values[:, None] + 1e-6).sum(1)
    listed = [
        Rating(
            model,
            float(values[n]),
            float(lows[n]),
            float(highs[n]),
            int(own[n]),
            int(best[n]),
            int(worst[n]),
            int(total[n].sum() + total[:, n].sum()),
            float(total[n].sum()),
        )
        for n, model in enumerate(models)
    ]
    return sorted(listed, key=lambda each: (-each.rating, each.model))


def fitted(wins: Floats, start: Floats | None = None) -> Floats:
    """Log strengths (M,) of most posterior density, given how often i beat j (M, M): by Newton's
    steps, none of them long, of a function that is strictly concave.
    """
    strengths = np.zeros(len(wins)) if start is None else start.copy()
    played, own = wins + wins.T, wins.sum(1)
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
        slope = own - (played * chances).sum(1) - PRIOR * strengths
        weights = played * chances * (1 - chances)
        curvature = np.diag(weights.sum(1) + PRIOR) - weights
        step = np.linalg.solve(curvature, slope)
        longest = float(np.abs(step).max())
        strengths = strengths + step * min(1.0, _LONGEST_STEP / max(longest, 1e-300))
        if longest < _SMALLEST_STEP:
            break
    return strengths


def _ratings(strengths: Floats, anchor: int | None) -> Floats:
    zero = strengths.mean() if anchor is None else strengths[anchor]
    return np.asarray(MEAN + SCALE * (strengths - zero))


def prompt_of(vote: Vote) -> tuple[str, str]:
    """What a bootstrap draws: the same instruction over another image is another prompt, and so is
    another benchmark's of the same id.
    """
    return vote.prompt_id, vote.prompt


def _wins(votes: Sequence[Vote], models: Sequence[str]) -> Floats:
    """(P, M, M): how often i beat j on a prompt, exact sums of halves."""
    prompts = {of: n for n, of in enumerate(sorted({prompt_of(vote) for vote in votes}))}
    places = {model: n for n, model in enumerate(models)}
    wins = np.zeros((len(prompts), len(models), len(models)))
    for vote in votes:
        a, b, prompt = places[vote.a], places[vote.b], prompts[prompt_of(vote)]
        share = {"a": 1.0, "b": 0.0}.get(vote.vote, 0.5)
        wins[prompt, a, b] += share
        wins[prompt, b, a] += 1 - share
    return wins
