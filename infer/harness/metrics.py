"""Figures of rows with 95 % intervals: Wilson's of shares, else by bootstrap over PROMPTS.

A metric is a ``formula`` of sums over prompts, so that a resample is one product of matrices.
Images of one prompt depend on each other and are resampled together. P prompts, V terms, R
resamples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infer.harness.rows import Row
from train import figures

RESAMPLES = 2000
WILSON, BOOTSTRAP = "Wilson", "bootstrap over prompts"
Floats = NDArray[np.float64]
Formula = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Metric:
    """``formula`` turns the sums (..., V) of ``terms`` (P, V) over ``prompts`` into values (...).

    Prompts of one of the ``strata`` (P,) are resampled among themselves. ``rate`` is given for a
    share of prompts of one image each. ``by`` names the tools ("reader", "judge") whose names are
    part of the metric's; None for all that the benchmark uses.
    """

    name: str
    prompts: tuple[str, ...]
    terms: Floats
    formula: Formula
    strata: tuple[str, ...]
    images: int
    rate: figures.Rate | None = None
    by: tuple[str, ...] | None = None

    @property
    def value(self) -> float:
        """Of all prompts; 0 where nothing was counted."""
        return float(self.formula(self.terms.sum(0)))

    def resampled(self, resamples: int = RESAMPLES) -> Floats:
        """The values (R,) of resamples, by the same prompts for all metrics of the same strata."""
        return self.formula(_counts(self.strata, resamples) @ self.terms)

    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        if self.rate is not None:
            return figures.interval(self.rate.right, self.rate.of)
        return ends(self.resampled()) if self.prompts else (0.0, 1.0)

    def values(self) -> dict[str, Any]:
        """Plain data: value, interval and what kind, prompts (``n``) and images."""
        low, high = self.interval()
        kind = BOOTSTRAP if self.rate is None else WILSON
        counted = {"n": len(self.prompts), "images": self.images}
        said = {"interval": kind, "note": note(low, high, self.strata)}
        return {"value": self.value, "low": low, "high": high, **counted, **said}


def note(low: float, high: float, strata: Sequence[str]) -> str:
    """What an interval without width means, of prompts of these ``strata`` (P,); empty for any
    other. Where all of P prompts agree, at most ``1 - 0.05 ** (1 / P)`` of all prompts do not, with
    95 % confidence.
    """
    if low < high or not strata:
        return ""
    if len(set(strata)) > 1:
        return "no width is no certainty: each group's prompts, or its only one, agree"
    count = len(strata)
    return (
        f"no width is no certainty: all {count:,} prompts agree, and up to"
        f" {1 - 0.05 ** (1 / count):.1%} of other prompts may not (95 %)"
    )


def ends(values: Floats) -> tuple[float, float]:
    """Between which 95 % of the values lie."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


@lru_cache(maxsize=2)  # figures of one result mostly have the same prompts
def _counts(strata: tuple[str, ...], resamples: int) -> Floats:
    """How often each prompt is in each resample: (R, P)."""
    random = np.random.default_rng(0)
    counts = np.zeros((resamples, len(strata)))
    for name in dict.fromkeys(strata):
        own = [place for place, stratum in enumerate(strata) if stratum == name]
        counts[:, own] = random.multinomial(len(own), [1 / len(own)] * len(own), resamples)
    return counts


def ratio(sums: Floats) -> Floats:
    """The first of two sums (..., 2) over the second; 0 where that is 0."""
    return np.asarray(np.divide(sums[..., 0], np.maximum(sums[..., 1], 1e-12)))


def formula(
    name: str,
    rows: Sequence[Row],
    terms: Callable[[Row], Sequence[float] | Floats],
    of_sums: Formula,
    *,
    by_group: bool = False,
    by: tuple[str, ...] | None = None,
) -> Metric:
    """Any function of sums over images, of terms (V,) of each; ``by_group``: groups are resampled
    each by itself, because how many prompts each has is fixed.
    """
    by_prompt: dict[str, Floats] = {}
    groups: dict[str, str] = {}
    for row in rows:
        own = np.asarray(terms(row), np.float64)
        by_prompt[row.id] = by_prompt[row.id] + own if row.id in by_prompt else own
        groups[row.id] = row.group if by_group else ""
    prompts = tuple(sorted(by_prompt))
    matrix = np.array([by_prompt[prompt] for prompt in prompts]) if prompts else np.zeros((0, 2))
    strata = tuple(groups[prompt] for prompt in prompts)
    return Metric(name, prompts, matrix, of_sums, strata, len(rows), by=by)


def value(key: str) -> Callable[[Row], float]:
    """What a row has among its values."""
    return lambda row: float(row.values[key])


def pooled(
    name: str,
    rows: Sequence[Row],
    part: Callable[[Row], float],
    of: Callable[[Row], float],
    *,
    by: tuple[str, ...] | None = None,
) -> Metric:
    """The sum of ``part`` over the sum of ``of``, pooled over all images."""
    return formula(name, rows, lambda row: (part(row), of(row)), ratio, by=by)


def mean(
    name: str,
    rows: Sequence[Row],
    value: Callable[[Row], float],
    *,
    by: tuple[str, ...] | None = None,
) -> Metric:
    """The mean over images."""
    return pooled(name, rows, value, lambda row: 1.0, by=by)


def share(
    name: str,
    rows: Sequence[Row],
    right: Callable[[Row], bool],
    *,
    by: tuple[str, ...] | None = None,
) -> Metric:
    """The share of images that are right; Wilson's interval where each prompt has one image, and
    of prompts where all images are right or none is, of which a bootstrap would have no width.
    """
    plain = mean(name, rows, lambda row: float(right(row)), by=by)
    prompts, count = len(plain.prompts), int(plain.terms[:, 0].sum())
    alone = prompts == len(rows) or count in (0, len(rows))
    rate = figures.Rate(min(count, prompts), prompts)
    fields = (plain.name, plain.prompts, plain.terms, plain.formula, plain.strata, plain.images)
    return Metric(*fields, rate if alone else None, by)


def macro(
    name: str,
    rows: Sequence[Row],
    value: Callable[[Row], float],
    *,
    by: tuple[str, ...] | None = None,
) -> Metric:
    """The mean over groups of the means over their images: every group counts the same."""
    groups = {group: place for place, group in enumerate(sorted({row.group for row in rows}))}

    def terms(row: Row) -> Floats:
        own = np.zeros((len(groups), 2))
        own[groups[row.group]] = value(row), 1.0
        return own.ravel()

    def of_sums(sums: Floats) -> Floats:
        by_groups = ratio(sums.reshape(*sums.shape[:-1], -1, 2))
        return np.asarray(by_groups.mean(-1) if groups else np.zeros(sums.shape[:-1]))

    return formula(name, rows, terms, of_sums, by_group=True, by=by)


def by_group(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each group, in the order of their first rows."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups
