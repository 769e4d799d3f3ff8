"""Images of a run's rows for the page, read where the run read them and decoded by our decoder.

A row is named by its number, never by a path: what a request may ask for is what the run's own plan
lists. Where the original is gone or another one by now, a kept row has its bytes in a shard.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from curation import shard, sources, storage
from curation.output.layout import Layout
from curation.picture import decoding
from curation.report.images import webp
from curation.serving.run_rows import Rows
from curation.sources import plan
from curation.sources.identity import content_id
from curation.sources.sample import Sample, SourceError

SIDES = {"small": 320, "large": 1280}  # longest, in pixels
ORIGINALS = 256_000_000  # bytes that are kept of originals, and of small images
SMALL_ONES = 64_000_000
AT_ONCE = 4  # images that are decoded
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class MissingImageError(Exception):
    """There is no image to show; the message says why in a few words."""


class Remembered(Generic[_Key, _Value]):
    """The latest values, of so many bytes in all."""

    def __init__(self, most: int) -> None:
        self._most, self._total, self._guard = most, 0, threading.Lock()
        self._values: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """The value, if it is known still."""
        with self._guard:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: _Key, value: _Value, size: int) -> None:
        """Remember a value of ``size`` bytes, if it is not larger than all may be."""
        with self._guard:
            if size > self._most or key in self._values:
                return
            self._values[key] = value, size
            self._total += size
            while self._total > self._most:
                _, (_, gone) = self._values.popitem(last=False)
                self._total -= gone


class Pictures:
    """The images of these ``rows``."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._layout = rows, Layout(rows.output)
        self._samples: Remembered[int, Sample] = Remembered(ORIGINALS)
        self._made: Remembered[tuple[int, int, str], bytes] = Remembered(SMALL_ONES)
        self._shards: dict[tuple[str, str], tuple[str, int, int]] | None = None
        self._guard, self._decoding = threading.Lock(), threading.Semaphore(AT_ONCE)

    def samples(self, numbers: Sequence[int]) -> dict[int, Sample]:
        """What their sources say of these rows now; of those that are gone nothing."""
        known = {number: of for number in numbers if (of := self._samples.get(number))}
        missing: dict[str, dict[str, int]] = {}
        left = [number for number in numbers if number not in known]
        for number, uri in zip(left, self._rows.texts("uri", left), strict=True):
            missing.setdefault(self._rows.place(number)[0], {})[uri or ""] = number
        for unit, number_of in missing.items():
            for sample in self._read(unit, set(number_of)):
                if sample.uri in number_of:
                    known[number_of[sample.uri]] = sample
                    self._samples.put(number_of[sample.uri], sample, _size(sample))
        return known

    def _read(self, unit: str, uris: set[str]) -> list[Sample]:
        try:
            return [*sources.read(plan.read_unit(self._layout.plan(unit)), only=uris)]
        except (OSError, SourceError, ValueError):
            return []  # the source is gone or no longer what it was: placeholders say so

    def image(self, number: int, which: int, side: str) -> bytes:
        """WebP of a row's image, or of the input ``which`` (from 1) of an edit, upright.

        Raises ``MissingImageError``.
        """
        place = number, which, side
        made = self._made.get(place)
        if made is None:
            with self._decoding:
                made = _small(self._bytes(number, which), SIDES[side])
            self._made.put(place, made, len(made))
        return made

    def _bytes(self, number: int, which: int) -> bytes:
        identity = self._rows.texts("id", [number])[0]
        sample = self.samples([number]).get(number)
        if sample is None or sample.data is None or identity is None:
            why = (sample.error if sample else None) or "the original is gone"
            return self._stored(number, identity, which, why)
        if content_id(sample) != identity:
            return self._stored(number, identity, which, "changed since the run")
        images = [sample.data, *(of.data for of in sample.inputs or ())]
        if which >= len(images):
            raise MissingImageError("no such input")
        return images[which]

    def _stored(self, number: int, identity: str | None, which: int, why: str) -> bytes:
        """The bytes as a shard has them."""
        key = self._rows.texts("key", [number])[0]
        with self._guard:
            if self._shards is None:
                self._shards = self._listed()
        place = self._shards.get((identity or "", key or ""))
        if place is None:
            raise MissingImageError(why)
        path, group, row = place
        try:
            for batch in shard.read(path, ("image", "inputs"), (group,)):
                if row < batch.num_rows:
                    inputs = batch.column("inputs")[row].as_py() or ()
                    images = [batch.column("image")[row].as_py(), *inputs]
                    return bytes(images[which]["bytes"])
                row -= batch.num_rows
        except (OSError, shard.ShardError, LookupError):
            pass
        raise MissingImageError(why)

    def _listed(self) -> dict[tuple[str, str], tuple[str, int, int]]:
        """By id and key, in which file, row group and row of that each kept row lies."""
        folder, places = self._layout.shards, dict[tuple[str, str], tuple[str, int, int]]()
        with contextlib.suppress(OSError, ValueError, shard.ShardError):
            for info in shard.read_manifest(folder):
                path = storage.join(folder, info.file)
                for group in range(len(shard.outline(path).groups)):
                    for row, name in enumerate(_names(path, group)):
                        places[name] = path, group, row
        return places


def _small(data: bytes, side: int) -> bytes:
    try:
        picture = decoding.decode(data, side)
    except decoding.PictureError as error:
        raise MissingImageError(f"does not decode: {error.reason}") from None
    return webp(picture.rgb, side)[0]


def _names(path: str, group: int) -> Iterator[tuple[str, str]]:
    """Id and key of each row of a row group."""
    for batch in shard.read(path, ("id", "key"), (group,)):
        names = (batch.column(name).to_pylist() for name in ("id", "key"))
        yield from zip(*names, strict=True)


def _size(sample: Sample) -> int:
    return len(sample.data or b"") + sum(len(of.data) for of in sample.inputs or ())
