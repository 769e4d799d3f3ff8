"""``beam explain``: the whole story of one row, from its source to its shard.

Reads what the run left and nothing else; no picture is opened.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import shard, storage
from curation.inspect.explanation import Check, Copy, Outcome, Story, format_story
from curation.judging import ledger, mixing
from curation.judging.rules import DRAW_COLUMN
from curation.output import column_files, finished
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.report import outcome, text
from curation.report.outcome import Bound, Unit, equals, strings

__all__ = ["ExplainError", "Story", "explain", "format_story"]

MOST_STORIES = 20
MOST_COPIES = 20
MOST_COMPARED = 5000  # keys that a mistyped one is held against
COMPARED_LENGTH = 200  # characters of each
GROUPS = [field.name for field in shard.GROUP_FIELDS]
_NOT_SIGNALS = ("uri", "key", "id", "size", "reason", "detail")


class ExplainError(LookupError):
    """No row, or more than one, is meant by the given key; the message names the nearest."""


@dataclass(frozen=True)
class _Relative:
    """A row that shares an id with a story, or names one as the better row."""

    copy: Copy
    unit: str
    row: int
    rule: str | None
    duplicate_of: str | None


def explain(output: str, key: str) -> list[Story]:
    """The stories of the rows whose key, id or location is ``key``, at most ``MOST_STORIES``.

    Failing that, of the one row whose location ends with it. Raises ``ExplainError`` when no row
    or several are meant so, ``OutcomeError`` and ``ColumnFileError`` for a folder that is no run.
    """
    run = finished.read_run(output)
    places = _find(output, key)
    stories = [_story(output, unit, row, run) for unit, row in places]
    return _with_shards(output, _with_copies(output, stories))


def _find(output: str, key: str) -> list[tuple[str, int]]:
    exact: list[tuple[str, int]] = []
    ending: list[tuple[str, int, str]] = []
    near: list[str] = []
    wanted = key.encode("utf-8", "surrogatepass")
    for unit in outcome.read_units(output, ("uri", "key", "id"), ()):
        found = np.zeros(unit.signals.num_rows, np.bool_)
        for name in ("uri", "key", "id"):
            found |= _same(unit.signals.column(name), wanted)
        exact += [(unit.name, row) for row in np.flatnonzero(found).tolist()]
        if not exact and wanted:
            rows = np.flatnonzero(_ends_with(unit.signals.column("uri"), wanted))[:MOST_STORIES]
            names = strings(unit.signals.column("uri"), rows)
            ending += [
                (unit.name, row, str(uri)) for row, uri in zip(rows.tolist(), names, strict=True)
            ]
            near += _similar(unit, key, MOST_COMPARED - len(near))
    if exact:
        return exact[:MOST_STORIES]
    if len(ending) == 1:
        return [ending[0][:2]]
    shown = repr(text.name(key))
    if ending:
        told = ", ".join(text.name(uri, 160) for _, _, uri in ending[:3])
        raise ExplainError(f"{shown}: several locations end so ({told}, ...); give more of it")
    raise ExplainError(
        f"{shown}: no row has this key or id, or a location ending so{_hint(key, near)}"
    )


def _same(column: pa.ChunkedArray, value: bytes) -> NDArray[np.bool_]:
    same = pc.equal(column.cast(pa.binary()), pa.scalar(value, pa.binary()))
    return np.asarray(pc.fill_null(same, False), np.bool_)


def _ends_with(column: pa.ChunkedArray, value: bytes) -> NDArray[np.bool_]:
    found = pc.ends_with(column.cast(pa.binary()), value)
    return np.asarray(pc.fill_null(found, False), np.bool_)


def _similar(unit: Unit, key: str, room: int) -> list[str]:
    """Some of a unit's keys for the hint: first those that share a beginning or a file name."""
    keys = unit.signals.column("key").cast(pa.binary())
    stem = key.rsplit("/", 1)[-1][:4].encode("utf-8", "replace")
    likely = pc.fill_null(pc.match_substring(keys, stem), False)
    order = pc.sort_indices(likely.cast(pa.int8()), sort_keys=[("", "descending")])
    chosen = order.to_numpy()[: max(0, min(room, MOST_COMPARED // 10))]
    return [str(name)[:COMPARED_LENGTH] for name in strings(unit.signals.column("key"), chosen)]


def _hint(key: str, names: Sequence[str]) -> str:
    near = get_close_matches(key[:COMPARED_LENGTH], names, n=3, cutoff=0.5)
    told = ", ".join(repr(text.name(name)) for name in dict.fromkeys(near))
    return f"; nearest keys: {told}" if near else ""


def _story(output: str, unit: str, row: int, run: Mapping[str, Any]) -> Story:
    layout = Layout(output)
    measured = _row(Measured.of_run(output, run).read(unit), row)
    judged = _row(column_files.read(layout.ledger(unit), ledger.SCHEMA.names), row)
    path = layout.groups(unit)
    groups = _row(column_files.read(path, GROUPS), row) if storage.exists(path) else {}
    values, bounds = measured | groups, outcome.bounds(run)
    if measured.get("synthetic") and measured["reason"] is None:
        draw = mixing.draws([measured["id"]], run["seed"])
        values[DRAW_COLUMN] = float(mixing.as_values(draw)[0])
    else:
        bounds = tuple(bound for bound in bounds if bound.column != DRAW_COLUMN)
    ruled = (judged["rule"] or "").rpartition(".")[0]
    if ruled and values.get(ruled) is None:  # a share that is told by the ledger alone
        values[ruled] = judged["value"]
    return Story(
        key=measured["key"],
        uri=measured["uri"],
        id=measured["id"],
        unit=unit,
        row=row,
        size=measured["size"],
        **{name: judged[name] for name in ("verdict", "stage", "rule", "value", "bound", "reason")},
        checks=tuple(_checks(judged, values, bounds)),
        signals={name: value for name, value in measured.items() if name not in _NOT_SIGNALS},
        better=_unknown_copy(judged["duplicate_of"]),
    )


def _unknown_copy(identity: str | None) -> Copy | None:
    return None if identity is None else Copy("", "", identity, "")


def _row(whole: pa.Table, row: int) -> dict[str, Any]:
    table = whole.slice(row, 1)
    return {
        name: strings(table.column(name), [0])[0]
        if pa.types.is_string(table.schema.field(name).type)
        else table.column(name)[0].as_py()
        for name in table.column_names
    }


def _checks(
    judged: Mapping[str, Any], values: Mapping[str, Any], bounds: Sequence[Bound]
) -> Iterator[Check]:
    """All rules in their order; what comes after the one that decided was not reached."""
    kept = judged["verdict"] == "kept"
    reached = judged["stage"] is not None
    for bound in bounds:
        value = values.get(bound.column)
        if isinstance(value, int | float) and bound.side != "in":
            value = float(value) * bound.scale
        told: Outcome = "passed" if reached else "not reached"
        stage = bound.before if kept else bound.stage
        here = judged["stage"] == stage and (bound.deeper or not kept)
        if reached and here and judged["rule"] == bound.rule:
            told = "not measured" if _is_null(value) else "failed"
            reached = False
        yield Check(bound.stage, bound.rule, value, bound.limit, told)


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _with_copies(output: str, stories: list[Story]) -> list[Story]:
    """Fill in the names of the better rows, and the rows that are copies of these."""
    ids = sorted({name for story in stories for name in _ids(story)})
    found: list[_Relative] = []
    if ids:
        names = pa.array(ids, pa.string())
        for unit in outcome.read_units(
            output, ("uri",), ("key", "id", "verdict", "rule", "duplicate_of")
        ):
            found += _relatives(unit, names)
    return [_with_relatives(story, found) for story in stories]


def _ids(story: Story) -> Iterator[str]:
    if story.id is not None:
        yield story.id
    if story.better is not None:
        yield story.better.id


def _relatives(unit: Unit, names: pa.Array) -> Iterator[_Relative]:
    hit = pc.or_(
        pc.is_in(unit.ledger.column("id"), value_set=names),
        pc.is_in(unit.ledger.column("duplicate_of"), value_set=names),
    )
    rows = np.flatnonzero(np.asarray(hit, np.bool_))
    fields = ("key", "id", "verdict", "rule", "duplicate_of")
    told = [strings(unit.ledger.column(name), rows) for name in fields]
    uris = strings(unit.signals.column("uri"), rows)
    for row, uri, key, identity, verdict, rule, better in zip(
        rows.tolist(), uris, *told, strict=True
    ):
        copy = Copy(key or "", uri or "", identity or "", verdict or "")
        yield _Relative(copy, unit.name, row, rule, better)


def _with_relatives(story: Story, found: Iterable[_Relative]) -> Story:
    better, copies = story.better, []
    for row in found:
        if (row.unit, row.row) == (story.unit, story.row):
            continue
        if better is not None and row.copy.id == better.id and row.rule != "exact_better.max":
            better = row.copy
        elif row.duplicate_of == story.id is not None and story.rule != "exact_better.max":
            copies.append(row.copy)
    return replace(
        story, better=better, copies=tuple(copies[:MOST_COPIES]), copies_total=len(copies)
    )


def _with_shards(output: str, stories: list[Story]) -> list[Story]:
    kept = {story.id for story in stories if story.verdict == "kept"}
    folder = Layout(output).shards
    if not kept or not storage.exists(storage.join(folder, shard.MANIFEST_NAME)):
        return stories
    where: dict[tuple[str, str | None], str] = {}
    for info in shard.read_manifest(folder):
        if not storage.exists(storage.join(folder, info.file)):
            raise shard.ShardError(f"{folder}: there is no {info.file}; {finished.REMEDY}")
        for batch in shard.read(storage.join(folder, info.file), columns=("id", "key")):
            table = pa.Table.from_batches([batch])
            hits = np.zeros(batch.num_rows, np.bool_)
            for identity in kept:
                hits |= equals(table.column("id"), str(identity))
            rows = np.flatnonzero(hits)
            for name, key in zip(
                strings(table.column("id"), rows), strings(table.column("key"), rows), strict=True
            ):
                where[str(name), key] = f"shards/{info.file}"
    return [replace(story, shard=where.get((str(story.id), story.key))) for story in stories]
