"""Whether a unit's measurements are still of what its source holds: told by contents alone.

``checked/<unit>`` says that they are: it holds the digests of the unit's column files and that of
the ``plan/<unit>.json`` they were held against. It is written after them, and a file is struck from
it before it becomes another, so that a digest that differs tells of damage. Where the plan is
another one, the unit is read, though not decoded, and compared.
"""

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from curation import shard, storage
from curation.measuring import measure
from curation.output import column_files
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.sources.identity import content_id
from curation.sources.sample import Sample, source_digest

COMPARED = ("key", "id", "source_digest", "side_file_problem", "reason", "detail")
_Row = tuple[str, str, str | None, str, str | None, str | None, str | None]


def is_checked(measured: Measured, unit: str) -> bool:
    """Whether the measurements are known to be whole and of what the plan says.

    Removes what is not whole, so that it is measured anew.
    """
    known = _known(measured.layout, unit)
    for folder in known["columns"].keys() & set(measured.folders):
        path = measured.layout.signals(folder, unit)
        if storage.exists(path) and _digest(path) != known["columns"][folder]:
            storage.delete([path])
    paths = {folder: measured.layout.signals(folder, unit) for folder in measured.complete}
    is_there = all(of in known["columns"] and storage.exists(path) for of, path in paths.items())
    return is_there and known.get("plan") == _digest(measured.layout.plan(unit))


def set_checked(measured: Measured, unit: str) -> None:
    """Say that the measurements are whole and of what the plan says. Raises ``OSError``."""
    layout = measured.layout
    paths = {folder: layout.signals(folder, unit) for folder in measured.folders}
    columns = {folder: _digest(path) for folder, path in paths.items() if storage.exists(path)}
    _write(layout, unit, {"columns": columns, "plan": _digest(layout.plan(unit))})


def strike(layout: Layout, unit: str, folder: str) -> None:
    """Say nothing any more of the unit's columns in a folder: they are about to be written."""
    known = _known(layout, unit)
    if known["columns"].pop(folder, None):
        _write(layout, unit, known)


def distrust(layout: Layout, unit: str) -> None:
    """Let the unit be compared with what it holds now. Raises ``OSError``."""
    known = _known(layout, unit)
    if known.pop("plan", None):
        _write(layout, unit, known)


def _known(layout: Layout, unit: str) -> dict[str, Any]:
    """What was told of a unit; empty where nothing was, or that is damaged."""
    if storage.exists(layout.checked(unit)):
        try:
            known = json.loads(storage.read_bytes(layout.checked(unit)))
        except ValueError:
            known = None
        if isinstance(known, dict) and isinstance(known.get("columns"), dict):
            return known
    return {"columns": {}}


def _write(layout: Layout, unit: str, known: dict[str, Any]) -> None:
    storage.write_bytes(layout.checked(unit), json.dumps(known, sort_keys=True).encode())


def _digest(path: str) -> str:
    return shard.digest_of(path)[1]


def measured_before(measured: Measured, unit: str) -> pa.Table | None:
    """What is there of a unit's base columns; None if that is nothing, or damaged."""
    try:
        return column_files.read(measured.base_path(unit))
    except column_files.ColumnFileError:
        return None


def compared(table: pa.Table, samples: Iterable[Sample]) -> pa.Table | None:
    """The measurements with the locations of today; None where they are of other rows."""
    found = sorted(map(_row, samples))
    columns_of = [table.column(name).to_pylist() for name in COMPARED]
    rows = [
        (key, identity, *said, *((None, None) if identity else why))
        for key, identity, *said, why in zip(
            *columns_of[:-2], zip(*columns_of[-2:], strict=True), strict=True
        )
    ]
    if [(key, *others) for key, _, *others in found] != rows:
        return None
    places = pa.array([uri for _, uri, *_ in found], pa.string())
    return table.set_column(0, table.schema.field("uri"), places)


def _row(sample: Sample) -> _Row:
    told = sample.key, sample.uri
    said = source_digest(sample), sample.problem
    if sample.data is None:
        return *told, None, *said, *measure.why_lost(sample)
    return *told, content_id(sample), *said, None, None
