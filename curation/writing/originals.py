"""The originals of a shard's rows, read in the order of the shard whatever that of their sources.

An image file is read where it lies, when its turn comes. A container (a tar, a table) can only be
read from front to back: what is wanted of it waits in an unnamed temporary file, so that memory
stays small whatever the size of a shard.
"""

import itertools
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

OF_SOURCE = ("path", "inputs", *NAMES)
SAID = "source_digest"


class InputChangedError(Exception):
    """An input is gone or is not what was measured; names it and says what to do."""


class Originals:
    """``rows`` originals behind one interface; ``beside`` (N,) int64 are the bytes of each row's
    inputs, captions and boxes as stored, the image apart.
    """

    def __init__(self, layout: Layout, rows: int, spill: IO[bytes]) -> None:
        self.beside = np.zeros(rows, np.int64)
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
                row = left.pop(files.uri_of(part), None)
                if row is not None:
                    self._hold(row, (), to_json(replace(unit, parts=(part,))).encode())
                    self.beside[row] += _bytes_beside(part)
        else:
            for sample in sources.read(unit, only=set(left)):
                beside, source = _of_source(sample)
                images = sample.data or b"", *beside
                self._hold(left.pop(sample.uri), images, json.dumps(source).encode())
        if left:
            self._refuse(name, f"{min(left)} is gone")

    def read(self, row: int, uri: str, identity: str, said: str) -> tuple[bytes, dict[str, Any]]:
        """The row's bytes and the columns that only its source knows (``OF_SOURCE``).

        Raises ``InputChangedError`` for bytes of another content hash than ``identity``, or where
        the source says something else than ``said``, its digest.
        """
        start, middle, end = self._ends[row].tolist()
        with naming_the_spill():
            self._spill.seek(start)
            images = self._spill.read(middle - start)
            text = self._spill.read(end - middle)
        if images:
            source: dict[str, Any] = json.loads(text)
            data, *beside = _divided(images, _images_beside(source))
        else:
            (sample,) = sources.read(from_json(text))
            beside, source = _of_source(sample)
            data = sample.data or b""
        instruction = shard.of_source(source["caption_instruction"])
        inputs = beside[: len(source["inputs"] or ())]
        if (shard.content_id(data, inputs, instruction), source[SAID]) != (identity, said):
            self._refuse(self._units[self._unit[row]], f"{uri} is not what was measured")
        for image, content in zip(_images_beside(source), beside, strict=True):
            image["bytes"] = content
        return data, source

    def _hold(self, row: int, images: Sequence[bytes], text: bytes) -> None:
        with naming_the_spill():
            start = self._spill.tell()
            middle = start + sum(self._spill.write(data) for data in images)
            self._ends[row] = start, middle, middle + self._spill.write(text)
        self.beside[row] = len(text) + sum(map(len, images[1:]))

    def _refuse(self, unit: str, what: str) -> None:
        """Let the next run compare the unit with what was measured."""
        contents.distrust(self._layout, unit)
        raise InputChangedError(
            f"{what}: an input changed during the run; run the same command again"
        )


@contextmanager
def naming_the_spill() -> Iterator[None]:
    """An unnamed file's errors name no path, and would be taken for those of the output."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or f"{tempfile.gettempdir()} (temporary files, $TMPDIR)"
        raise


def _bytes_beside(part: Part) -> int:
    files = (*part.sidecars, *part.inputs)
    return sum(max(0, size) for _, size in files) + sum(len(text) for _, text in part.described)


def _of_source(sample: Sample) -> tuple[list[bytes], dict[str, Any]]:
    """The bytes of the images beside the sample's own, and its columns with their sizes alone."""
    source = {name: getattr(sample, name) for name in OF_SOURCE}
    source |= {name: _captions(source[name]) for name in CAPTION_COLUMNS}
    if sample.inputs:
        source["inputs"] = [
            {"path": image.path, "size": len(image.data)} for image in sample.inputs
        ]
    beside = [image.data for image in sample.inputs or ()]
    if sample.edit_mask:
        data, path = sample.edit_mask["bytes"], sample.edit_mask["path"]
        source["edit_mask"] = {"path": path, "size": len(data)}
        beside.append(data)
    return beside, source | {SAID: source_digest(sample)}


def _images_beside(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The images that a row has beside its own: its inputs, then its mask."""
    mask = source["edit_mask"]
    return [*(source["inputs"] or ()), *([mask] if mask else [])]


def _divided(images: bytes, beside: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The image's bytes, then those of each one ``beside`` it, which lie behind it."""
    sizes = [image["size"] for image in beside]
    ends = [len(images) - sum(sizes[place:]) for place in range(len(sizes) + 1)]
    return [images[start:end] for start, end in itertools.pairwise([0, *ends])]


def _captions(captions: Sequence[Caption] | None) -> list[dict[str, Any]] | None:
    if captions is None:
        return None
    return [asdict(caption) for caption in captions]
