"""Captions that rules stopped, and answers of models that were none: counts and examples."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.judging.rules import CAPTIONS
from curation.output import column_files
from curation.report import text
from curation.report.cards import Thumbnails, card
from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit, equals, plain
from curation.report.sections import firsts
from curation.report.sections.caption_rules import CaptionRule, Fates

PROBLEM, NONE = "recaption_problem", "none"  # why a model's caption is quarantined
EXAMPLES = 3  # of each rule and problem


@dataclass
class Fallen:
    """Of each rule, by its number, and of each problem: how many captions, and the first by id."""

    rules: Sequence[CaptionRule]
    counts: Counter[int] = field(default_factory=Counter)
    examples: dict[int, list[tuple[Pick, int, Any]]] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    unanswered: dict[str, list[Pick]] = field(default_factory=dict)

    def add(self, unit: Unit, fates: Mapping[str, Fates]) -> None:
        """Look through a unit's captions of kept images, and of those that none was left of."""
        kept = unit.is_verdict("kept")
        got_there = kept | equals(unit.ledger.column("rule"), f"{CAPTIONS}.min")
        for number, rule in enumerate(self.rules):
            if rule.split in fates:
                self._fell(unit, number, fates[rule.split], got_there)
        if PROBLEM in unit.signals.column_names:
            self._unanswered(unit, plain(unit.signals.column(PROBLEM)), kept)

    def _fell(self, unit: Unit, number: int, of: Fates, rows: Any) -> None:
        stopped = np.flatnonzero((of.rule == number) & rows[of.rows])
        self.counts[number] += len(stopped)
        ids = unit.signals.column("id").take(pa.array(of.rows[stopped]))
        order = pc.sort_indices(ids).to_numpy()[:EXAMPLES]
        first = stopped[order]
        nothing = np.zeros(unit.signals.num_rows)
        chosen = picks(unit, of.rows[first], nothing, nothing[of.rows[first]])
        starts = np.searchsorted(of.rows, of.rows[first])
        values = of.values[number].take(pa.array(first)).to_pylist()
        fresh = zip(chosen, (first - starts).tolist(), values, strict=True)
        own = [*self.examples.get(number, ()), *fresh]
        self.examples[number] = sorted(own, key=lambda of: (of[0], of[1]))[:EXAMPLES]

    def _unanswered(self, unit: Unit, problem: pa.ChunkedArray, kept: Any) -> None:
        rows = np.flatnonzero(kept & ~column_files.is_null(problem) & ~equals(problem, NONE))
        self.problems.update(problem.take(pa.array(rows)).to_pylist())
        firsts.add(self.unanswered, unit, rows, [problem], str, EXAMPLES)

    def picks(self) -> list[Pick]:
        """The rows of the examples."""
        return [
            *(pick for of in self.examples.values() for pick, _, _ in of),
            *(pick for of in self.unanswered.values() for pick in of),
        ]

    def view(self, thumbnails: Thumbnails) -> dict[str, Any]:
        """The examples of each rule that stopped any, and of each problem, the most first."""
        order = sorted(self.problems, key=lambda why: (-self.problems[why], why))
        return {
            "fallen": [
                (rule, self.counts[n], [_example(thumbnails, rule, *of) for of in self.examples[n]])
                for n, rule in enumerate(self.rules)
                if self.counts[n]
            ],
            "problems": [
                (why, self.problems[why], [card(thumbnails, of) for of in self.unanswered[why]])
                for why in order
            ],
        }


def value(of: Any) -> str:
    """The value of a caption, in words."""
    return text.prose(of, 60) if isinstance(of, str) else text.figure(of)


def _example(
    thumbnails: Thumbnails, rule: CaptionRule, pick: Pick, place: int, of: Any
) -> dict[str, Any]:
    said = card(thumbnails, pick).thumbnail.captions(f"caption_{rule.split}")[place : place + 1]
    return {
        "card": card(thumbnails, pick),
        "text": said[0].text if said else "",
        "language": said[0].language if said else "",
        "value": value(of),
    }
