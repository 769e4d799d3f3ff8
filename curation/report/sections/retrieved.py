"""What was retrieved and why: the rows that each query brought, and what became of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from curation.judging.ledger import RETRIEVED
from curation.report.cards import COVERED, Card, Thumbnails, card
from curation.report.nearest import Pick
from curation.report.outcome import Unit, plain
from curation.report.sections import firsts
from curation.report.sections.section import Known

MOST = 1_000  # queries that are told apart
SHOWN = 16
IMAGES = 6  # of a query
OTHERS = "other queries"
FATE = ["verdict", "stage", "rule"]  # columns of the ledger

Fate = tuple[str, str, str]


@dataclass
class Retrieved:
    """The section: counts by query of what became of its rows, and the first of them by id."""

    anchor: str = "retrieved"
    label: str = "Retrieved"
    title: str = "What was retrieved, and why"
    columns: Sequence[str] = (RETRIEVED,)
    queries: dict[str, Counter[Fate]] = field(default_factory=dict)
    shown: dict[str, list[Pick]] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Look through a unit's rows for those that a query brought."""
        column = unit.signals.column(RETRIEVED)
        if column.null_count == len(column):
            return
        column, is_there = plain(column), column.is_valid()
        table = pa.table({"query": column, **{of: unit.ledger.column(of) for of in FATE}})
        counted = table.filter(is_there).group_by(["query", *FATE]).aggregate([([], "count_all")])
        for of in counted.sort_by([(name, "ascending") for name in ("query", *FATE)]).to_pylist():
            own = self.queries.setdefault(self._key(of["query"]), Counter())
            own[_fate(of)] += of["count_all"]
        rows = np.flatnonzero(is_there)
        added = firsts.add(self.shown, unit, rows, [column], self._key, IMAGES)
        fates = unit.ledger.select(FATE).take(pa.array([int(of.value) for of in added], pa.int64()))
        self.fates |= {
            pick.uri: _fate(of) for pick, of in zip(added, fates.to_pylist(), strict=True)
        }

    def _key(self, query: str) -> str:
        return query if query in self.queries or len(self.queries) < MOST else OTHERS

    def picks(self) -> list[Pick]:
        """The images of the queries that brought most."""
        return [pick for name in self._most() for pick in self.shown[name]]

    def _most(self) -> list[str]:
        return sorted(self.queries, key=lambda of: (-self.queries[of].total(), of))[:SHOWN]

    def view(self, thumbnails: Thumbnails) -> Any:
        """Each query with its rows."""
        if not self.queries:
            return None
        fates = sum(self.queries.values(), Counter[Fate]())
        return {
            "rows": fates.total(),
            "kept": sum(count for (verdict, _, _), count in fates.items() if verdict == "kept"),
            "count": len(self.queries),
            "more": max(0, len(self.queries) - SHOWN),
            "queries": [
                {
                    "name": name,
                    "rows": self.queries[name].total(),
                    "fates": _said(self.queries[name]),
                    "cards": [
                        _card(thumbnails, pick, self.fates[pick.uri]) for pick in self.shown[name]
                    ],
                }
                for name in self._most()
            ],
        }


def chosen(known: Known) -> Retrieved | None:
    """The section, where it is measured what rows were retrieved for."""
    return Retrieved() if known.has(RETRIEVED, "string") else None


def _fate(of: Mapping[str, str | None]) -> Fate:
    verdict, stage, rule = (of[name] or "" for name in FATE)
    return verdict, stage, rule


def _card(thumbnails: Thumbnails, pick: Pick, fate: Fate) -> Card:
    verdict, stage, rule = fate
    if verdict == "kept":
        return card(thumbnails, pick, f"kept, passes {stage}")
    return card(thumbnails, pick, rule, verdict, rule.partition(".")[0] in COVERED)


def _said(fates: Counter[Fate]) -> list[str]:
    """What became of the rows, in words: the most first."""
    counts: Counter[str] = Counter()
    for (verdict, stage, rule), count in fates.items():
        said = f"kept, passes {stage}" if verdict == "kept" else verdict
        if rule:
            said += f", then stopped by {rule}" if verdict == "kept" else f" by {rule}"
        counts[said] += count
    return [f"{count} {said}" for said, count in sorted(counts.items(), key=lambda of: -of[1])]
