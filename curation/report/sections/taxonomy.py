"""What the kept images show: domains and their categories, counted, as a treemap with images."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.output import column_files
from curation.report.cards import Card, Thumbnails, card
from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit, equals, plain
from curation.report.sections import treemap
from curation.report.sections.section import Known
from curation.report.sections.treemap import Domain

DOMAIN, CATEGORY, CONFIDENCE = "domain", "cut", "node_confidence"
UNSURE = 0.5  # a node's confidence below which it may well be another
MOST = 5_000  # categories that are told apart; the others of a domain are counted together
PICKS = 12  # images of a category that are kept for show
UNSURE_SHOWN = 6
EXTREMES = 8
ROWS = 200  # of the table of categories
NAMELESS = "no category"
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
class Taxonomy:
    """The section: counts and a few kept rows of each category."""

    last: str
    sure: bool
    anchor: str = "taxonomy"
    label: str = "Taxonomy"
    title: str = "What the images show"
    sizes: dict[Key, Size] = field(default_factory=dict)
    shown: dict[Key, list[Pick]] = field(default_factory=dict)
    nodeless: int = 0
    unsure: int = 0
    least_sure: list[tuple[Pick, str]] = field(default_factory=list)

    @property
    def columns(self) -> Sequence[str]:
        """The measured columns that it reads."""
        return (DOMAIN, CATEGORY, CONFIDENCE) if self.sure else (DOMAIN, CATEGORY)

    def add(self, unit: Unit, groups: pa.Table) -> None:
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
        self._pick(unit, np.flatnonzero(kept & known), names)
        if self.sure:
            self._doubt(unit, kept & known, names[CATEGORY])

    def _key(self, domain: str, category: str) -> Key:
        key = domain, category
        return key if key in self.sizes or len(self.sizes) < MOST else (domain, OTHERS)

    def _pick(self, unit: Unit, rows: Any, names: dict[str, Any]) -> None:
        nothing = np.zeros(unit.signals.num_rows)
        domains = names[DOMAIN].take(pa.array(rows)).to_pylist()
        categories = names[CATEGORY].take(pa.array(rows)).to_pylist()
        ids = unit.signals.column("id").take(pa.array(rows)).to_pylist()
        candidates: dict[Key, list[tuple[str, int]]] = {}
        for row, identity, of, category in zip(rows, ids, domains, categories, strict=True):
            key = self._key(of, category or "")
            own = self.shown.get(key, [])
            if len(own) < PICKS or identity < own[-1].id:
                candidates.setdefault(key, []).append((identity, int(row)))
        for key, of_key in candidates.items():
            chosen = np.array([row for _, row in sorted(of_key)[:PICKS]])
            own = [*self.shown.get(key, ()), *picks(unit, chosen, nothing, nothing[chosen])]
            self.shown[key] = sorted(own, key=lambda pick: (pick.id, pick.uri))[:PICKS]

    def _doubt(self, unit: Unit, kept: Any, categories: Any) -> None:
        confidence = unit.values(CONFIDENCE)
        doubted = kept & (confidence < UNSURE)
        self.unsure += int(doubted.sum())
        rows = np.flatnonzero(doubted)
        rows = rows[np.argsort(confidence[rows], kind="stable")][: 4 * UNSURE_SHOWN]
        said = categories.take(pa.array(rows)).to_pylist()
        chosen = picks(unit, rows, confidence, confidence[rows])
        every = [*self.least_sure, *zip(chosen, [of or NAMELESS for of in said], strict=True)]
        self.least_sure = sorted(every, key=lambda of: of[0])[:UNSURE_SHOWN]

    def picks(self) -> list[Pick]:
        """The images of the treemap, and the kept rows of which it is least sure."""
        shown = [pick for of in self._domains() for cell in of.cells for pick in cell.picks]
        return [*shown, *(pick for pick, _ in self.least_sure)]

    def _domains(self) -> list[Domain[Key]]:
        of_domains: dict[str, dict[Key, int]] = {}
        for (domain, category), size in sorted(self.sizes.items()):
            if size.kept:
                of_domains.setdefault(domain, {})[domain, category] = size.kept
        return treemap.lay_out(of_domains, self.shown)

    def view(self, thumbnails: Thumbnails) -> Any:
        """The treemap, and the tables beside it."""
        kept = sum(size.kept for size in self.sizes.values())
        if not kept:
            return None
        order = sorted(self.sizes, key=lambda key: (-self.sizes[key].kept, key))
        numbers = {key: place for place, key in enumerate(order[:ROWS])}
        some = [key for key in order if self.sizes[key].kept]
        fewest = sorted(self.sizes, key=lambda key: (self.sizes[key].kept, -self.sizes[key].supply))
        return {
            "domains": [_block(self, of, numbers, thumbnails) for of in self._domains()],
            "by_domain": self._by_domain(),
            "rows": [_row(key, self.sizes[key]) for key in numbers],
            "more": len(order) - len(numbers),
            "categories": len(some),
            "singles": sum(self.sizes[key].kept == 1 for key in some),
            "even": _even([self.sizes[key].kept for key in some]),
            "average": kept / len(some),
            "most": [_row(key, self.sizes[key]) for key in some[:EXTREMES]],
            "fewest": [_row(key, self.sizes[key]) for key in fewest[:EXTREMES]],
            "kept": kept,
            "every": kept + self.nodeless,
            "nodeless": self.nodeless,
            "is_sure": self.sure,
            "unsure": self.unsure,
            "bound": UNSURE,
            "doubtful": [self._doubtful(thumbnails, *of) for of in self.least_sure],
            "last": self.last,
        }

    def _by_domain(self) -> list[tuple[str, Size, int]]:
        sums: dict[str, Size] = {}
        counts: Counter[str] = Counter()
        for (domain, _), size in self.sizes.items():
            sums.setdefault(domain, Size()).add(size)
            counts[domain] += bool(size.kept)
        order = sorted(sums, key=lambda domain: (-sums[domain].kept, domain))
        return [(domain, sums[domain], counts[domain]) for domain in order]

    def _doubtful(self, thumbnails: Thumbnails, pick: Pick, name: str) -> Card:
        return card(thumbnails, pick, f"{short(name)}, {pick.value:.2f}")


def chosen(known: Known) -> Taxonomy | None:
    """The section, where domains and categories are measured."""
    if not (known.has(DOMAIN, "string") and known.has(CATEGORY, "string")):
        return None
    last = [*known.stages][-1:] or [""]
    return Taxonomy(last[0], known.has(CONFIDENCE, "float", "double"))


def short(name: str) -> str:
    """A category's name without the number of its node."""
    bare, mark, rest = name.rpartition(" (n")
    return bare if mark and rest[:-1].isdigit() and rest.endswith(")") else name


def _block(
    own: Taxonomy, domain: Domain[Key], numbers: dict[Key, int], thumbnails: Thumbnails
) -> dict[str, Any]:
    cells = []
    for cell in domain.cells:
        of = Size()
        for key in cell.keys:
            of.add(own.sizes[key])
        single = len(cell.keys) == 1
        name = short(cell.keys[0][1]) or NAMELESS
        cells.append(
            {
                "name": name if single else f"{len(cell.keys)} more",
                "size": of,
                "link": numbers.get(cell.keys[0]),
                "places": cell.places,
                "wide": cell.wide_columns,
                "tall": cell.tall_columns,
                "images": [
                    of_pick
                    for of_pick in (card(thumbnails, pick) for pick in cell.picks)
                    if of_pick.thumbnail.source
                ],
            }
        )
    return {"name": domain.name, "kept": domain.size, "places": domain.places, "cells": cells}


def _row(key: Key, size: Size) -> dict[str, Any]:
    return {"domain": key[0], "name": short(key[1]) or NAMELESS, "full": key[1], "size": size}


def _even(counts: Sequence[int]) -> float:
    """As many equally large categories would be as even: the exponential of the entropy."""
    shares = np.array(counts, np.float64) / sum(counts)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_null(column.type) else plain(column)
