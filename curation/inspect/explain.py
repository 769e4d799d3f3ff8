"""``beam explain``: everything known of one row, from its source to its shard.

Reads what the run left and nothing else; no image is opened.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import storage
from curation.inspect import checks
from curation.inspect.explained_captions import explained
from curation.inspect.explanation import Explanation, Relative, as_text
from curation.inspect.in_shards import with_shards
from curation.judging import ledger
from curation.output import column_files, finished
from curation.output.groups import Groups
from curation.output.input_columns import INPUTS, column
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.report import outcome, text
from curation.report.described import described
from curation.report.outcome import Unit, strings
from curation.signals import captions

__all__ = ["ExplainError", "Explanation", "as_text", "explain", "explanation_at"]

MOST_EXPLANATIONS = 20
MOST_DUPLICATES = 20
MOST_COMPARED = 5000  # keys that a mistyped one is held against
COMPARED_LENGTH = 200  # characters of each
RELATIVE_COLUMNS = ("key", "id", "verdict", "rule", "duplicate_of")
LEDGER_COLUMNS = (*ledger.SCHEMA.names, ledger.CAPTIONS.name)
PAIR = "pair_better.max"
EXACT = ("exact_better.max", PAIR)
# Known of every row and said above, or of use to the program alone; captions are said one by one.
_NOT_SIGNALS = {
    *("uri", "key", "id", "size", "reason", "detail", "input_bytes", "source_digest"),
    *("caption_length", "captions_digest", "caption_recaption", "caption_fused", INPUTS),
    *map(captions.counted, captions.SPLITS),
}


class ExplainError(LookupError):
    """No row, or more than one, is meant by the given key; the message names the nearest."""


@dataclass(frozen=True)
class _Match:
    """A ledger row that shares an id with an explained row, or is a duplicate of it."""

    relative: Relative
    unit: str
    row: int
    rule: str | None
    duplicate_of: str | None
    captions: int = 0


def explain(output: str, key: str) -> list[Explanation]:
    """The explanations of the rows whose key, id or location is ``key``, twenty at most.

    Failing that, of the one row whose location ends with it. Raises ``ExplainError`` when no row
    or several are meant so, ``OutcomeError`` and ``ColumnFileError`` for a folder that is no run.
    """
    run = finished.read_run(output)
    places = _find(output, key)
    explanations = [explanation_at(output, unit, row, run) for unit, row in places]
    return with_shards(output, _with_relatives(output, explanations))


def _find(output: str, key: str) -> list[tuple[str, int]]:
    exact: list[tuple[str, int]] = []
    ending: list[tuple[str, int, str]] = []
    near: list[str] = []
    wanted = key.encode("utf-8", "surrogatepass")
    for unit in outcome.read_units(output, ("uri", "key", "id"), ()):
        matching = np.zeros(unit.signals.num_rows, np.bool_)
        for name in ("uri", "key", "id"):
            matching |= _same(unit.signals.column(name), wanted)
        exact += [(unit.name, row) for row in np.flatnonzero(matching).tolist()]
        if not exact and wanted:
            rows = np.flatnonzero(_ends_with(unit.signals.column("uri"), wanted))[
                :MOST_EXPLANATIONS
            ]
            names = strings(unit.signals.column("uri"), rows)
            ending += [
                (unit.name, row, str(uri)) for row, uri in zip(rows.tolist(), names, strict=True)
            ]
            near += _similar(unit, key, MOST_COMPARED - len(near))
    if exact:
        return exact[:MOST_EXPLANATIONS]
    if len(ending) == 1:
        return [ending[0][:2]]
    shown = repr(text.name(key))
    if ending:
        locations = ", ".join(text.name(uri, 160) for _, _, uri in ending[:3])
        raise ExplainError(f"{shown}: several locations end so ({locations}, ...); give more of it")
    raise ExplainError(
        f"{shown}: no row has this key or id, or a location ending so{_hint(key, near)}"
    )


def _same(column: pa.ChunkedArray, value: bytes) -> NDArray[np.bool_]:
    same = pc.equal(column.cast(pa.binary()), pa.scalar(value, pa.binary()))
    return np.asarray(pc.fill_null(same, False), np.bool_)


def _ends_with(column: pa.ChunkedArray, value: bytes) -> NDArray[np.bool_]:
    ends = pc.ends_with(column.cast(pa.binary()), value)
    return np.asarray(pc.fill_null(ends, False), np.bool_)


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
    listed = ", ".join(repr(text.name(name)) for name in dict.fromkeys(near))
    return f"; nearest keys: {listed}" if near else ""


def explanation_at(output: str, unit: str, row: int, run: Mapping[str, Any]) -> Explanation:
    """That of a row of a unit of the run, by its own columns: of other rows only an id is told.

    Raises ``ColumnFileError``.
    """
    layout = Layout(output)
    columns = Measured.of_run(output, run)
    table = columns.read(unit)
    measured = _row(table, row)
    judged = _row(column_files.read(layout.ledger(unit), LEDGER_COLUMNS), row)
    grouped = Groups.of_run(output, run)
    groups = _row(grouped.read(unit), row) if grouped.there(unit) else {}
    ruled = (judged["rule"] or "").rpartition(".")[0]
    signals = {name: value for name, value in measured.items() if name not in _NOT_SIGNALS}
    columns_of_run = described(run)
    return Explanation(
        key=measured["key"],
        uri=measured["uri"],
        id=measured["id"],
        unit=unit,
        measured=columns.base_path(unit).removeprefix(storage.join(output, "")),
        row=row,
        size=measured["size"],
        **{name: judged[name] for name in ("verdict", "stage", "rule", "value", "bound", "reason")},
        checks=tuple(checks.checks(run, judged, measured | groups, table.slice(row, 1))),
        signals=signals,
        inputs=_of_inputs(run, columns, unit, row) if measured.get("input_bytes") else (),
        units={name: columns_of_run[name].unit for name in signals if name in columns_of_run},
        captions=explained(run, judged["captions"], measured),
        representative=_unknown(judged["duplicate_of"]),
        quota=checks.ranking(run, ruled),
    )


def _of_inputs(
    run: Mapping[str, Any], columns: Measured, unit: str, row: int
) -> tuple[dict[str, Any], ...]:
    """What stages bound, of each input of an edit."""
    bounded = dict.fromkeys(of for s in outcome.stages(run).values() for of in s.get("bounds", {}))
    lists = columns.with_inputs(columns.read(unit, ("key",)), unit, [*bounded])
    known = {name: lists.column(column(name))[row].as_py() or () for name in bounded}
    return tuple(
        {name: values[place] for name, values in known.items() if place < len(values)}
        for place in range(max(map(len, known.values()), default=0))
    )


def _unknown(identity: str | None) -> Relative | None:
    return None if identity is None else Relative("", "", identity, "")


def _row(unit: pa.Table, row: int) -> dict[str, Any]:
    table = unit.slice(row, 1)
    return {
        name: strings(table.column(name), [0])[0]
        if pa.types.is_string(table.schema.field(name).type)
        else table.column(name)[0].as_py()
        for name in table.column_names
    }


def _with_relatives(output: str, explanations: list[Explanation]) -> list[Explanation]:
    """Fill in the names of the representatives, and the rows that these represent."""
    ids = sorted({identity for explanation in explanations for identity in _ids(explanation)})
    matches: list[_Match] = []
    if ids:
        names = pa.array(ids, pa.string())
        is_pair = any(explanation.rule == PAIR for explanation in explanations)
        read = ("uri", "captions_digest") if is_pair else ("uri",)
        for unit in outcome.read_units(output, read, RELATIVE_COLUMNS):
            matches += _matches(unit, names)
    return [_related(explanation, matches) for explanation in explanations]


def _ids(explanation: Explanation) -> Iterator[str]:
    if explanation.id is not None:
        yield explanation.id
    if explanation.representative is not None:
        yield explanation.representative.id


def _matches(unit: Unit, names: pa.Array) -> Iterator[_Match]:
    hit = pc.or_(
        pc.is_in(unit.ledger.column("id"), value_set=names),
        pc.is_in(unit.ledger.column("duplicate_of"), value_set=names),
    )
    rows = np.flatnonzero(np.asarray(hit, np.bool_))
    fields = [strings(unit.ledger.column(name), rows) for name in RELATIVE_COLUMNS]
    uris = strings(unit.signals.column("uri"), rows)
    digests = [0] * len(rows)
    if "captions_digest" in unit.signals.column_names:
        digests = unit.signals.column("captions_digest").take(pa.array(rows)).to_pylist()
    for row, uri, said, key, identity, verdict, rule, duplicate_of in zip(
        rows.tolist(), uris, digests, *fields, strict=True
    ):
        relative = Relative(key or "", uri or "", identity or "", verdict or "")
        yield _Match(relative, unit.name, row, rule, duplicate_of, said)


def _related(explanation: Explanation, matches: Sequence[_Match]) -> Explanation:
    representative, duplicates = explanation.representative, []
    place = explanation.unit, explanation.row
    digest = sum(match.captions for match in matches if (match.unit, match.row) == place)
    for match in matches:
        if (match.unit, match.row) == place:
            continue
        if explanation.rule == PAIR and digest and match.captions != digest:
            continue
        is_it = representative is not None and match.relative.id == representative.id
        if is_it and match.rule not in EXACT:
            representative = match.relative
        elif match.duplicate_of == explanation.id is not None and explanation.rule not in EXACT:
            duplicates.append(match.relative)
    return replace(
        explanation,
        representative=representative,
        duplicates=tuple(duplicates[:MOST_DUPLICATES]),
        duplicates_total=len(duplicates),
    )
