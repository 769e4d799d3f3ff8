"""Whether a unit's measurements are still of what its source holds: told by contents alone.

``checked/<unit>`` says that they are: it holds the digest of ``signals/<unit>.parquet`` and that of
the ``plan/<unit>.json`` it was held against. It is written after both, and removed before the first
becomes another, so that a digest that differs tells of damage. Where the plan is another one, the
unit is read, though not decoded, and compared.
"""

from collections.abc import Iterable

import pyarrow as pa

from curation import shard, storage
from curation.measuring import measure
from curation.output import column_files
from curation.output.layout import Layout
from curation.sources.sample import Sample, source_digest

COMPARED = ("key", "id", "source_digest", "side_file_problem", "reason", "detail")
_Row = tuple[str, str, str | None, str, str | None, str | None, str | None]


def is_checked(layout: Layout, unit: str) -> bool:
    """Whether the measurements are known to be whole and of what the plan says.

    Removes what is not whole, so that it is measured anew.
    """
    signals, checked = layout.signals(unit), layout.checked(unit)
    if not (storage.exists(signals) and storage.exists(checked)):
        return False
    known = storage.read_bytes(checked)
    if not known.startswith(_digest(signals)):
        storage.delete([checked, signals])
        return False
    return known == _checked(layout, unit)


def set_checked(layout: Layout, unit: str) -> None:
    """Say that the measurements are whole and of what the plan says. Raises ``OSError``."""
    storage.write_bytes(layout.checked(unit), _checked(layout, unit))


def distrust(layout: Layout, unit: str) -> None:
    """Let the unit be compared with what it holds now. Raises ``OSError``."""
    known = storage.read_bytes(layout.checked(unit))
    storage.write_bytes(layout.checked(unit), known.partition(b" ")[0])


def _checked(layout: Layout, unit: str) -> bytes:
    return _digest(layout.signals(unit)) + b" " + _digest(layout.plan(unit))


def _digest(path: str) -> bytes:
    return shard.digest_of(path)[1].encode()


def measured(layout: Layout, unit: str) -> pa.Table | None:
    """What is there of a unit's measurements; None if that is nothing, or damaged."""
    try:
        return column_files.read(layout.signals(unit))
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
    return *told, shard.content_id(sample.data), *said, None, None
