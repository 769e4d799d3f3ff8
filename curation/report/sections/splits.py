"""Captions side by side: raw, recaption and fused of the same images, and captions that fell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.output import column_files
from curation.report.cards import Thumbnails, card
from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit, equals, strings
from curation.report.sections import caption_rules
from curation.report.sections.additions import additions
from curation.report.sections.caption_rules import CaptionRule, Fate, Fates
from curation.report.sections.fallen import NONE, PROBLEM, Fallen, value
from curation.report.sections.section import Known
from curation.report.words import FUSED, RECAPTION, Said
from curation.signals.captions import SPLITS, stage_column

SHOWN, CANDIDATES = 12, 36

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
    fallen: Fallen = field(init=False)

    def __post_init__(self) -> None:
        self.fallen = Fallen(self.rules)

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Look through a unit for kept rows with captions, and for captions that fell."""
        kept = unit.is_verdict("kept")
        fates = {
            split: caption_rules.fates(split, self.rules, self.stages, unit.signals, groups)
            for split in SPLITS
            if stage_column(split) in groups.column_names
        }
        self.fallen.add(unit, fates)
        raw = ~column_files.is_null(unit.signals.column("caption_origin"))
        written = np.zeros(len(kept), np.bool_)
        if self.has_problems:
            written = equals(unit.signals.column(PROBLEM), NONE)
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

    def picks(self) -> list[Pick]:
        """The rows side by side, and those of the examples."""
        return [*(row.pick for row in self.rows), *self.fallen.picks()]

    def view(self, thumbnails: Thumbnails) -> Any:
        """The rows and the examples."""
        fallen = self.fallen.view(thumbnails)
        if not self.rows and not any(fallen.values()):
            return None
        rows = [self._row(row, thumbnails) for row in self.rows]
        return {"rows": sorted(rows, key=lambda of: not of["adds"])[:SHOWN], **fallen}

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
