"""The originals of a shard's rows, read in the order of the shard whatever that of their sources.

A picture file is read where it lies, when its turn comes. A container (a tar, a table) can only be
read from front to back: what is wanted of it waits in an unnamed temporary file, so that memory
stays small whatever the size of a shard.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import IO, Any

import numpy as np

from curation import shard, sources
from curation.measuring import contents
from curation.output.layout import Layout
from curation.sources import files, plan
from curation.sources.fields import CAPTION_COLUMNS, NAMES
from curation.sources.sample import Part, Sample, from_json, source_digest, to_json
from curation.sources.values import Caption

OF_SOURCE = ("path", *NAMES)
SAID = "source_digest"


class InputChangedError(Exception):
    """An input is gone or is not what was measured; names it and says what to do."""


class Originals:
    """``rows`` originals behind one interface; ``words`` (N,) int64 are the bytes of each row's
    captions and boxes as stored, the picture apart.
    """

    def __init__(self, layout: Layout, rows: int, spill: IO[bytes]) -> None:
        self.words = np.zeros(rows, np.int64)
        self._layout, self._spill = layout, spill
        self._ends = np.full((rows, 3), -1, np.int64)  # start, middle and end in ``spill``
        self._units: list[str] = []
        self._unit = np.zeros(rows, np.int32)

    def add(self, name: str, row_of: Mapping[str, int]) -> None:
        """Note where the rows (by location) of one unit are. Raises ``InputChangedError``."""
        left = dict(row_of)
        self._unit[list(row_of.values())] = len(self._units)
        self._units.append(name)
        unit = plan.read_unit(self._layout.plan(name))
        if unit.layout == "files":
            for part in unit.parts:
                row = left.pop(files.storable(part.path), None)
                if row is not None:
                    self._hold(row, b"", to_json(replace(unit, parts=(part,))).encode())
                    self.words[row] += _sidecar_bytes(part)
        else:
            for sample in sources.read(unit, only=set(left)):
                told = json.dumps(_of_source(sample)).encode()
                self._hold(left.pop(sample.uri), sample.data or b"", told)
        if left:
            self._refuse(name, f"{min(left)} is gone")

    def read(self, row: int, uri: str, identity: str, said: str) -> tuple[bytes, dict[str, Any]]:
        """The row's bytes and the columns that only its source knows (``OF_SOURCE``).

        Raises ``InputChangedError`` for bytes of another content hash than ``identity``, or where
        the source says something else than ``said``, its digest.
        """
        start, middle, end = self._ends[row].tolist()
        with _naming_the_spill():
            self._spill.seek(start)
            data: bytes | None = self._spill.read(middle - start)
            text = self._spill.read(end - middle)
        if data:
            told: dict[str, Any] = json.loads(text)
        else:
            (sample,) = sources.read(from_json(text))
            data, told = sample.data, _of_source(sample)
        if data is None or (shard.content_id(data), told[SAID]) != (identity, said):
            self._refuse(self._units[self._unit[row]], f"{uri} is not what was measured")
        return data or b"", told

    def _hold(self, row: int, data: bytes, text: bytes) -> None:
        with _naming_the_spill():
            start = self._spill.tell()
            middle = start + self._spill.write(data)
            self._ends[row] = start, middle, middle + self._spill.write(text)
        self.words[row] = len(text)

    def _refuse(self, unit: str, what: str) -> None:
        """Let the next run compare the unit with what was measured."""
        contents.distrust(self._layout, unit)
        raise InputChangedError(
            f"{what}: an input changed during the run; run the same command again"
        )


@contextmanager
def _naming_the_spill() -> Iterator[None]:
    """An unnamed file's errors name no path, and would be taken for those of the output."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or f"{tempfile.gettempdir()} (temporary files, $TMPDIR)"
        raise


def _sidecar_bytes(part: Part) -> int:
    return sum(size for _, size in part.sidecars) + sum(len(text) for _, text in part.described)


def _of_source(sample: Sample) -> dict[str, Any]:
    told = {name: getattr(sample, name) for name in OF_SOURCE}
    told |= {name: _captions(told[name]) for name in CAPTION_COLUMNS}
    return told | {SAID: source_digest(sample)}


def _captions(captions: Sequence[Caption] | None) -> list[dict[str, Any]] | None:
    if captions is None:
        return None
    return [asdict(caption) for caption in captions]
