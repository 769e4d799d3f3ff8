"""The raw pool: a folder of images with captions beside them, as a crawl is, and a table that says
of each what was planted in it. No name and no field tells that an image was made, or of a defect.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np

from benchmarks.curation_bench import photographs, planted, strings
from benchmarks.curation_bench.planted import Source
from benchmarks.curation_bench.strings import Strings
from benchmarks.defects import ladders
from benchmarks.defects.ladders import RGB

CLEAN = "clean"
TRUTH = "truth.csv"
_PHOTOGRAPHS = 130  # clean ones, of 2,400 images
_DUPLICATES = (("duplicate", (1, 6), 60), ("near-duplicate", (1, 6), 60))  # copies of an image
_HIDDEN = (("mosaic", 7.0), ("blur", 0.25))
_HIDDEN_FACES, _SAME_TEXT = 16, 60
SAME_TEXT = "SALE"


@dataclass(frozen=True)
class Truth:
    """A line of the table. ``stage`` is the one that is to catch what is ``planted``, at
    ``strength``; ``group`` is the key of the image that a duplicate is of, or its own.
    """

    key: str
    photograph: bool
    planted: str
    stage: str
    strength: float
    group: str


@dataclass(frozen=True)
class _Item:
    data: bytes
    caption: str
    truth: Truth


class _Maker:
    """Items by number; everything depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._seed, self._number = seed, 0
        self._strings = Strings(Random(f"pool {seed}"), {SAME_TEXT})

    def turn(self, *of: object) -> np.random.Generator:
        return ladders.generator("pool", self._seed, self._number, *of)

    def item(
        self, rgb: RGB | bytes, caption: str, photograph: bool, what: str, stage: str,
        strength: float, group: str = "",
    ) -> _Item:  # fmt: skip
        self._number += 1
        data = rgb if isinstance(rgb, bytes) else ladders.stored(rgb, self.turn("stored"))
        name = hashlib.blake2b(f"{self._seed} {self._number}".encode(), digest_size=6).hexdigest()
        key = name + (".png" if data[:4] == b"\x89PNG" else ".jpg")
        return _Item(data, caption, Truth(key, photograph, what, stage, strength, group or key))

    def fresh(self, photograph: bool) -> tuple[RGB, str]:
        return photographs.window(self.turn("window", self._number)) if photograph else (
            self._strings.drawn()
        )  # fmt: skip

    def clean(self, photograph: bool) -> _Item:
        rgb, caption = self.fresh(photograph)
        return self.item(rgb, caption, photograph, CLEAN, "", 0)

    def damaged(self, defect: planted.Defect, strength: float, photograph: bool) -> _Item:
        rgb, caption = self.fresh(photograph)
        more = iter(range(10**6))

        def another() -> tuple[RGB, str]:
            if not photograph:
                return self._strings.drawn()
            while True:
                window = photographs.window(self.turn("another", next(more)))
                if window[1] != caption:
                    return window

        source = Source(rgb, caption, self.turn("damage"), another)
        made, words = planted.planted(defect, source, strength)
        return self.item(made, words, photograph, defect.name, defect.stage, strength)

    def copies(self, of: _Item, name: str, copies: int) -> Iterator[_Item]:
        """Equal bytes, or the image stored anew: smaller and more compressed with each."""
        for number in range(copies):
            data: bytes = of.data
            if name != "duplicate":
                bgr = cv2.imdecode(np.frombuffer(of.data, np.uint8), cv2.IMREAD_COLOR)
                size = [round(side * (0.95 - 0.02 * number)) for side in bgr.shape[1::-1]]
                smaller = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
                data = ladders.jpeg(smaller[..., ::-1], 88 - number)
            truth = of.truth
            yield self.item(data, of.caption, truth.photograph, name, "s1", copies, truth.group)

    def same_text(self) -> _Item:
        """The text that the pool has too much of, each time somewhere else and of other size."""
        rgb, caption = strings.written(SAME_TEXT, "red")
        turn = self.turn("placed")
        height, width = rgb.shape[:2]
        scale = float(turn.uniform(0.55, 1))
        small = cv2.resize(rgb, (round(scale * width), round(scale * height)))
        page = np.full_like(rgb, 255)
        top = int(turn.integers(0, height - small.shape[0] + 1))
        left = int(turn.integers(0, width - small.shape[1] + 1))
        page[top : top + small.shape[0], left : left + small.shape[1]] = small
        return self.item(page, caption, False, "same text", "s7", 1)


def _items(size: int, seed: int) -> Iterator[_Item]:
    make, share = _Maker(seed), size / 2400
    made = 0
    for defect in planted.DEFECTS:
        for strength, photograph, count in planted.counts(defect, size):
            for _ in range(count):
                yield make.damaged(defect, strength, photograph)
                made += 1
    for name, copies, weight in _DUPLICATES:
        for each in copies:
            for number in range(max(1, round(weight * share / len(copies) / each))):
                original = make.clean(photograph=number % 6 == 5)
                yield original
                yield from make.copies(original, name, each)
                made += 1 + each
    for number in range(max(1, round(_HIDDEN_FACES * share))):
        how, strength = _HIDDEN[number % len(_HIDDEN)]
        rgb, caption = photographs.hidden_portrait(make.turn("portrait"), how, strength)
        yield make.item(rgb, caption, True, f"face behind {how}", "s6", strength)
        made += 1
    for _ in range(max(1, round(_SAME_TEXT * share))):
        yield make.same_text()
        made += 1
    for number in range(size - made):
        yield make.clean(photograph=number < round(_PHOTOGRAPHS * share))


def write(folder: Path, truth: Path, size: int, seed: int) -> None:
    """The pool of ``size`` images and, when all is there, its table."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for item in _items(size, seed):
        (folder / item.truth.key).write_bytes(item.data)
        (folder / item.truth.key).with_suffix(".txt").write_text(item.caption, "utf-8")
        lines.append(item.truth)
    partial = truth.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Truth)])
        table.writeheader()
        table.writerows(asdict(line) for line in sorted(lines, key=lambda line: line.key))
    partial.replace(truth)


def read(truth: Path) -> dict[str, Truth]:
    """The table, by key."""
    with truth.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    lines = [Truth(**row) for row in rows]
    return {
        line.key: replace(
            line, photograph=str(line.photograph) == "True", strength=float(line.strength)
        )
        for line in lines
    }
