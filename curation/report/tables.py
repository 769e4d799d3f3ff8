"""The tables of the page: which rules overlap, and what quotas left of each category."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curation.report import quotas, text
from curation.report.outcome import Bound
from curation.report.overlap import Overlap

CATEGORIES_SHOWN = 60


@dataclass(frozen=True)
class Cell:
    """How much of the row's rule another stops as well; ``part`` is in per cent."""

    label: str
    part: int
    title: str


@dataclass(frozen=True)
class OverlapRow:
    """A rule, the rows it would drop, those it alone would, and a cell for each rule."""

    number: int
    name: str
    count: int
    alone: int
    cells: tuple[Cell, ...]


def overlap_rows(overlap: Overlap) -> list[OverlapRow]:
    """The matrix of the rules that stop most rows."""
    shown = overlap.shown
    return [
        OverlapRow(
            place,
            _name(overlap.bounds[row]),
            int(overlap.together[row, row]),
            int(overlap.alone[row]),
            tuple(_cell(overlap, row, column) for column in shown),
        )
        for place, row in enumerate(shown, 1)
    ]


def _name(bound: Bound) -> str:
    return f"{bound.stage} {bound.rule}"


def _cell(overlap: Overlap, row: int, column: int) -> Cell:
    both, total = int(overlap.together[row, column]), int(overlap.together[row, row])
    if row == column:
        return Cell("", 0, "")
    first, other = _name(overlap.bounds[row]), _name(overlap.bounds[column])
    title = f"of {text.count(total)} beyond {first}, {text.count(both)} are beyond {other}"
    share = text.share(both, total).removesuffix(" %")
    return Cell(share if both else "–", round(100 * both / total), title)


@dataclass(frozen=True)
class Category:
    """A category of a quota: rows kept, what they are a part of, and what it may have at most.

    ``part`` and ``target`` are in per cent of ``of``; ``target`` None: it is not limited.
    """

    name: str
    kept: int
    of: int
    part: float
    target: float | None
    limit: str


@dataclass(frozen=True)
class QuotaTable:
    """What a quota left in a stage; ``more`` categories are not shown."""

    title: str
    budget: str
    share: bool
    categories: tuple[Category, ...]
    more: int


def quota_tables(run: Mapping[str, Any]) -> list[QuotaTable]:
    """One table for each quota and stage."""
    configured = run.get("configuration", {}).get("quotas", {})
    counted = run.get("counts", {}).get("quotas", {})
    return [
        QuotaTable(
            f"{name} from {stage} on, by {quota['by']}",
            quotas.budget(quota),
            "share" in quota,
            tuple(
                _category(category, counts, quota)
                for category, counts in [*categories.items()][:CATEGORIES_SHOWN]
            ),
            max(0, len(categories) - CATEGORIES_SHOWN),
        )
        for name, quota in configured.items()
        for stage, categories in counted.get(name, {}).items()
    ]


def _category(name: str, counts: Mapping[str, Any], quota: Mapping[str, Any]) -> Category:
    kept, of = counts["kept"], counts["of"]
    target, limit = None, ""
    if "share" in quota and name in quota["share"]:
        target = 100 * float(quota["share"][name])
        limit = f"{text.figure(target)} %"
    elif "fraction" in quota:
        target = 100 * float(quota["fraction"])
        limit = f"{text.figure(target)} %"
    elif "count" in quota:
        target = min(100.0, 100 * quota["count"] / of) if of else 100.0
        limit = text.count(quota["count"])
    return Category(name, kept, of, 100 * kept / of if of else 0.0, target, limit)
