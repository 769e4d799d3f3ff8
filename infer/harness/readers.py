"""Readers: the lines of text in an image, by an OCR model of this machine or by a judge."""

import threading
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from infer.harness.cache import Cache, digest, digest_of
from infer.harness.judges import Judge
from infer.harness.rows import Line, Question

if TYPE_CHECKING:
    from curation.networks.ocr import TextReader

LEAST_SCORE = 0.5  # below, lines are left out, as rapidocr itself does
NAMES = ("rapidocr", "judge")


class Reader(Protocol):
    """Reads images; its ``name`` is part of the names of the figures that it makes."""

    name: str

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it reads depends on."""

    def read(self, image: Image.Image) -> tuple[Line, ...]:
        """The lines in an RGB image, topmost first."""


class RapidOcr:
    """PP-OCRv6 small, as ``curation.networks.ocr`` has it; every image is read once."""

    name = "rapidocr"

    def __init__(self, cache: Cache) -> None:
        self._cache, self._lock = cache, threading.Lock()
        self._reader: TextReader | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"reader": self.name, "version": version("rapidocr"), "least_score": LEAST_SCORE}

    def read(self, image: Image.Image) -> tuple[Line, ...]:
        key = digest("read", dict(self.settings), digest_of(image))
        known = self._cache.get(key)
        if known is None:
            with self._lock:
                known = self._lines(image)
            self._cache.put(key, known)
        return tuple(Line(text, score, tuple(box)) for text, score, box in known)

    def _lines(self, image: Image.Image) -> list[tuple[str, float, list[float]]]:
        from curation.networks.ocr import TextReader

        self._reader = self._reader or TextReader()
        lines: list[tuple[str, float, list[float]]] = []
        for region in self._reader.page(np.array(image)):
            if region.score >= LEAST_SCORE:
                low, high = region.corners.min(0), region.corners.max(0)
                box = [round(float(side), 1) for side in (*low, *high)]
                lines.append((region.text, round(region.score, 4), box))
        return sorted(lines, key=lambda line: (line[2][1], line[2][0]))


class JudgeReader:
    """A judge that is asked what an image says, in the benchmark's words."""

    def __init__(self, judge: Judge, instruction: str) -> None:
        self.name = judge.name
        self._judge, self._question = judge, Question(instruction)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"reader": self.name, "instruction": self._question.text, **self._judge.settings}

    def has(self, image: Image.Image) -> bool:
        """Whether the image was read."""
        return self._judge.has(self._question, image)

    def read(self, image: Image.Image) -> tuple[Line, ...]:
        answer = self._judge.ask(self._question, image)
        return tuple(Line(line) for line in answer.splitlines() if line.strip())
