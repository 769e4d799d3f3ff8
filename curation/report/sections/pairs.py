"""Edit pairs: how many there are of each kind, which rules stopped them, and some side by side."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from curation.judging.pairs import KIND, SIZE
from curation.progress import two_digits
from curation.report.cards import Card, Thumbnails, card
from curation.report.nearest import Pick
from curation.report.outcome import Unit
from curation.report.sections import firsts
from curation.report.sections.section import Known

OPERATION, IMAGES, LANGUAGE = "edit_operation", "edit_images", "instruction_language"
SHARE = "changed_share"
EACH, DROPPED = 2, 2  # kept pairs of a kind, and dropped ones of a rule, that are shown
SHOWN_RULES = 8
UNKNOWN = "kind not known"
NOT_MEASURED = {KIND: UNKNOWN, IMAGES: "not measured", LANGUAGE: "no instruction"}
RESULT = "the result"


@dataclass
class EditPairs:
    """The section: counts by kind, inputs and language, and by rule and image that failed it."""

    anchor: str = "pairs"
    label: str = "Edit pairs"
    title: str = "Edit pairs, side by side"
    columns: Sequence[str] = (SIZE, KIND, OPERATION, IMAGES, LANGUAGE, SHARE)
    counts: dict[str, Counter[tuple[str, bool]]] = field(default_factory=dict)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: dict[str, list[Pick]] = field(default_factory=dict)
    fallen: dict[str, list[Pick]] = field(default_factory=dict)
    said: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Count the unit's pairs, and keep the first of each kind and of each rule."""
        rows = np.flatnonzero(np.asarray(unit.signals.column(SIZE)) > 0)
        if not len(rows):
            return
        taken = pa.array(rows)
        is_kept = unit.is_verdict("kept")[rows].tolist()
        known = {
            name: unit.signals.column(name).take(taken).to_pylist()
            for name in (KIND, IMAGES, LANGUAGE)
        }
        for name, values in known.items():
            none = NOT_MEASURED[name]
            pairs = zip((value or none for value in values), is_kept, strict=True)
            self.counts.setdefault(name, Counter()).update(pairs)
        ledger = unit.ledger.select(["verdict", "rule", "reason"]).take(taken).to_pylist()
        for of in ledger:
            if of["verdict"] == "dropped":
                self.rules[of["rule"], _image(of["reason"])] += 1
        column = unit.signals.column
        dropped = rows[unit.is_verdict("dropped")[rows]]
        chosen = firsts.add(
            self.kept, unit, rows[is_kept], [column(KIND)], lambda kind: kind or UNKNOWN, EACH
        )
        chosen += firsts.add(
            self.fallen, unit, dropped, [unit.ledger.column("rule")], lambda rule: rule, DROPPED
        )
        for pick in chosen:
            row = int(pick.value)
            share = column(SHARE)[row].as_py()
            said = [column(OPERATION)[row].as_py() or column(KIND)[row].as_py()]
            said += [None if share is None else f"{two_digits(100 * share)} % changed"]
            reason = unit.ledger.column("reason")[row].as_py()
            said += [f"by {_image(reason)}" if _image(reason) != RESULT else None]
            self.said[pick.uri] = tuple(of for of in said if of)

    def picks(self) -> list[Pick]:
        """The pairs that are shown."""
        kept = [pick for kind in sorted(self.kept) for pick in self.kept[kind]]
        return [*kept, *(pick for rule in self._most() for pick in self.fallen[rule])]

    def _most(self) -> list[str]:
        """The rules that stopped most pairs."""
        totals: Counter[str] = Counter()
        for (rule, _), number in self.rules.items():
            totals[rule] += number
        return sorted(self.fallen, key=lambda rule: (-totals[rule], rule))[:SHOWN_RULES]

    def view(self, thumbnails: Thumbnails) -> Any:
        """Counts, and the pairs."""
        if not self.counts:
            return None
        every = self.counts[KIND]
        return {
            "rows": every.total(),
            "kept": sum(number for (_, is_kept), number in every.items() if is_kept),
            "tables": [
                (title, _table(self.counts[name]))
                for title, name in (("Kind", KIND), ("Inputs", IMAGES), ("Language", LANGUAGE))
            ],
            "rules": sorted(
                ((rule, image, number) for (rule, image), number in self.rules.items()),
                key=lambda of: (-of[2], of[0], of[1]),
            ),
            "shown": [
                (kind, [self._pair(thumbnails, pick, "kept") for pick in self.kept[kind]])
                for kind in sorted(self.kept)
            ],
            "fallen": [
                (rule, [self._pair(thumbnails, pick, "dropped") for pick in self.fallen[rule]])
                for rule in self._most()
            ],
        }

    def _pair(self, thumbnails: Thumbnails, pick: Pick, verdict: str) -> tuple[Card, Any]:
        return card(thumbnails, pick, "", verdict), self.said.get(pick.uri, ())


def chosen(known: Known) -> EditPairs | None:
    """The section, where it is measured what edits are."""
    return EditPairs() if known.has(KIND, "string") else None


def _image(reason: str | None) -> str:
    """Which image failed, by the reason of a ledger."""
    return reason.partition(":")[0] if reason and reason.startswith("input ") else RESULT


def _table(counts: Mapping[tuple[str, bool], int]) -> list[tuple[str, int, int]]:
    """By name how many there are and how many are kept, the most first."""
    names = {name for name, _ in counts}
    rows = [(of, counts[of, True] + counts[of, False], counts[of, True]) for of in names]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
