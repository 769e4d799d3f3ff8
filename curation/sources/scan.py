"""What the inputs hold: pictures, tars and tables, each place once."""

import itertools
import os
from dataclasses import dataclass, field, replace

from curation import storage
from curation.sources import manifest
from curation.sources.kind import is_hidden, kind, side_file_order, stem_of
from curation.sources.sample import Part, SourceError

EXPECTED = (
    "expected a folder or files of pictures (captions beside as .txt, .caption or .json), "
    "WebDataset .tar, .parquet with an image column, or a .jsonl manifest"
)
_Sidecars = dict[str, list[storage.FileEntry]]


@dataclass
class Found:
    """What the inputs hold, by location, so that no place is taken twice."""

    pictures: dict[str, Part] = field(default_factory=dict)
    tars: dict[str, Part] = field(default_factory=dict)
    tables: dict[str, list[Part]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pictures) + len(self.tars) + len(self.tables)


@dataclass(frozen=True)
class _Input:
    """One input as given. ``root`` is the folder its keys are relative to."""

    name: str
    root: str
    is_file: bool
    unit_rows: int

    def relative(self, path: str) -> str:
        return path if self.root in ("", ".") else path[len(self.root) :].lstrip("/")


def scan(name: str, unit_rows: int, found: Found) -> None:
    """Add what one input holds to ``found``.

    Raises ``SourceError`` when that is nothing, or nothing known; ``OSError`` when it cannot be
    listed.
    """
    name = name.rstrip("/") if storage.is_remote(name) else os.path.normpath(name)
    if storage.is_remote(name) and (refusal := storage.refusal(name)):
        raise SourceError(f"{name}: {refusal}")
    entries = storage.list_files(name)
    if name == ".":
        entries = [replace(entry, path=entry.path.removeprefix("./")) for entry in entries]
    if not entries:
        raise SourceError(f"{name}: nothing found there; {EXPECTED}; check the path")
    is_file = len(entries) == 1 and entries[0].path == name
    given = _Input(name, _root(name, is_file), is_file, unit_rows)
    sidecars, others = _sidecars(entries, given), _beside_shards(entries)
    taken, skipped = 0, []
    for entry in entries:
        if is_hidden(given.relative(entry.path)):
            continue
        if entry.path not in others and _add_entry(entry, given, sidecars, found):
            taken += 1
        else:
            skipped.append(given.relative(entry.path))
    if not taken:
        names = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        held = f" among {len(skipped)} files ({names})" if not is_file else ""
        raise SourceError(f"{name}: no input rows{held}; {EXPECTED}; name another input")


def _add_entry(entry: storage.FileEntry, given: _Input, sidecars: _Sidecars, found: Found) -> bool:
    """Add one file; False when it holds no rows."""
    place = identity(entry.path)
    part = Part(entry.path, entry.size, given.relative(entry.path), stamps=(entry.times,))
    match kind(entry.path):
        case "picture":
            _add_picture(found, place, _described(part, sidecars))
        case "tar":
            found.tars[place] = _outermost(part, found.tars.get(place, part))
        case "parquet":
            return _add_table(found, place, part, given)
        case "manifest" if given.is_file or manifest.is_manifest(entry.path):
            listed = False
            for row in manifest.read_parts(entry.path, part.key):
                _add_picture(found, identity(row.path), row)
                listed = True
            return listed
        case "packed tar":
            raise SourceError(
                f"{entry.path}: a compressed tar cannot be read in place; expected a plain .tar; "
                "decompress it, or move it out of the input"
            )
        case _:
            return False
    return True


def _beside_shards(entries: list[storage.FileEntry]) -> set[str]:
    """What lies beside shards and is not in their manifest, such as sheets to look at."""
    names = (entry.path.rpartition("/") for entry in entries)
    folders = [folder for folder, _, name in names if name == "manifest.json"]
    if not folders:
        return set()
    from curation import shard  # pyarrow only where there may be shards

    listed: dict[str, set[str]] = {}
    for folder in folders:
        try:
            infos = shard.read_manifest(folder)
        except shard.ShardError:
            continue  # a stranger's file of that name
        listed[folder] = {storage.join(folder, info.file) for info in infos}
    paths = {entry.path for entry in entries} if listed else set()
    return {path for path in paths if path not in listed.get(path.rpartition("/")[0], (path,))}


def identity(path: str) -> str:
    """What two spellings of one location have in common."""
    return path if storage.is_remote(path) else os.path.abspath(path)


def _root(name: str, is_file: bool) -> str:
    if is_file:
        return name.rpartition("/")[0]
    marks = [name.index(mark) for mark in "*?[" if mark in name]
    is_glob = marks and (storage.is_remote(name) or not os.path.isdir(name))
    return name[: min(marks)].rpartition("/")[0] if is_glob else name


def _sidecars(entries: list[storage.FileEntry], given: _Input) -> _Sidecars:
    """The caption files by what they describe: their path without extension."""
    if given.name != given.root:  # a file or a glob: the captions were not asked for by name
        folders = {e.path.rpartition("/")[0] for e in entries if kind(e.path) == "picture"}
        entries = [entry for folder in sorted(folders) for entry in storage.list_folder(folder)]
    found: _Sidecars = {}
    for entry in entries:
        if kind(entry.path) == "sidecar":
            found.setdefault(stem_of(entry.path), []).append(entry)
    return found


def _described(part: Part, sidecars: _Sidecars) -> Part:
    """The picture with its side files, in the order in which their captions are given."""
    stem = stem_of(part.path)
    every = {entry.path: entry for name in {part.path, stem} for entry in sidecars.get(name, ())}
    named = sorted(
        ((path.rpartition("/")[2], entry) for path, entry in every.items()),
        key=lambda pair: side_file_order(pair[0]),
    )
    return replace(
        part,
        sidecars=tuple((name, entry.size) for name, entry in named),
        stamps=part.stamps + tuple(entry.times for _, entry in named),
    )


def _add_picture(found: Found, place: str, part: Part) -> None:
    """Add a picture; what several inputs or manifest lines say about one place is united."""
    known = found.pictures.get(place)
    if known is None:
        found.pictures[place] = part
        return
    first = _outermost(known, part)
    found.pictures[place] = replace(
        first,
        size=max(known.size, part.size),
        sidecars=known.sidecars or part.sidecars,
        described=tuple(sorted({*known.described, *part.described})),
        stamps=max(known.stamps, part.stamps, key=lambda stamps: (len(stamps), stamps)),
    )


def _outermost(one: Part, other: Part) -> Part:
    """Whose key and path count: a manifest's, else the outermost folder's, else the smallest."""
    return min(
        one, other, key=lambda part: (not part.described, -len(part.key), part.key, part.path)
    )


def _add_table(found: Found, place: str, part: Part, given: _Input) -> bool:
    from curation.sources import parquet  # pyarrow only where there is a table

    try:
        table, rows, names = parquet.inspect(part.path)
    except parquet.PARQUET_ERRORS as error:
        if storage.is_outage(part.path, error):
            raise
        found.tables[place] = [part]  # reading it yields a sample that says what is wrong
        return True
    if table is None and given.is_file:
        raise SourceError(f"{part.path}: no image column among {', '.join(names)}; {EXPECTED}")
    if table is None:
        return False  # img2dataset leaves such a table of metadata beside each tar
    known = found.tables.get(place)
    part = _outermost(part, known[0]) if known else part
    ranges = itertools.pairwise(_cuts(rows, given.unit_rows))
    found.tables[place] = [replace(part, groups=between) for between in ranges]
    return True


def _cuts(rows: list[int], unit_rows: int) -> list[int]:
    """Where to cut row groups of these sizes, so that ranges hold at most ``unit_rows`` rows."""
    cuts, total = [0], 0
    for group, count in enumerate(rows):
        if total and total + count > unit_rows:
            cuts.append(group)
            total = 0
        total += count
    return [*cuts, len(rows)]
