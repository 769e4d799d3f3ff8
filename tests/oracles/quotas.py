"""Quotas by their definition: rows one by one, every total tried."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
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
    limited = {
        row
        for row, (category, _, _) in enumerate(rows)
        if category is not None and (budget.shares is None or category in budget.shares)
    }
    left, result = set(range(len(rows))), []
    for stage in range(budget.since, stages):
        here = {row for row in range(len(rows)) if rows[row][2] > stage}
        candidates = {name: [] for name, _, _ in rows if name is not None}
        for row in sorted(limited & here, key=lambda row: rows[row][1]):
            candidates[rows[row][0]].append(row)
        there = {name: [row for row in of if row in left] for name, of in candidates.items()}
        others = len(here - limited)
        if budget.shares is not None:
            most = _shares(others, rows, candidates, there, budget.shares)
        elif budget.fraction is not None and stage > budget.since:
            most = dict.fromkeys(candidates, len(rows))
        elif budget.fraction is not None:
            most = {
                name: max(int(len(of) * budget.fraction), budget.least)
                for name, of in candidates.items()
            }
        else:
            most = dict.fromkeys(candidates, budget.count)
        stopped = {
            row
            for name, of in candidates.items()
            for row in of
            if row in limited and sum(rows[o][1] <= rows[row][1] for o in of) > most[name]
        }
        left = left - stopped
        result.append(here & left)
    return result


def _shares(
    others: int,
    rows: Sequence[Ranked],
    candidates: Mapping[str, Sequence[int]],
    there: Mapping[str, Sequence[int]],
    shares: Mapping[str, Fraction],
) -> Mapping[str, int]:
    """The largest total that is what passes by its shares, rows of one rank together."""
    if not others and sum(shares.values()) != 1:
        return dict.fromkeys(there, 10**9)

    def passing(name: str, most: int) -> int:
        better = [sum(rows[o][1] <= rows[row][1] for o in candidates[name]) for row in there[name]]
        return sum(number <= most for number in better)

    def budgets(total: int) -> dict[str, int]:
        return {name: int(shares.get(name, 0) * total) for name in there}

    every = range(others + sum(map(len, there.values())) + 1)
    return budgets(
        max(
            total
            for total in every
            if total
            == others
            + sum(
                passing(name, most) if name in shares else 0
                for name, most in budgets(total).items()
            )
        )
    )
