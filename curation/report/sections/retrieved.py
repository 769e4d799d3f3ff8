"""What was retrieved and why: the rows that each query brought, and what became of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from curation.judging.ledger import RETRIEVED
from curation.report.cards import COVERED, Card, Thumbnails, card
from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit, strings
from curation.report.sections.section import Known

MOST = 1_000  # queries that are told apart
SHOWN = 16
IMAGES = 6  # of a query
OTHERS = "other queries"


@dataclass
class Query:
    """Its rows by what became of them, as (verdict, stage, rule), and the first of them by id."""

    fates: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rows: list[tuple[Pick, str, str]] = field(default_factory=list)

    def verdict(self, verdict: str) -> int:
        """How many rows have this verdict."""
        return sum(count for (of, _, _), count in self.fates.items() if of == verdict)


@dataclass
class Retrieved:
    """The section."""

    anchor: str = "retrieved"
    label: str = "Retrieved"
    title: str = "What was retrieved, and why"
    columns: Sequence[str] = (RETRIEVED,)
    queries: dict[str, Query] = field(default_factory=dict)

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Look through a unit's rows for those that a query brought."""
        column = unit.signals.column(RETRIEVED)
        if column.null_count == len(column):
            return
        rows = np.flatnonzero(column.is_valid().to_numpy())
        nothing = np.zeros(unit.signals.num_rows)
        chosen = picks(unit, rows, nothing, nothing[rows])
        said = [strings(unit.ledger.column(name), rows) for name in ("verdict", "stage", "rule")]
        for pick, query, *fate in zip(chosen, strings(column, rows), *said, strict=True):
            name = query or ""
            if name not in self.queries and len(self.queries) >= MOST:
                name = OTHERS
            own = self.queries.setdefault(name, Query())
            verdict, stage, rule = (of or "" for of in fate)
            own.fates[verdict, stage, rule] += 1
            why = rule if verdict == "dropped" else stage
            own.rows = sorted([*own.rows, (pick, verdict, why)], key=lambda of: of[0])[:IMAGES]

    def picks(self) -> list[Pick]:
        """The images of the queries that brought most."""
        return [pick for _, query in self._shown() for pick, _, _ in query.rows]

    def _shown(self) -> list[tuple[str, Query]]:
        return sorted(self.queries.items(), key=lambda of: (-of[1].fates.total(), of[0]))[:SHOWN]

    def view(self, thumbnails: Thumbnails) -> Any:
        """Each query with its rows."""
        if not self.queries:
            return None
        return {
            "rows": sum(query.fates.total() for query in self.queries.values()),
            "kept": sum(query.verdict("kept") for query in self.queries.values()),
            "count": len(self.queries),
            "more": max(0, len(self.queries) - SHOWN),
            "queries": [
                {
                    "name": name,
                    "rows": query.fates.total(),
                    "fates": _fates(query),
                    "cards": [
                        _card(thumbnails, pick, verdict, why) for pick, verdict, why in query.rows
                    ],
                }
                for name, query in self._shown()
            ],
        }


def chosen(known: Known) -> Retrieved | None:
    """The section, where it is measured what rows were retrieved for."""
    return Retrieved() if known.has(RETRIEVED, "string") else None


def _card(thumbnails: Thumbnails, pick: Pick, verdict: str, why: str) -> Card:
    if verdict == "kept":
        return card(thumbnails, pick, f"kept, passes {why}")
    return card(thumbnails, pick, why, verdict, why.partition(".")[0] in COVERED)


def _fates(query: Query) -> list[str]:
    """What became of the rows, in words: the most first."""
    counts: Counter[str] = Counter()
    for (verdict, stage, rule), count in query.fates.items():
        said = f"kept, {stage} passed" if verdict == "kept" else f"{verdict} by {rule}"
        if verdict == "kept" and rule:
            said += f", then stopped by {rule}"
        counts[said] += count
    return [f"{count} {said}" for said, count in sorted(counts.items(), key=lambda of: -of[1])]
