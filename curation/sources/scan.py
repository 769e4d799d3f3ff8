"""What the inputs hold: images, tars and tables, each place once."""

import itertools
import os
from dataclasses import dataclass, field, replace

from curation import storage
from curation.sources import listings, manifest, side_files
from curation.sources.confines import Confines
from curation.sources.fields import USUAL, Columns
from curation.sources.image_names import PATH
from curation.sources.kind import METADATA, is_hidden, kind
from curation.sources.manifest import Manifest
from curation.sources.sample import UNKNOWN_SIZE, Part, SourceError
from curation.sources.side_files import Beside

EXPECTED = (
    "expected a folder or files of images (captions beside as .txt, .caption or .json), "
    "WebDataset .tar, .parquet with an image column, or a .jsonl manifest"
)
_SHOWN = 3  # names in a note


@dataclass
class Collection:
    """What the inputs hold, by location, so that no place is taken twice.

    ``names`` are the columns and fields that were seen, ``all_named`` says that there can be no
    others. ``notes`` tell what is not read. ``inputs`` are the locations of images that edits were
    made from, ``edits`` the results that lists name with some: see ``settling``.
    """

    columns: Columns = USUAL
    confines: Confines = field(default_factory=Confines)
    images: dict[str, Part] = field(default_factory=dict)
    tars: dict[str, Part] = field(default_factory=dict)
    tables: dict[str, list[Part]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    all_named: bool = True
    notes: list[str] = field(default_factory=list)
    inputs: set[str] = field(default_factory=set)
    edits: list[Part] = field(default_factory=list)

    def refusal(self, entry: storage.FileEntry, folder: str) -> str | None:
        """Why a file that a folder holds is not to be read, or None."""
        return self.confines.refusal(entry.path, folder) if entry.linked else None

    def __len__(self) -> int:
        return len(self.images) + len(self.tars) + len(self.tables)


@dataclass(frozen=True)
class _Input:
    """One input as given. ``root`` is the folder its keys are relative to."""

    name: str
    root: str
    is_file: bool
    unit_rows: int

    def relative(self, path: str) -> str:
        return path if self.root in ("", ".") else path[len(self.root) :].lstrip("/")


def scan(name: str, unit_rows: int, collection: Collection) -> None:
    """Add what one input holds to ``found``.

    Raises ``SourceError`` when that is nothing, or nothing known; ``OSError`` when it cannot be
    listed.
    """
    name = _normal(name)
    if storage.is_remote(name) and (refusal := storage.refusal(name)):
        raise SourceError(f"{name}: {refusal}")
    entries = storage.list_files(name)
    if name == ".":
        entries = [replace(entry, path=entry.path.removeprefix("./")) for entry in entries]
    if not entries:
        raise SourceError(f"{name}: nothing found there; {EXPECTED}; check the path")
    is_file = len(entries) == 1 and entries[0].path == name
    given = _Input(name, _root(name, is_file), is_file, unit_rows)
    others, beside = _beside_shards(entries), entries
    if given.name != given.root:  # a file or a glob: the captions were not asked for by name
        folders = {e.path.rpartition("/")[0] for e in entries if kind(e.path) == "image"}
        beside = [entry for folder in sorted(folders) for entry in storage.list_folder(folder)]
    belonging = Beside(beside, {entry.path for entry in entries})
    collection.inputs.update(map(identity, belonging.parts))
    taken, skipped = 0, []
    for entry in entries:
        if is_hidden(given.relative(entry.path)):
            continue
        if entry.path not in others and _add_entry(entry, given, belonging, collection):
            taken += 1
        else:
            skipped.append(given.relative(entry.path))
    if given.name == given.root:
        _note_strays(given, [entry for entry in entries if entry.path not in others], collection)
    if not taken:
        names = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        held = f" among {len(skipped)} files ({names})" if not is_file else ""
        raise SourceError(f"{name}: no input rows{held}; {EXPECTED}; name another input")


def _add_entry(
    entry: storage.FileEntry, given: _Input, beside: Beside, collection: Collection
) -> bool:
    """Add one file; False when it holds no rows."""
    what = kind(entry.path)
    is_metadata = entry.path.rpartition("/")[2].lower() in METADATA
    if what in ("sidecar", "ignored") and not is_metadata:
        return False
    place = identity(entry.path)
    part = Part(entry.path, entry.size, given.relative(entry.path), stamps=(entry.times,))
    refusal = None if given.is_file else collection.refusal(entry, given.root)
    if refusal:
        _add_image(collection, place, replace(part, size=UNKNOWN_SIZE, error=refusal, stamps=()))
        return True
    match what:
        case "image":
            part = beside.described(part, lambda e: collection.refusal(e, given.root))
            collection.all_named &= not any(
                name.lower().endswith(".json") for name, _ in part.sidecars
            )
            _add_image(collection, place, part)
        case "tar":
            collection.all_named = False
            collection.tars[place] = _outermost(part, collection.tars.get(place, part))
        case "parquet":
            return _add_table(collection, place, part, given)
        case "manifest" | "ignored" if what == "manifest" or is_metadata:
            return _add_list(part, given, collection)
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


def folder_of(name: str) -> str | None:
    """The folder that an input stands for, or None for a local file."""
    name = _normal(name)
    if not storage.is_remote(name) and os.path.isfile(name):
        return None
    return _root(name, False)


def _normal(name: str) -> str:
    return name.rstrip("/") if storage.is_remote(name) else os.path.normpath(name)


def _root(name: str, is_file: bool) -> str:
    if is_file:
        return name.rpartition("/")[0]
    marks = [name.index(mark) for mark in "*?[" if mark in name]
    is_glob = marks and (storage.is_remote(name) or not os.path.isdir(name))
    return name[: min(marks)].rpartition("/")[0] if is_glob else name


def _note_strays(given: _Input, entries: list[storage.FileEntry], collection: Collection) -> None:
    names = [given.relative(entry.path) for entry in entries]
    strays = side_files.strays([name for name in names if not is_hidden(name)])
    if strays:
        shown = ", ".join(strays[:_SHOWN]) + (", ..." if len(strays) > _SHOWN else "")
        collection.notes.append(f"{given.name}: side files beside no image, {len(strays)}: {shown}")


def _add_list(part: Part, given: _Input, collection: Collection) -> bool:
    """Add what a list of images names; False when it lists none."""
    first = listings.header(part.path)
    name = listings.path_field(first)
    by_line = given.is_file and kind(part.path) == "manifest"  # each of its lines is told
    if not by_line and (name is None or not isinstance(first[name], str)):
        names = ", ".join([str(name) for name in first][:20]) or "none"
        collection.notes.append(
            f"{part.path}: not read, for it names no images (expected a column file_name, or one "
            f"of {', '.join(PATH)}; there are: {names})"
        )
        if given.is_file:
            raise SourceError(collection.notes[-1])
        return False
    collection.names.update(first)
    listed = Manifest(
        part.path, part.key, given.root, collection.confines, collection.columns, collection.names
    )
    rows = 0
    for row in manifest.read_parts(listed):
        if row.inputs:
            collection.edits.append(row)
            collection.inputs.update(identity(path) for path, _ in row.inputs)
        else:
            _add_image(collection, identity(row.path), row)
        rows += 1
    return rows > 0


def _add_image(collection: Collection, place: str, part: Part) -> None:
    """Add an image; what several inputs or manifest lines say about one place is united."""
    known = collection.images.get(place)
    collection.images[place] = part if known is None else united(known, part)


def united(known: Part, part: Part) -> Part:
    """What two inputs or lines of lists say about one sample."""
    return replace(
        _outermost(known, part),
        size=max(known.size, part.size),
        sidecars=known.sidecars or part.sidecars,
        described=tuple(sorted({*known.described, *part.described})),
        problems=known.problems or part.problems,
        inputs=known.inputs or part.inputs,
        stamps=max(known.stamps, part.stamps, key=lambda stamps: (len(stamps), stamps)),
    )


def _outermost(first: Part, second: Part) -> Part:
    """Whose key and path count: a manifest's, else the outermost folder's, else the smallest."""
    return min(
        first, second, key=lambda part: (not part.described, -len(part.key), part.key, part.path)
    )


def _add_table(collection: Collection, place: str, part: Part, given: _Input) -> bool:
    from curation.sources import parquet  # pyarrow only where there is a table

    try:
        table, rows, names = parquet.inspect(part.path, collection.columns)
    except parquet.PARQUET_ERRORS as error:
        if storage.is_outage(part.path, error):
            raise
        collection.tables[place] = [part]  # reading it yields a sample that says what is wrong
        return True
    if table is None and part.path.rpartition("/")[2].lower() in METADATA:
        return _add_list(part, given, collection)
    if table is None and given.is_file:
        raise SourceError(f"{part.path}: no image column among {', '.join(names)}; {EXPECTED}")
    if table is None:
        return False  # img2dataset leaves such a table of metadata beside each tar
    collection.names.update(names)
    known = collection.tables.get(place)
    part = _outermost(part, known[0]) if known else part
    ranges = itertools.pairwise(_cuts(rows, given.unit_rows))
    collection.tables[place] = [replace(part, groups=between) for between in ranges]
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
