"""Captions side by side: raw, recaption and fused of the same images, and captions that fell."""

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
from curation.report.outcome import Unit, equals, strings
from curation.report.sections import caption_rules
from curation.report.sections.additions import additions
from curation.report.sections.caption_rules import CaptionRule, Fate, Fates
from curation.report.sections.section import Known
from curation.report.thumbnails import Thumbnail
from curation.report.words import FUSED, RECAPTION, Said
from curation.signals.captions import SPLITS

PROBLEM, NONE = "recaption_problem", "none"  # why a model's caption is quarantined
RAW = "caption_raw"
SHOWN, CANDIDATES = 12, 36
EXAMPLES = 3  # of each rule and problem

Own = Mapping[str, tuple[Fate, ...]]  # by split


@dataclass(frozen=True, order=True)
class Row:
    """A kept row: those with captions of most splits come first, then by id."""

    lacks: int
    pick: Pick
    fates: Own = field(compare=False)


@dataclass
class Splits:
    """The section."""

    stages: Sequence[str]
    rules: Sequence[CaptionRule]
    columns: Sequence[str]
    has_problems: bool
    anchor: str = "splits"
    label: str = "Caption splits"
    title: str = "Captions side by side"
    rows: list[Row] = field(default_factory=list)
    fallen: Counter[int] = field(default_factory=Counter)
    examples: dict[int, list[tuple[Pick, int, Any]]] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    unanswered: dict[str, list[Pick]] = field(default_factory=dict)

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Look through a unit for kept rows with captions, and for captions that fell."""
        kept = unit.is_verdict("kept")
        fates = {
            split: caption_rules.fates(split, self.rules, self.stages, unit.signals, groups)
            for split in SPLITS
            if f"{CAPTIONS}_{split}_stage" in groups.column_names
        }
        got_there = kept | equals(unit.ledger.column("rule"), f"{CAPTIONS}.min")
        for number, rule in enumerate(self.rules):
            if rule.split in fates:
                self._fell(unit, number, fates[rule.split], got_there)
        raw = ~column_files.is_null(unit.signals.column("caption_origin"))
        written = np.zeros(len(kept), np.bool_)
        if self.has_problems:
            problem = unit.signals.column(PROBLEM)
            written = equals(problem, NONE)
            self._unanswered(unit, problem, kept)
        self._pick(unit, np.flatnonzero(kept & (raw | written)), 2 - raw - written, fates)

    def _pick(self, unit: Unit, rows: Any, lacks: Any, fates: Mapping[str, Fates]) -> None:
        if not len(rows):
            return
        ids = unit.signals.column("id").take(pa.array(rows))
        table = pa.table({"lacks": pa.array(lacks[rows]), "id": ids})
        order = [("lacks", "ascending"), ("id", "ascending")]
        first = rows[pc.sort_indices(table, order).to_numpy()[:CANDIDATES]]
        nothing = np.zeros(unit.signals.num_rows)
        images = strings(unit.ledger.column("stage"), first)
        for row, pick, image in zip(
            first, picks(unit, first, nothing, nothing[first]), images, strict=True
        ):
            own = {
                split: tuple(
                    caption_rules.of_row(of, int(row), self.rules, self.stages, image or "")
                )
                for split, of in fates.items()
            }
            self.rows.append(Row(int(lacks[row]), pick, own))
        self.rows = sorted(self.rows)[:CANDIDATES]

    def _fell(self, unit: Unit, number: int, of: Fates, rows: Any) -> None:
        stopped = np.flatnonzero((of.rule == number) & rows[of.rows])
        self.fallen[number] += len(stopped)
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
        nothing = np.zeros(unit.signals.num_rows)
        said = strings(problem, rows)
        chosen = picks(unit, rows, nothing, nothing[rows])
        for pick, why in zip(chosen, said, strict=True):
            self.problems[why or ""] += 1
            own = [*self.unanswered.get(why or "", ()), pick]
            self.unanswered[why or ""] = sorted(own)[:EXAMPLES]

    def picks(self) -> list[Pick]:
        """The rows side by side, and those of the examples."""
        return [
            *(row.pick for row in self.rows),
            *(pick for of in self.examples.values() for pick, _, _ in of),
            *(pick for of in self.unanswered.values() for pick in of),
        ]

    def view(self, thumbnails: Thumbnails) -> Any:
        """The rows and the examples."""
        if not self.rows and not self.fallen.total() and not self.problems:
            return None
        rows = [self._row(row, thumbnails) for row in self.rows]
        order = sorted(self.problems, key=lambda why: (-self.problems[why], why))
        return {
            "rows": sorted(rows, key=lambda of: not of["adds"])[:SHOWN],
            "fallen": [
                (rule, self.fallen[n], [_example(thumbnails, rule, *of) for of in self.examples[n]])
                for n, rule in enumerate(self.rules)
                if self.fallen[n]
            ],
            "problems": [
                (why, self.problems[why], [card(thumbnails, of) for of in self.unanswered[why]])
                for why in order
            ],
        }

    def _row(self, row: Row, thumbnails: Thumbnails) -> dict[str, Any]:
        own = card(thumbnails, row.pick)
        base = " ".join(of.text for of in own.thumbnail.captions(RECAPTION))
        columns = []
        for split in SPLITS:
            said = own.thumbnail.captions(f"caption_{split}")
            fates = row.fates.get(split, ())
            known = fates if len(fates) == len(said) else [None] * len(said)
            is_fused = f"caption_{split}" == FUSED and bool(base)
            columns.append(
                (split, [_caption(of, fate, base if is_fused else None)
                         for of, fate in zip(said, known, strict=True)])
            )  # fmt: skip
        fused = [of for split, captions in columns if split == "fused" for of in captions]
        adds = any(is_added for of in fused for _, is_added in of["parts"])
        return {"card": own, "columns": columns, "adds": adds}


def chosen(known: Known) -> Splits | None:
    """The section, where models write captions or rules judge them."""
    rules = caption_rules.rules(known)
    has_problems = known.has(PROBLEM, "string")
    if not rules and not known.has(RECAPTION):
        return None
    columns = ["caption_origin", *([PROBLEM] if has_problems else [])]
    columns += dict.fromkeys(rule.column for rule in rules)
    return Splits([*known.stages], rules, columns, has_problems)


def _caption(said: Said, fate: Fate | None, base: str | None) -> dict[str, Any]:
    parts = [(said.text, False)] if base is None else additions(base, said.text)
    passed, why = ("", "") if fate is None else _outcome(fate)
    return {"parts": parts, "language": said.language, "passed": passed, "why": why}


def _outcome(fate: Fate) -> tuple[str, str]:
    """The stage that a caption passes, and what stopped it after that."""
    passed = f"passes {fate.stage}" if fate.stage else "passes no stage"
    if fate.rule is None:
        return passed, ""
    return passed, f"at {fate.rule.stage} {fate.rule.name} {value(fate.value)}, {fate.rule.limit()}"


def value(of: Any) -> str:
    """The value of a caption, in words."""
    return text.prose(of, 60) if isinstance(of, str) else text.figure(of)


def _example(
    thumbnails: Thumbnails, rule: CaptionRule, pick: Pick, place: int, of: Any
) -> dict[str, Any]:
    shown: Thumbnail = card(thumbnails, pick).thumbnail
    said = shown.captions(f"caption_{rule.split}")[place : place + 1]
    return {
        "card": card(thumbnails, pick),
        "text": said[0].text if said else "",
        "language": said[0].language if said else "",
        "value": value(of),
    }
