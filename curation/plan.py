"""The plan of a run: which inputs there are, cut into units that workers read one by one.

The plan depends only on what the inputs hold, never on the order of listings, of the inputs or of
a manifest's lines.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from curation import storage
from curation.sources import manifest
from curation.sources.layout import is_hidden, kind, stem_of, suffix_of
from curation.sources.sample import (
    Layout,
    Part,
    SourceError,
    Unit,
    from_json,
    to_json,
    unit_id,
)

UNIT_ROWS = 10_000
_EXPECTED = (
    "expected pictures (with .txt or .json captions beside), WebDataset .tar, .parquet with an "
    "image column, or a .jsonl manifest"
)


@dataclass
class _Found:
    """What the inputs hold, keyed by location, so that nothing is taken twice."""

    pictures: dict[str, Part] = field(default_factory=dict)
    tars: dict[str, Part] = field(default_factory=dict)
    tables: dict[str, list[Part]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def plan(inputs: Sequence[str], unit_rows: int = UNIT_ROWS) -> list[Unit]:
    """Cut what the inputs hold into units of at most ``unit_rows`` rows (a tar is never cut).

    An input is a folder, a glob, a file, or the same on a remote filesystem. Raises
    ``SourceError`` for an input that holds nothing or is of no known layout, ``OSError`` for one
    that cannot be listed.
    """
    found = _Found()
    if not inputs:
        raise SourceError(f"no input given: {_EXPECTED}")
    for name in sorted(set(inputs)):
        _scan(name, unit_rows, found)
    pictures = [found.pictures[place] for place in sorted(found.pictures)]
    units: list[tuple[Layout, tuple[Part, ...]]] = [
        ("files", tuple(pictures[start : start + unit_rows]))
        for start in range(0, len(pictures), unit_rows)
    ]
    units += [("webdataset", (found.tars[place],)) for place in sorted(found.tars)]
    units += [("parquet", (p,)) for place in sorted(found.tables) for p in found.tables[place]]
    return list(_identified(units))


def _identified(units: Iterable[tuple[Layout, tuple[Part, ...]]]) -> Iterator[Unit]:
    seen: dict[str, int] = {}
    for layout, parts in units:
        plain = unit_id(layout, parts)
        occurrence = seen.get(plain, 0)
        seen[plain] = occurrence + 1
        yield Unit(unit_id(layout, parts, occurrence) if occurrence else plain, layout, parts)


def write_unit(directory: str, unit: Unit) -> None:
    """Write ``directory/<unit id>.json`` atomically."""
    storage.write_bytes(storage.join(directory, f"{unit.id}.json"), to_json(unit).encode())


def read_unit(path: str) -> Unit:
    """The unit that ``write_unit`` wrote.

    Raises ``FileNotFoundError``, and ``SourceError`` for a file that is no unit.
    """
    try:
        return from_json(storage.read_bytes(path))
    except ValueError as error:
        raise SourceError(
            f"{path}: not a unit of a plan ({error}); delete it and run again"
        ) from error


def _identity(path: str) -> str:
    return path if storage.is_remote(path) else os.path.abspath(path)


def _scan(name: str, unit_rows: int, found: _Found) -> None:
    """Add what one input holds."""
    name = name if storage.is_remote(name) else os.path.normpath(os.path.expanduser(name))
    entries = storage.list_files(name)
    if not entries:
        raise SourceError(f"{name}: nothing found there; {_EXPECTED}")
    explicit = len(entries) == 1 and entries[0].path == name
    root = _root(name, explicit)
    before = _count(found)
    sidecars = _sidecars(entries)
    for entry in entries:
        relative = entry.path[len(root) :].lstrip("/")
        if is_hidden(relative):
            continue
        place = _identity(entry.path)
        match kind(entry.path):
            case "picture":
                beside = sidecars.get(stem_of(entry.path), ())
                _add(found, place, Part(entry.path, entry.size, relative, beside))
            case "tar":
                found.tars.setdefault(place, Part(entry.path, entry.size, relative))
            case "parquet":
                part = Part(entry.path, entry.size, relative)
                parts = _row_group_parts(part, unit_rows, explicit, found)
                if parts:
                    found.tables.setdefault(place, parts)
            case "manifest" if explicit or manifest.is_manifest(entry.path):
                for part in manifest.read_parts(entry.path, relative):
                    _add(found, _identity(part.path), part)
            case "packed tar":
                raise SourceError(
                    f"{entry.path}: a compressed tar cannot be read in pieces; expected .tar; "
                    "decompress it (gunzip) or move it out of the input"
                )
            case _:
                found.skipped.append(relative)
    if _count(found) == before and not explicit:
        raise SourceError(f"{name}: no rows found; {_EXPECTED}; skipped {found.skipped[:5]}")
    if explicit and _count(found) == before and kind(name) in ("sidecar", "ignored"):
        raise SourceError(f"{name}: not a known layout; {_EXPECTED}")


def _count(found: _Found) -> int:
    return len(found.pictures) + len(found.tars) + len(found.tables)


def _root(name: str, explicit: bool) -> str:
    """The folder that keys are relative to: the input, or what precedes its name or wildcard."""
    if explicit:
        return name.rpartition("/")[0]
    marks = [name.index(mark) for mark in "*?[" if mark in name]
    return name[: min(marks)].rpartition("/")[0] if marks and not os.path.isdir(name) else name


def _sidecars(entries: list[storage.FileEntry]) -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, tuple[tuple[str, int], ...]] = {}
    for entry in entries:
        if kind(entry.path) == "sidecar":
            stem = stem_of(entry.path)
            found[stem] = (*found.get(stem, ()), (suffix_of(entry.path), entry.size))
    # .txt first: it is the caption itself, .json adds what is known about it
    return {stem: tuple(sorted(pairs, reverse=True)) for stem, pairs in found.items()}


def _add(found: _Found, place: str, part: Part) -> None:
    """Add a picture once; what several inputs say about it is united."""
    known = found.pictures.get(place)
    if known is None:
        found.pictures[place] = part
        return
    # the manifest's key wins over the folder's, then the outermost folder, then the smallest
    first, second = sorted((known, part), key=lambda p: (not p.described, -len(p.key), p.key))
    found.pictures[place] = replace(
        first,
        size=max(first.size, second.size),
        sidecars=first.sidecars or second.sidecars,
        described=tuple(sorted({*first.described, *second.described})),
    )


def _row_group_parts(part: Part, unit_rows: int, explicit: bool, found: _Found) -> list[Part]:
    from curation.sources import parquet

    try:
        table, rows, names = parquet.inspect(part.path)
    except parquet.PARQUET_ERRORS:
        return [part]  # reading it yields a sample that says what is wrong
    if table is None:
        if explicit:
            raise SourceError(f"{part.path}: no image column among {names}; {_EXPECTED}")
        found.skipped.append(part.key)
        return []
    cuts, total = [0], 0
    for group, count in enumerate(rows):
        if total and total + count > unit_rows:
            cuts.append(group)
            total = 0
        total += count
    cuts.append(len(rows))
    return [replace(part, groups=(start, stop)) for start, stop in zip(cuts, cuts[1:], strict=False)]
