"""``beam export``: every finished shard becomes one file of another format, whole or not at all."""

import importlib
import pkgutil
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.output import finished, mark
from curation.output.layout import Layout
from curation.progress import watch
from curation.shard.selection import EVERY, Asked
from curation.signals.row import SPLITS
from curation.storage import ownership
from curation.writing import export as formats
from curation.writing.export import origin, rows
from curation.writing.export.format import Format, Options, Source

KIND = "export"
_SUPPORT = ("exporting", "format", "origin", "rows")
_NAMED = r"-\d{5,}-of-\d{5,}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Exported:
    """What an export holds, of ``total`` rows; ``size`` in bytes, ``repeated`` are files that were
    there.

    ``left_out`` are samples whose metadata could not be stripped, ``telling`` those whose metadata
    tell of places or people and that were not to be stripped.
    """

    format: str
    files: int
    rows: int
    total: int
    size: int
    repeated: int
    left_out: int
    telling: int

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)

    def as_text(self) -> str:
        """One line."""
        there = f" ({self.repeated} were there)" if self.repeated else ""
        megabytes = f"{self.size / 1e6:,.1f} MB"
        of = f" of {self.total:,}" if self.rows + self.left_out < self.total else ""
        files = f"{self.files} {'file' if self.files == 1 else 'files'}{there}"
        text = f"{self.format}: {self.rows:,}{of} samples in {files}, {megabytes}"
        if self.left_out:
            text += f"\nleft out: {self.left_out:,}, of formats that cannot be stripped of metadata"
        if self.telling:
            text += (
                f"\nthe metadata of {self.telling:,} tell of places or people: --strip-metadata "
                "writes images without"
            )
        return text


def names() -> list[str]:
    """The formats there are, as ``beam export`` takes them."""
    modules = (module.name for module in pkgutil.iter_modules(formats.__path__))
    return sorted(name for name in modules if name not in _SUPPORT)


def export(
    name: str,
    output: str,
    to: str,
    captions: Sequence[str] = (),
    strip: bool = False,
    asked: Asked = EVERY,
) -> Exported:
    """Write the shards of a finished run (or of any folder with their manifest) to ``to``, or of
    their rows those that are ``asked`` for.

    Files that an interrupted export left whole are not written again; those of another state of the
    shards go, those of another run's never.

    Raises ``UsageError``, ``OutcomeError``, ``ShardError``, ``OwnershipError``, ``OSError``.
    """
    chosen, options = _format(name), Options(_splits(captions), strip, asked)
    every = _source(output)
    source = _with_rows(every, asked)
    with ownership.held(to, f"{KIND} {name}"):
        folder = storage.join(to, chosen.folder) if chosen.folder else to
        storage.remove_partials(to, folder)
        paths = [storage.join(folder, file) for file in _files(chosen, source, options)]
        shards = [storage.join(source.folder, info.file) for info in source.shards]
        pattern = re.compile(f"{chosen.prefix}{_NAMED}{re.escape(chosen.suffix)}")
        there = [entry.path for entry in storage.list_folder(folder)]
        named = [path for path in there if pattern.fullmatch(storage.name_of(path))]
        stale = [path for path in named if path not in paths]
        origin.settle(to, output, stale)
        written = _write(chosen, shards, options, paths)
        storage.delete(stale)
        left = [path for path, number in zip(shards, written, strict=True) if number is None]
        known = sum(filter(None, written)) + sum(rows.count(path, options) for path in left)
        size = sum(entry.size for entry in storage.list_folder(folder) if entry.path in paths)
        exported = replace(source, rows=known, size=size)
        for file, content in chosen.beside(exported).items():
            storage.write_bytes(storage.join(to, file), content)
    return Exported(
        name,
        files=len(paths),
        rows=known,
        total=sum(info.rows for info in every.shards),
        size=size,
        repeated=len(left),
        left_out=source.rows - known,
        telling=0 if strip else sum(rows.telling(path, asked) for path in shards),
    )


def _write(
    chosen: Format, shards: Sequence[str], options: Options, paths: Sequence[str]
) -> list[int | None]:
    """Write the files that are not there; how many rows each has now, None where it was there."""
    written: list[int | None] = [None] * len(paths)
    missing = [place for place, path in enumerate(paths) if not storage.exists(path)]
    done: list[int] = []
    with watch(paths[0] if paths else "", "files written", lambda: (len(missing), len(done))):
        for place in missing:
            written[place] = chosen.write(shards[place], paths[place], options)
            done.append(place)
    return written


def _with_rows(source: Source, asked: Asked) -> Source:
    """The same shards, of those with rows that are asked for. Raises ``UsageError`` without any."""
    if asked == EVERY:
        return replace(source, rows=sum(info.rows for info in source.shards))
    options = Options((), asked=asked)
    of = [rows.count(storage.join(source.folder, info.file), options) for info in source.shards]
    chosen = tuple(info for info, number in zip(source.shards, of, strict=True) if number)
    if not chosen:
        raise UsageError(f"{source.folder}: --stage, --where: none of its rows is so; ask for less")
    return replace(source, shards=chosen, asked=asked, rows=sum(of))


def _files(chosen: Format, source: Source, options: Options) -> list[str]:
    """A name per shard that follows from all that its bytes depend on."""
    digest = partial(mark.text_digest, size=6)
    return [
        f"{chosen.prefix}-{place:05d}-of-{len(source.shards):05d}-"
        f"{digest(repr((info.sha256, chosen.version, options)))}{chosen.suffix}"
        for place, info in enumerate(source.shards)
    ]


def _format(name: str) -> Format:
    if name not in names():
        raise UsageError(f"{name}: no format of ours; expected one of {', '.join(names())}")
    module = importlib.import_module(f"{formats.__name__}.{name}")
    chosen: Format = module.FORMAT
    return chosen


def _splits(captions: Sequence[str]) -> tuple[str, ...]:
    short = [split.removeprefix("caption_") for split in SPLITS]
    for name in captions:
        if name not in short:
            raise UsageError(f"--caption: {name}: expected one of {', '.join(short)}")
    return tuple(f"caption_{name}" for name in dict.fromkeys(captions or short))


def _source(output: str) -> Source:
    """The shards of a run, or of a folder that holds shards alone, such as ``synthesize`` makes."""
    layout, run = Layout(output), {}
    if storage.exists(layout.run):
        run = finished.read_run(output)
    if run and not finished.success(layout):
        raise finished.OutcomeError(f"{output}: the run did not finish; {finished.REMEDY}")
    folders = (layout.shards, output)
    listed = (storage.join(folder, shard.MANIFEST_NAME) for folder in folders)
    folder = next(
        (at for at, path in zip(folders, listed, strict=True) if storage.exists(path)), ""
    )
    if not folder:
        finished.read_run(output)  # says what to do where there is nothing
        raise finished.OutcomeError(f"{layout.shards}: no list of shards; {finished.REMEDY}")
    return Source(folder, shard.read_manifest(folder), run)
