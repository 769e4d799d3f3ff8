"""What quotas left of each category, beside what they allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curation.report import quotas, text
from curation.report.cards import Thumbnails
from curation.report.nearest import Pick
from curation.report.outcome import Unit
from curation.report.sections.section import Known

SHOWN, OPEN = 60, 12  # categories of a table, and those of it that are seen at once


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
    """What a quota left in a stage, categories without rows left out.

    ``categories`` are those of which it stopped most rows, of shares all; of the ``rest`` it
    stopped fewer or none, and ``more`` are not shown.
    """

    stage: str
    kept: int
    of: int
    categories: tuple[Category, ...]
    rest: tuple[Category, ...]
    more: int


@dataclass(frozen=True)
class QuotaView:
    """A quota, what it allows, and a table for each stage in which it counts any row."""

    title: str
    budget: str
    is_share: bool
    tables: tuple[QuotaTable, ...]


@dataclass(frozen=True)
class Quotas:
    """The section; what it says is all counted in ``run.json``."""

    quotas: Sequence[QuotaView]
    anchor: str = "quotas"
    label: str = "Quotas"
    title: str = "Quotas"
    columns: Sequence[str] = field(default=())

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Nothing: it reads no rows."""

    def picks(self) -> list[Pick]:
        """None: it shows no images."""
        return []

    def view(self, thumbnails: Thumbnails) -> Any:
        """The quotas that count any row."""
        return self.quotas or None


def chosen(known: Known) -> Quotas | None:
    """The section, where a run has quotas."""
    return Quotas(views(known.run)) if known.run.get("configuration", {}).get("quotas") else None


def views(run: Mapping[str, Any]) -> list[QuotaView]:
    """The quotas that count any row of a run, in the order of the configuration."""
    counted = run.get("counts", {}).get("quotas", {})
    every = (
        (name, quota, [_table(stage, of, quota) for stage, of in counted.get(name, {}).items()])
        for name, quota in run.get("configuration", {}).get("quotas", {}).items()
    )
    return [
        QuotaView(
            f"{name}, by {', '.join([quota['by'], *quota.get('also', ())])}",
            quotas.budget(quota),
            "share" in quota,
            tuple(table for table in of_stages if table.categories or table.rest),
        )
        for name, quota, of_stages in every
        if any(table.categories or table.rest for table in of_stages)
    ]


def _table(
    stage: str, counted: Mapping[str, Mapping[str, Any]], quota: Mapping[str, Any]
) -> QuotaTable:
    some = [(name, of) for name, of in counted.items() if of["of"]]
    total = sum(of["of"] for _, of in some)
    opened = OPEN
    if "share" in quota:  # parts of the same rows
        total = max((of["of"] for _, of in some), default=0)
    else:
        some.sort(key=lambda of: (of[1]["kept"] - of[1]["of"], -of[1]["of"], of[0]))
        opened = min(OPEN, sum(of["kept"] < of["of"] for _, of in some))
    categories = [_category(name, of, quota) for name, of in some[:SHOWN]]
    return QuotaTable(
        stage,
        sum(of["kept"] for _, of in some),
        total,
        tuple(categories[:opened]),
        tuple(categories[opened:]),
        max(0, len(some) - SHOWN),
    )


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
