"""What was measured before of the same image: taken over, not measured again.

It lies in column files of the same name, digest included, so that version and settings agree: those
of units that this output no longer has, and those of other outputs that a run is to reuse. Which
these are the driver writes down (``note``); a worker looks up rows in them by content.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import storage
from curation.output import column_files
from curation.output.column_files import ColumnFileError, UnmeasuredColumnError
from curation.output.layout import Layout
from curation.output.measured import Measured, keys

Number = tuple[str, int]  # of contents: "asked" or "taken", a slash and the name of a model
HELD = 16  # files that are held in memory: rows that lie together lay together before
_DIGITS = 16  # of an id, by which the file is searched that has a row


class Earlier:
    """The rows of column files (``paths``) that have these ``fields``, by their ``content``.

    The first of the ``content`` columns is the id. Files with a column ``of_inputs`` give it, too.
    Files that are gone, damaged or of other columns are as if they were not there. Memory: 12 bytes
    a row, and ``HELD`` files.
    """

    def __init__(
        self,
        paths: Sequence[str],
        content: Sequence[str],
        fields: Sequence[pa.Field],
        of_inputs: pa.Field | None = None,
    ) -> None:
        self._paths, self._content, self._fields = paths, tuple(content), tuple(fields)
        self._of_inputs = of_inputs
        self._held: dict[str, tuple[dict[str, int], pa.Table]] = {}

    def row(self, key: str) -> dict[str, Any] | None:
        """The fields of a row of this content, its values joined by slashes; None without any."""
        tokens, files = self._index
        token = np.uint64(int(key[:_DIGITS], 16))
        first, end = (np.searchsorted(tokens, token, side) for side in ("left", "right"))
        for file in dict.fromkeys(files[first:end].tolist()):
            rows, table = self._read(self._paths[file])
            if key in rows:
                values: dict[str, Any] = table.slice(rows[key], 1).to_pylist()[0]
                return values
        return None

    @cached_property
    def _index(self) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        """The first digits of all ids as numbers (N,), ascending, and the file of each (N,)."""
        tokens = [_tokens(path, self._content[0]) for path in self._paths]
        files = np.repeat(np.arange(len(tokens), dtype=np.uint32), [*map(len, tokens)])
        every = np.concatenate([np.zeros(0, np.uint64), *tokens])
        order = np.argsort(every, kind="stable")
        return every[order], files[order]

    def _read(self, path: str) -> tuple[dict[str, int], pa.Table]:
        """Which row has which content, and the rows."""
        if path not in self._held:
            if len(self._held) == HELD:
                del self._held[next(iter(self._held))]
            self._held[path] = self._undamaged(path)
        return self._held[path]

    def _undamaged(self, path: str) -> tuple[dict[str, int], pa.Table]:
        try:
            known = column_files.read_schema(path).names if self._of_inputs is not None else ()
            more = [of for of in (self._of_inputs,) if of is not None and of.name in known]
            fields = [*self._fields, *more]
            names = [of.name for of in fields]
            table = column_files.read(path, [*dict.fromkeys((*self._content, *names))])
        except (ColumnFileError, UnmeasuredColumnError):
            return {}, pa.table({})
        if any(table.schema.field(of.name).type != of.type for of in fields):
            return {}, pa.table({})
        contents = keys(table, self._content).to_pylist()
        rows = {key: row for row, key in enumerate(contents) if key is not None}
        return rows, table.select(names)


def _tokens(path: str, column: str) -> NDArray[np.uint64]:
    """The first digits of the ids of a file, as numbers (N,)."""
    try:
        ids = column_files.read(path, [column]).column(0).drop_null().to_pylist()
        return np.array([int(name[:_DIGITS], 16) for name in ids], np.uint64)
    except (ColumnFileError, UnmeasuredColumnError, ValueError, TypeError):
        return np.zeros(0, np.uint64)


@dataclass
class Known:
    """What is known of a unit's images by model: ``elsewhere``, in its ``own`` files as they were,
    and of those that it has more than once (``repeated`` ids) what was seen just now.

    ``taken`` and ``asked`` count contents by model.
    """

    elsewhere: Mapping[str, Earlier] = field(default_factory=dict)
    own: Mapping[str, Earlier] = field(default_factory=dict)
    repeated: Collection[str] = ()
    taken: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    _fresh: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def seen(self, model: str, key: str, needs: str | None = None) -> Mapping[str, Any] | None:
        """What a model saw before of this content, or None: then it is to be asked.

        It is also asked where the column that this row ``needs`` is null.
        """
        known = self._fresh.get((model, key))
        for place in (self.own, self.elsewhere):
            if known is None and model in place:
                known = place[model].row(key)
                if known is not None and needs and known.get(needs) is None:
                    known = None
        (self.asked if known is None else self.taken)[model] += 1
        return known

    def add(self, model: str, key: str, values: Mapping[str, Any]) -> None:
        """Remember what a model saw, where another row may have the same content."""
        if key.partition("/")[0] in self.repeated:
            self._fresh[model, key] = values

    def numbers(self) -> Iterator[Number]:
        """How many contents were asked about and taken over, by model."""
        for kind, counter in (("asked", self.asked), ("taken", self.taken)):
            for model, number in counter.items():
                yield f"{kind}/{model}", number


def digest(values: Any) -> str:
    """16 hexadecimal digits of what a model reads beside the image."""
    text = json.dumps(values, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def note(measured: Measured, units: Collection[str], others: Sequence[str]) -> None:
    """Write down which files may be reused: of units that are not planned, and of ``others``.

    Where there are none, there is no note. Raises ``OSError``.
    """
    layout, paths = measured.layout, dict[str, list[str]]()
    there = [(of, entry) for of, unit, entry in layout.columns() if unit not in units]
    for place in (layout.columns("earlier"), *(Layout(of).columns() for of in others)):
        there += [(folder, entry) for folder, _, entry in place]
    for folder, entry in there:
        if folder in measured.folders:
            paths.setdefault(folder, []).append(entry.path)
    if paths:
        storage.write_bytes(layout.reusable, json.dumps(paths).encode())
    elif storage.exists(layout.reusable):
        storage.delete([layout.reusable])


def noted(layout: Layout) -> dict[str, list[str]]:
    """The files that ``note`` wrote down, by folder."""
    if not storage.exists(layout.reusable):
        return {}
    paths: dict[str, list[str]] = json.loads(storage.read_bytes(layout.reusable))
    return paths


def numbers(layout: Layout) -> dict[str, int]:
    """What ``Known.numbers`` said of the units of a step, added up; it is said once."""
    if not storage.exists(layout.taken):
        return {}
    read: dict[str, int] = json.loads(storage.read_bytes(layout.taken))
    storage.delete([layout.taken])
    return read


def by_signal(numbers: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """The numbers by name of signal, as ``run.json`` has them."""
    names = sorted({name.partition("/")[2] for name in numbers})
    kinds = ("asked", "taken")
    return {name: {kind: numbers.get(f"{kind}/{name}", 0) for kind in kinds} for name in names}


def keep(measured: Measured, unit: str) -> None:
    """Keep what models saw of the unit's images, which are others now, until the run ends."""
    layout = measured.layout
    for name, of in measured.models.items():
        if storage.exists(path := measured.model_path(name, unit)):
            data = storage.read_bytes(path)
            known = hashlib.blake2b(data, digest_size=8).hexdigest()
            storage.write_bytes(layout.kept_earlier(of.folder, known), data)


def forget(layout: Layout, units: Collection[str]) -> None:
    """Remove what was measured of units that are not planned. Raises ``OSError``."""
    gone = [entry.path for _, unit, entry in layout.columns() if unit not in units]
    gone += [entry.path for _, _, entry in layout.columns("earlier")]
    storage.delete([*gone, layout.reusable] if storage.exists(layout.reusable) else gone)
