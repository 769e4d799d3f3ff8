"""What the pages show of rows, put into words and places for the templates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation.inspect.explain import explanation_at
from curation.inspect.explained_captions import ExplainedCaption, with_texts
from curation.inspect.explanation import (
    FAILED,
    Check,
    Explanation,
    outcomes_said,
    value_said,
    verdict_said,
)
from curation.report import boxes, text, words
from curation.report.boxes import Box
from curation.report.cards import COVERED
from curation.serving.asked import Asked
from curation.serving.site import Site, quoted
from curation.shard.picks import Mark
from curation.sources.sample import Sample

_SHOWN = ("verdict", "stage", "rule", "value", "bound", "reason", "width", "height")
_SIGNS = {"min": "<", "max": ">"}
SPLITS = ("raw", "recaption", "fused")


@dataclass(frozen=True)
class Card:
    """An image of the grid. ``boxes`` are in pixels of its ``size``; ``said`` is how alike it is;
    a ``covered`` one is blurred until it is pointed at.
    """

    number: int
    key: str
    verdict: str
    why: str
    stage: str
    caption: str
    said: str
    boxes: tuple[Box, ...]
    size: tuple[int, int]
    mark: Mark
    covered: bool
    edit: bool


@dataclass(frozen=True)
class Value:
    """A measured column of a row: its value in words, unit and meaning."""

    name: str
    value: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class StageChecks:
    """The rules of a stage, how many came out how, and whether any was or would be failed."""

    stage: str
    checks: tuple[Check, ...]

    @property
    def said(self) -> str:
        """How many came out how."""
        return outcomes_said(self.checks)

    @property
    def failed(self) -> bool:
        """Whether any was failed, or would be."""
        return any(of.outcome in FAILED for of in self.checks)


@dataclass(frozen=True)
class Details:
    """All of an image: the words of ``beam explain``, and what its source says."""

    card: Card
    explanation: Explanation
    verdict: str
    stages: tuple[StageChecks, ...]
    values: tuple[Value, ...]
    captions: tuple[ExplainedCaption, ...]
    instructions: tuple[str, ...]
    inputs: int
    representative: tuple[int, str] | None
    represented: str


def cards(site: Site, numbers: Sequence[int], said: Mapping[int, str], plain: bool) -> list[Card]:
    """The cards of these rows, without boxes if ``plain``."""
    rows = site.rows
    shown = [name for name in _SHOWN if name in rows.types]
    table = pa.table(rows.columns(shown)).take(pa.array(numbers, pa.int64())).to_pylist()
    samples = site.pictures.samples(numbers)
    regions = {} if plain else _regions(site, numbers)
    wrote = _wrote(site, numbers)
    made = []
    for number, of in zip(numbers, table, strict=True):
        sample, size = samples.get(number), (of.get("width") or 0, of.get("height") or 0)
        over = regions.get(number, ()) or (boxes.of_source(sample) if sample and not plain else ())
        made.append(
            Card(
                number,
                site.named(number)[1],
                of["verdict"],
                _why(of),
                of["stage"] or "",
                _caption(sample) or wrote.get(number, ""),
                said.get(number, ""),
                over if all(size) else (),
                size,
                site.mark(number),
                (of["rule"] or "").split(".")[0] in COVERED,
                bool(sample and sample.inputs),
            )
        )
    return made


def _why(of: Mapping[str, Any]) -> str:
    """The rule that decided about a row, with its numbers."""
    if of["verdict"] == "quarantined":
        return text.prose(of["reason"], 90)
    if of["rule"] is None:
        return ""
    column, _, side = of["rule"].rpartition(".")
    if of["value"] is None or of["bound"] is None:
        return text.prose(of["reason"] or of["rule"], 90)
    figures = (text.figure(of["value"]), text.figure(of["bound"]))
    return f"{column} {figures[0]} {_SIGNS.get(side, 'not in')} {figures[1]}"


def _caption(sample: Sample | None) -> str:
    columns = ("raw", "recaption", "fused", "instruction")
    every = (getattr(sample, f"caption_{split}", None) for split in columns)
    said = next(filter(None, every), ())
    return text.prose(" / ".join(of.text[:400] for of in said[:3]))


def _by_unit(site: Site, numbers: Sequence[int]) -> Iterator[tuple[str, dict[str, int]]]:
    """By unit the numbers of its rows, by location."""
    places = sorted((site.rows.place(number)[0], number) for number in numbers)
    for unit, of in groupby(places, lambda place: place[0]):
        own = [number for _, number in of]
        uris = (uri or "" for uri in site.rows.texts("uri", own))
        yield unit, dict(zip(uris, own, strict=True))


def _regions(site: Site, numbers: Sequence[int]) -> dict[int, tuple[Box, ...]]:
    """What signals saw where in these rows."""
    schema = pa.schema([pa.field(*of) for of in site.rows.types.items()])
    names = [name for name in boxes.columns(schema) if site.rows.is_measured(name)]
    return {
        number_of[uri]: of
        for unit, number_of in (_by_unit(site, numbers) if names else ())
        for uri, of in boxes.measured(site.rows.measured, unit, names, number_of).items()
    }


def _wrote(site: Site, numbers: Sequence[int]) -> dict[int, str]:
    """What models wrote of these rows."""
    is_there = words.RECAPTION in site.rows.types and site.rows.is_measured(words.RECAPTION)
    return {
        number_of[uri]: of.recaption
        for unit, number_of in (_by_unit(site, numbers) if is_there else ())
        for uri, of in words.measured(
            site.rows.measured, unit, [words.RECAPTION], number_of
        ).items()
    }


def details(site: Site, number: int) -> Details:
    """All that is known of a row. Raises ``UsageError``, ``ColumnFileError``."""
    site.check(number)
    rows = site.rows
    unit, row = rows.place(number)
    explanation = explanation_at(rows.output, unit, row, rows.run)
    sample = site.pictures.samples([number]).get(number)
    by_stage = groupby(explanation.checks, lambda check: check.stage)
    said = _texts(sample)
    return Details(
        cards(site, [number], {}, False)[0],
        explanation,
        verdict_said(explanation),
        tuple(StageChecks(stage, tuple(checks)) for stage, checks in by_stage),
        tuple(_values(site, explanation)),
        with_texts(explanation.captions, said),
        tuple(said.get("instruction", ())),
        len(sample.inputs or ()) if sample else 0,
        _representative(site, number, explanation),
        _represented(site, explanation.id),
    )


def _texts(sample: Sample | None) -> dict[str, list[str]]:
    if sample is None:
        return {}
    return {
        split: [of.text for of in getattr(sample, f"caption_{split}") or ()]
        for split in (*SPLITS, "instruction")
    }


def _values(site: Site, explanation: Explanation) -> Iterator[Value]:
    for name, value in explanation.signals.items():
        if value is not None:
            known = site.rows.described.get(name)
            meaning = known.meaning if known else ""
            yield Value(name, value_said(value), explanation.units.get(name, ""), meaning)


def _represented(site: Site, identity: str | None) -> str:
    """The link to the duplicates of an image, blank without any."""
    if identity is None or not pc.any(pc.equal(site.rows.column("duplicate_of"), identity)).as_py():
        return ""
    return Asked().link(where=f"duplicate_of = {quoted(identity)}")


def _representative(site: Site, number: int, explanation: Explanation) -> tuple[int, str] | None:
    """Number and key of the row that an image is a duplicate of."""
    if explanation.representative is None:
        return None
    others = [of for of in site.with_id(explanation.representative.id) if of != number]
    verdicts = site.rows.texts("verdict", others)
    kept = [of for of, verdict in zip(others, verdicts, strict=True) if verdict == "kept"]
    best = (kept or others)[:1]
    return (best[0], site.named(best[0])[1]) if best else None
