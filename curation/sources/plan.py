"""The plan of a run: the inputs cut into units, which workers read one by one.

The plan depends only on what the inputs hold, never on the order of listings, of the inputs or of
a manifest's lines.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from curation import storage
from curation.output.layout import Layout as RunLayout
from curation.sources.confines import Confines
from curation.sources.fields import USUAL, Columns
from curation.sources.sample import Layout, Part, SourceError, Unit, from_json, to_json, unit_id
from curation.sources.scan import EXPECTED, Collection, folder_of, scan
from curation.sources.settling import settle

UNIT_ROWS = 10_000


@dataclass(frozen=True)
class Plan:
    """The units, and what was seen and is not read."""

    units: list[Unit]
    notes: tuple[str, ...] = ()


def plan(
    inputs: Sequence[str],
    unit_rows: int = UNIT_ROWS,
    columns: Columns = USUAL,
    *,
    allow_outside: bool = False,
) -> list[Unit]:
    """The units of ``planned``."""
    return planned(inputs, unit_rows, columns, allow_outside=allow_outside).units


def planned(
    inputs: Sequence[str],
    unit_rows: int = UNIT_ROWS,
    columns: Columns = USUAL,
    *,
    allow_outside: bool = False,
    output: str | None = None,
) -> Plan:
    """Cut what the inputs hold into units of at most ``unit_rows`` rows.

    An input is a folder, a glob, a file, or the same on a remote filesystem. A tar is one unit
    whatever it holds, a table is cut between row groups only. What a link or a list names outside
    the inputs is an error of its row, unless ``allow_outside``. Raises ``SourceError`` for an input
    that holds nothing or has no known layout, for one that leads into the ``output``, and for
    ``columns`` that no source has; ``OSError`` for an input that cannot be listed.
    """
    if unit_rows < 1:
        raise SourceError(f"unit_rows is {unit_rows}: expected at least 1")
    if not inputs:
        raise SourceError(f"no input given; {EXPECTED}")
    folders = [folder for name in inputs if (folder := folder_of(name)) is not None]
    collection = Collection(columns, Confines(folders, open_to_all=allow_outside, output=output))
    for name in sorted(set(inputs)):
        scan(name, unit_rows, collection)
    _check_columns(columns, collection)
    settle(collection)
    units = list(identified(_grouped(collection, unit_rows), columns))
    return Plan(units, tuple(sorted(set(collection.notes))))


def _check_columns(columns: Columns, collection: Collection) -> None:
    """Tell a mistyped name before anything is read, where all names are known."""
    lacking = [name for name in columns.named if name not in collection.names]
    if lacking and collection.all_named:
        near = get_close_matches(lacking[0], collection.names, 1, 0.5)
        there = ", ".join(sorted(collection.names)[:30]) or "none"
        raise SourceError(
            f"column {lacking[0]!r}: no source of the input has it"
            + (f"; did you mean {near[0]}?" if near else "")
            + f"; the columns there are: {there}"
        )


def _grouped(collection: Collection, unit_rows: int) -> Iterator[tuple[Layout, tuple[Part, ...]]]:
    for places in _cut(sorted(collection.images), unit_rows):
        yield "files", tuple(collection.images[place] for place in places)
    for place in sorted(collection.tars):
        yield "webdataset", (collection.tars[place],)
    for place in sorted(collection.tables):
        for part in collection.tables[place]:
            yield "parquet", (part,)


def _cut(places: Sequence[str], unit_rows: int) -> Iterator[list[str]]:
    """Runs of at most ``unit_rows`` names, cut where a name's own hash says so.

    A file that is added or removed therefore changes the unit it lies in and seldom another, and a
    collection that grows is not measured again.
    """
    modulus = max(1, unit_rows // 2)
    run: list[str] = []
    for place in places:
        name = place.rpartition("/")[2].encode(errors="surrogatepass")
        if run and (len(run) == unit_rows or zlib.crc32(name) % modulus == 0):
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def identified(
    units: Iterable[tuple[Layout, tuple[Part, ...]]], columns: Columns
) -> Iterator[Unit]:
    """Units of these parts, named by where they lie."""
    seen: dict[str, int] = {}
    for layout, parts in units:
        plain = unit_id(layout, parts, columns=columns)
        occurrence = seen.get(plain, 0)
        seen[plain] = occurrence + 1
        name = unit_id(layout, parts, occurrence, columns) if occurrence else plain
        yield Unit(name, layout, parts, columns)


def write_unit(directory: str, unit: Unit) -> None:
    """Write ``directory/<unit id>.json`` atomically. Raises ``OSError``."""
    storage.write_bytes(unit_path(directory, unit.id), to_json(unit).encode())


def write_names(output: str, names: Iterable[str]) -> None:
    """Write the names of all units of the plan where ``read_names`` finds them."""
    lines = "".join(f"{name}\n" for name in names)
    storage.write_bytes(RunLayout(output).unit_names, lines.encode())


def read_names(output: str) -> list[str]:
    """The names of all units of the plan of the run in ``output``. Raises ``OSError``."""
    return storage.read_bytes(RunLayout(output).unit_names).decode().split()


def unit_path(directory: str, unit: str) -> str:
    """Where ``write_unit`` keeps the unit of this id."""
    return storage.join(directory, f"{unit}.json")


def read_unit(path: str) -> Unit:
    """The unit that ``write_unit`` wrote.

    Raises ``FileNotFoundError``, and ``SourceError`` for a file that is no unit.
    """
    try:
        return from_json(storage.read_bytes(path))
    except ValueError as error:
        raise SourceError(
            f"{path}: expected a unit of a plan ({error}); delete it and run again"
        ) from error
