"""How many rows of a run are in each domain and category, and a few of them by their ids."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.output import column_files
from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit, equals, plain
from curation.report.sections import firsts

DOMAIN, CATEGORY, CONFIDENCE = "domain", "cut", "node_confidence"
UNSURE = 0.5  # a node's confidence below which it may well be another
MOST = 2_000  # categories that are told apart; the others of a domain are counted together
PICKS = 12  # images of a category that are kept for show
UNSURE_SHOWN = 6
OTHERS = "other categories"

Key = tuple[str, str]  # domain and category; blank: none


@dataclass
class Size:
    """Of a category: rows whose node is known, those kept, those that pass the last stage."""

    supply: int = 0
    kept: int = 0
    deepest: int = 0

    def add(self, other: "Size") -> None:
        """Add the rows of another one."""
        self.supply += other.supply
        self.kept += other.kept
        self.deepest += other.deepest


@dataclass
class Categories:
    """Counts and a few kept rows of each category.

    ``last`` is the last stage, ``sure`` whether nodes have a confidence; ``nodeless`` kept rows
    have no domain, ``unsure`` ones a node that may well be another.
    """

    last: str
    sure: bool
    sizes: dict[Key, Size] = field(default_factory=dict)
    shown: dict[Key, list[Pick]] = field(default_factory=dict)
    nodeless: int = 0
    unsure: int = 0
    least_sure: list[tuple[Pick, str]] = field(default_factory=list)

    @property
    def columns(self) -> Sequence[str]:
        """The measured columns that it reads."""
        return (DOMAIN, CATEGORY, CONFIDENCE) if self.sure else (DOMAIN, CATEGORY)

    def add(self, unit: Unit) -> None:
        """Count a unit's rows by category, and keep the first of each by id."""
        kept = unit.is_verdict("kept")
        deepest = kept & equals(unit.ledger.column("stage"), self.last)
        names = {of: _text(unit.signals.column(of)) for of in (DOMAIN, CATEGORY)}
        known = ~column_files.is_null(names[DOMAIN])
        self.nodeless += int((kept & ~known).sum())
        table = pa.table(
            {
                "domain": names[DOMAIN],
                "category": pc.fill_null(names[CATEGORY], ""),
                "kept": kept.astype(np.int64),
                "deepest": deepest.astype(np.int64),
                "row": np.arange(len(kept)),
            }
        ).filter(pa.array(known))
        counted = table.group_by(["domain", "category"]).aggregate(
            [([], "count_all"), ("kept", "sum"), ("deepest", "sum")]
        )
        for of in counted.sort_by([("domain", "ascending"), ("category", "ascending")]).to_pylist():
            key = self._key(of["domain"], of["category"])
            size = Size(of["count_all"], of["kept_sum"], of["deepest_sum"])
            self.sizes.setdefault(key, Size()).add(size)
        of_rows = names[DOMAIN], pc.fill_null(names[CATEGORY], "")
        firsts.add(self.shown, unit, np.flatnonzero(kept & known), of_rows, self._key, PICKS)
        if self.sure:
            self._doubt(unit, kept & known, names[CATEGORY])

    def _key(self, domain: str, category: str) -> Key:
        key = domain, category
        return key if key in self.sizes or len(self.sizes) < MOST else (domain, OTHERS)

    def _doubt(self, unit: Unit, kept: Any, categories: Any) -> None:
        confidence = unit.values(CONFIDENCE)
        doubted = kept & (confidence < UNSURE)
        self.unsure += int(doubted.sum())
        rows = np.flatnonzero(doubted)
        rows = rows[np.argsort(confidence[rows], kind="stable")][: 4 * UNSURE_SHOWN]
        said = categories.take(pa.array(rows)).to_pylist()
        chosen = picks(unit, rows, confidence, confidence[rows])
        every = [*self.least_sure, *zip(chosen, [of or "" for of in said], strict=True)]
        self.least_sure = sorted(every, key=lambda of: of[0])[:UNSURE_SHOWN]


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_null(column.type) else plain(column)
