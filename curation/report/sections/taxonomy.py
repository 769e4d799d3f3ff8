"""What the kept images show: domains and their categories, as a treemap with images."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curation.report.cards import Card, Thumbnails, card
from curation.report.nearest import Pick
from curation.report.outcome import Unit
from curation.report.sections import treemap
from curation.report.sections.categories import (
    CATEGORY,
    CONFIDENCE,
    DOMAIN,
    UNSURE,
    Categories,
    Key,
    Size,
)
from curation.report.sections.section import Known
from curation.report.sections.treemap import Domain

EXTREMES = 8
ROWS = 200  # of the table of categories
NAMELESS = "no category"


@dataclass
class Taxonomy:
    """The section."""

    counted: Categories
    anchor: str = "taxonomy"
    label: str = "Taxonomy"
    title: str = "What the images show"

    @property
    def columns(self) -> Sequence[str]:
        """The measured columns that it reads."""
        return self.counted.columns

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Count a unit's rows by category."""
        self.counted.add(unit)

    def picks(self) -> list[Pick]:
        """The images of the treemap, and the kept rows of which it is least sure."""
        shown = [pick for of in self._domains() for cell in of.cells for pick in cell.picks]
        return [*shown, *(pick for pick, _ in self.counted.least_sure)]

    def _domains(self) -> list[Domain[Key]]:
        of_domains: dict[str, dict[Key, int]] = {}
        for (domain, category), size in sorted(self.counted.sizes.items()):
            if size.kept:
                of_domains.setdefault(domain, {})[domain, category] = size.kept
        return treemap.lay_out(of_domains, self.counted.shown)

    def view(self, thumbnails: Thumbnails) -> Any:
        """The treemap, and the tables beside it."""
        kept = sum(size.kept for size in self.counted.sizes.values())
        if not kept:
            return None
        order = sorted(self.counted.sizes, key=lambda key: (-self.counted.sizes[key].kept, key))
        numbers = {key: place for place, key in enumerate(order[:ROWS])}
        some = [key for key in order if self.counted.sizes[key].kept]
        fewest = sorted(
            self.counted.sizes,
            key=lambda key: (self.counted.sizes[key].kept, -self.counted.sizes[key].supply),
        )
        return {
            "domains": [_block(self.counted, of, numbers, thumbnails) for of in self._domains()],
            "by_domain": self._by_domain(),
            "rows": [_row(key, self.counted.sizes[key]) for key in numbers],
            "more": len(order) - len(numbers),
            "categories": len(some),
            "singles": sum(self.counted.sizes[key].kept == 1 for key in some),
            "even": _even([self.counted.sizes[key].kept for key in some]),
            "average": kept / len(some),
            "most": [_row(key, self.counted.sizes[key]) for key in some[:EXTREMES]],
            "fewest": [_row(key, self.counted.sizes[key]) for key in fewest[:EXTREMES]],
            "kept": kept,
            "every": kept + self.counted.nodeless,
            "nodeless": self.counted.nodeless,
            "is_sure": self.counted.sure,
            "unsure": self.counted.unsure,
            "bound": UNSURE,
            "doubtful": [self._doubtful(thumbnails, *of) for of in self.counted.least_sure],
            "last": self.counted.last,
        }

    def _by_domain(self) -> list[tuple[str, Size, int]]:
        sums: dict[str, Size] = {}
        counts: Counter[str] = Counter()
        for (domain, _), size in self.counted.sizes.items():
            sums.setdefault(domain, Size()).add(size)
            counts[domain] += bool(size.kept)
        order = sorted(sums, key=lambda domain: (-sums[domain].kept, domain))
        return [(domain, sums[domain], counts[domain]) for domain in order]

    def _doubtful(self, thumbnails: Thumbnails, pick: Pick, name: str) -> Card:
        return card(thumbnails, pick, f"{short(name) or NAMELESS}, {pick.value:.2f}")


def chosen(known: Known) -> Taxonomy | None:
    """The section, where domains and categories are measured."""
    if not (known.has(DOMAIN, "string") and known.has(CATEGORY, "string")):
        return None
    last = [*known.stages][-1:] or [""]
    return Taxonomy(Categories(last[0], known.has(CONFIDENCE, "float", "double")))


def short(name: str) -> str:
    """A category's name without the number of its node."""
    bare, mark, rest = name.rpartition(" (n")
    return bare if mark and rest[:-1].isdigit() and rest.endswith(")") else name


def _block(
    own: Categories, domain: Domain[Key], numbers: dict[Key, int], thumbnails: Thumbnails
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
