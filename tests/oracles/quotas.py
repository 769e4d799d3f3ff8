"""Quotas by their definition: rows one by one, stage by stage, every total tried."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import ceil
from typing import NamedTuple

Ranked = tuple[str | None, int, int]  # category, rank (the smallest is best), stages passed


class Budget(NamedTuple):
    """One of ``shares`` by category, a ``fraction`` and a ``count``, from stage ``since`` on.

    Of a fraction at ``least`` so many rows pass.
    """

    since: int
    shares: Mapping[str, Fraction] | None = None
    fraction: Fraction | None = None
    count: int | None = None
    least: int = 0


def passing(rows: Sequence[Ranked], budget: Budget, stages: int) -> list[set[int]]:
    """By stage from ``since`` on, which of the rows pass it."""
    return passing_all([rows], [budget], stages)[budget.since :]


def passing_all(
    views: Sequence[Sequence[Ranked]], budgets: Sequence[Budget], stages: int
) -> list[set[int]]:
    """By stage which rows pass it and all budgets in it, one after the other.

    ``views`` are the same rows as each budget sees them, which pass as many stages in all of them.
    """
    left, result = set(range(len(views[0]))), []
    for stage in range(stages):
        left = {row for row in left if views[0][row][2] > stage}
        for rows, budget in zip(views, budgets, strict=True):
            if budget.since == stage or (budget.since < stage and budget.shares is not None):
                left -= _stopped(rows, left, budget)
        result.append(left)
    return result


def _stopped(rows: Sequence[Ranked], left: set[int], budget: Budget) -> set[int]:
    """Those of the rows ``left`` that a budget stops: of their category better ones make it."""
    candidates: dict[str, list[int]] = {}
    for row in left:
        name = rows[row][0]
        if name is not None and (budget.shares is None or name in budget.shares):
            candidates.setdefault(name, []).append(row)

    def stopped(most: Callable[[str], int]) -> set[int]:
        return {
            row
            for name, of in candidates.items()
            for row in of
            if sum(rows[other][1] <= rows[row][1] for other in of) > most(name)
        }

    if budget.count is not None:
        return stopped(lambda _: budget.count or 0)
    if budget.fraction is not None:
        part = budget.fraction
        return stopped(lambda name: max(int(len(candidates[name]) * part), budget.least))
    shares = budget.shares or {}
    others = len(left) - sum(map(len, candidates.values()))
    if not others:
        return (
            stopped(_nearest(shares, candidates).__getitem__)
            if sum(shares.values()) == 1
            else set()
        )

    def beyond(total: int) -> set[int]:
        return stopped(lambda name: int(shares[name] * total))

    totals = range(len(left) + 1)
    return beyond(max(total for total in totals if total == len(left) - len(beyond(total))))


def _nearest(
    shares: Mapping[str, Fraction], candidates: Mapping[str, Sequence[int]]
) -> dict[str, int]:
    """Of the largest total of which no exact share is more than there is, the whole numbers that
    sum to it and are off by the least in all: every way to round is tried.
    """
    most = sum(map(len, candidates.values()))
    total = max(
        total
        for total in range(most + 1)
        if all(part * total <= len(candidates.get(name, ())) for name, part in shares.items())
    )
    names = sorted(shares)
    exact = [shares[name] * total for name in names]
    ways = product(*({int(of), ceil(of)} for of in exact))
    fitting = [way for way in ways if sum(way) == total]
    off = [
        sum((number - of) ** 2 for number, of in zip(way, exact, strict=True)) for way in fitting
    ]
    best = max(way for way, by in zip(fitting, off, strict=True) if by == min(off))
    return dict(zip(names, best, strict=True))
