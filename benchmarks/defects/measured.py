"""The cheap columns of clean images and of their damaged copies, kept as Parquet."""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.defects import ladders
from benchmarks.defects.ladders import LADDERS, RGB
from curation.picture import decoding
from curation.signals import blocky, discovery
from curation.signals.signal import Signal, ready

PHOTO_KINDS = ("photo", "photo-open", "quality-clean")
CLEAN_KINDS = (*PHOTO_KINDS, "text-rich", "captioned", "edit-source")
CLEAN, REFITTED = "clean", "clean, refitted"
FOLDS = 5
BLANK = 0.03  # luma range: below it a frame shows nothing
_WORKERS = 2
_SIGNALS = ("compression", "header", "chroma", "clarity", "clipping", "detail", "entropy", "grid")
_SIGNALS += ("levels", "luma", "texture")
_IDENTITY = ("format", "phash", "width", "height", "frames", "rotation", "mirrored")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Rows of images: ``names`` of the files they come from, ``kinds``, the ``ladders`` of the
    copies (``CLEAN`` and ``REFITTED`` for undamaged ones), their strengths, their columns.

    ``change`` is what the damage did beyond its strength: the share of pixels newly clipped for
    brightened copies, the mean chroma for saturated ones; 0 for others.
    """

    names: NDArray[np.str_]
    kinds: NDArray[np.str_]
    ladders: NDArray[np.str_]
    strengths: Floats
    change: Floats
    columns: Mapping[str, Floats]

    @property
    def folds(self) -> NDArray[np.int64]:
        """0 to 4, the same for all copies of one photograph."""
        of = {
            name: hashlib.blake2b(name.encode(), digest_size=4).digest()[0] % FOLDS
            for name in np.unique(self.names)
        }
        return np.array([of[name] for name in self.names], np.int64)

    def where(self, rows: NDArray[np.bool_]) -> "Table":
        """Some of the rows."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        own = (self.names, self.kinds, self.ladders, self.strengths, self.change)
        return Table(*(values[rows] for values in own), columns)

    def with_derived(self) -> "Table":
        """The same with the derived columns, which are computed of the others."""
        columns = dict(self.columns)
        for entry in discovery.discover():
            if entry.tier == "derived":
                rows = zip(*(columns[name].tolist() for name in entry.reads), strict=True)
                values = [ready(entry)(dict(zip(entry.reads, row, strict=True))) for row in rows]
                columns |= {n: np.array([of[n] for of in values]) for n in entry.columns}
        return replace(self, columns=columns)


def undamaged(of: Table) -> NDArray[np.bool_]:
    """The copies fitted to the size of the damaged ones, one of each photograph."""
    return np.asarray((of.ladders == REFITTED) & (of.strengths == 1), np.bool_)


def cheap_signals() -> list[Signal]:
    """The signals of image quality; derived columns are computed of theirs."""
    return [entry for entry in discovery.discover() if entry.name in _SIGNALS]


def measure(data: bytes, signals: Sequence[Signal]) -> dict[str, Any]:
    """The numeric columns of one file. Raises ``PictureError``."""
    decoded = decoding.decode(data)
    row: dict[str, Any] = {}
    for entry in signals:
        row |= ready(entry)(decoded.header if entry.tier == "file" else decoded)
    row |= blocky.spectrum(decoded)
    return {name: float(value) for name, value in row.items() if name not in _IDENTITY}


def clean_files(folder: Path) -> list[tuple[str, str]]:
    """File and kind of every clean image of the manifest."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        lines = csv.DictReader(stream)
        return [(line["file"], line["kind"]) for line in lines if line["kind"] in CLEAN_KINDS]


def table(folder: Path, out: Path, every: int = 1) -> Table:
    """Everything measured, from ``out`` where the same signals measured it before.

    Of the photographs only each ``every``-th is damaged.
    """
    signals = cheap_signals()
    versions = repr([(entry.name, entry.version, sorted(entry.columns)) for entry in signals])
    known = f"{versions} {[(of.name, of.strengths) for of in LADDERS.values()]}".encode()
    parts = out / f"measured-{hashlib.blake2b(known, digest_size=6).hexdigest()}"
    parts.mkdir(parents=True, exist_ok=True)
    files = clean_files(folder)
    photos = sorted((name for name, kind in files if kind in PHOTO_KINDS), key=_digest)
    chosen = set(photos[::every])
    work = [_Work(folder, parts, name, kind, name in chosen) for name, kind in files]
    with ProcessPoolExecutor(_WORKERS) as pool:
        list(pool.map(_measure_to_file, sorted(work, key=lambda of: of.damaged), chunksize=4))
    return _read([of.path for of in work])


@dataclass(frozen=True)
class _Work:
    folder: Path
    parts: Path
    name: str
    kind: str
    damaged: bool

    @property
    def path(self) -> Path:
        """Where its rows are kept."""
        return self.parts / f"{_digest(self.name)}{'-damaged' * self.damaged}.parquet"


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


def _measure_to_file(work: _Work) -> None:
    if not work.path.exists():
        rows = pa.Table.from_pylist(_rows_of(work))
        pq.write_table(rows, work.path.with_suffix(".part"))
        work.path.with_suffix(".part").rename(work.path)


def _rows_of(work: _Work) -> list[dict[str, Any]]:
    cv2.setNumThreads(1)
    signals, data = cheap_signals(), (work.folder / work.name).read_bytes()
    try:
        own = measure(data, signals)
        rgb = decoding.decode(data, None).rgb
    except decoding.PictureError:
        return []
    of = {"file": work.name, "kind": work.kind, "change": 0.0}
    rows = [of | {"ladder": CLEAN, "strength": 0.0} | own]
    fitted = ladders.fitted(rgb)
    if fitted is None or min(rgb.shape[:2]) < ladders.SHORTEST:
        return rows
    for number in (1, 2):
        again = ladders.stored(fitted, ladders.generator(work.name, number))
        rows.append(of | {"ladder": REFITTED, "strength": float(number)} | measure(again, signals))
    if work.damaged:
        rows += (of | row for row in _damaged(work.name, fitted, signals))
    return rows


def _damaged(name: str, rgb: RGB, signals: Sequence[Signal]) -> Iterator[dict[str, Any]]:
    for ladder in LADDERS.values():
        for strength in ladder.strengths:
            data = ladders.copy(name, rgb, ladder, strength)
            of = {"ladder": ladder.name, "strength": float(strength)}
            yield of | {"change": ladders.change(rgb, ladder, strength)} | measure(data, signals)


def _read(paths: Sequence[Path]) -> Table:
    tables = [pq.read_table(path) for path in paths if path.exists()]
    stored = pa.concat_tables([of for of in tables if of.num_rows], promote_options="default")
    own = {name: stored.column(name).to_numpy() for name in stored.column_names}
    names, kinds, ladder = (own.pop(name).astype(str) for name in ("file", "kind", "ladder"))
    strengths, change = own.pop("strength"), own.pop("change")
    return Table(names, kinds, ladder, strengths, change, own)
