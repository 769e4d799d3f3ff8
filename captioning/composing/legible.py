"""Which lines of the text that was read in an image may be quoted, in what order, and their place.

A quotation is a statement: that these letters stand there. So only lines that the reader is sure of
are quoted, that are cut by no edge and have letters enough to be no accident; the others are left
out, and a text in a language that the reader does not know is not quoted at all.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from captioning import checks
from captioning.parsing import clean
from captioning.quotes import plain
from curation.signals import languages

Place = Literal["top", "middle", "bottom"]
SURE = 0.995  # of a line, as the reader scores it
LETTERS, HAN = 3, 2  # that a line has at least; signs of Chinese and Japanese say more each
MOST_LINES, MOST_CHARACTERS = 4, 160  # that are quoted
LOWEST, SEEN = 10, 640  # pixels of a line, where the short side has so many: as it was searched
EDGE = 0.004  # of the sides: a line that comes so near may go on beyond it
LETTERS_AND_DIGITS = ("Lu", "Ll", "Lo", "Lm", "Nd")
THIRD = 1 / 3
SAME_ROW = 0.6  # of a line's height between the middles of lines in a row
# Other signs than these are often a symbol misread; quotation marks would end the quotation.
SIGNS = frozenset(" ,.:;!?-&'%()，。、：；！？（）·—…《》")
SCRIPTS = ("latin", "han", "kana")  # that the reader knows
# The reader leaves out the space in "JULY 16" and "Output Parser": where letters meet digits or
# capitals nobody knows.
_RUN_ON = re.compile(r"[A-Za-z]{2}\d|\d[A-Za-z]|[a-z][A-Z]")
_MISREAD = re.compile(r"^[^\w(《]|\b[A-Z]?l\b")  # a bullet for a sign, "Al" for "AI"
_WATERMARK_READ = 0.9


@dataclass(frozen=True)
class Text:
    """What is quoted: ``lines`` exactly as read, in reading order; whether it ``is_all`` that was
    read, and the ``place`` that all quoted lines stand in, None where there is none such.
    """

    lines: tuple[str, ...] = ()
    is_all: bool = True
    place: Place | None = None


@dataclass(frozen=True)
class _Line:
    text: str
    score: float
    quad: NDArray[np.float64]

    @property
    def middle(self) -> tuple[float, float]:
        x, y = self.quad.mean(axis=0)
        return float(x), float(y)

    @property
    def height(self) -> float:
        sides = (np.hypot(*(self.quad[way] - self.quad[0])) for way in (1, 3))
        return float(min(sides))


def text(
    regions: Sequence[Mapping[str, Any]] | None,
    size: tuple[int, int] | None = None,
    without: Sequence[str] = (),
) -> Text:
    """Of the column ``text_regions``; ``size`` is the height and width of the upright original in
    pixels, as the quads are, and ``without`` are lines that are said elsewhere.
    """
    every = [line for line in map(_line, regions or ()) if line and line.text not in without]
    if languages.split(line.text for line in every) == "Other":
        return Text(is_all=not every)
    sure = [line for line in every if _is_sure(line, size)]
    chosen: list[_Line] = []
    for line in sorted(sure, key=lambda line: -line.height):
        if len(chosen) == MOST_LINES:
            break
        if sum(len(of.text) for of in (*chosen, line)) <= MOST_CHARACTERS:
            chosen.append(line)
    lines = tuple(dict.fromkeys(line.text for line in _in_order(chosen)))
    seen = {line.text for line in every}
    return Text(lines, seen == set(lines), _place(chosen, size))


def watermarks(
    regions: Sequence[Mapping[str, Any]] | None, read: Sequence[Mapping[str, Any]] | None
) -> tuple[str, ...]:
    """The texts of the column ``watermark_regions`` that there is little doubt of, none twice nor
    within another; ``read`` is the column ``text_regions``, with how sure each was read.
    """
    scores = {of.get("text"): float(of.get("score") or 0) for of in read or ()}
    texts = [
        of["text"]
        for of in checks.watermarks(regions)
        if of.get("text")
        and scores.get(of["text"], 0.0) >= _WATERMARK_READ
        and clean(of["text"]) == of["text"]
    ]
    kept: list[str] = []
    for said in sorted(dict.fromkeys(texts), key=lambda said: -len(said)):
        if plain(said) and not any(plain(said) in plain(longer) for longer in kept):
            kept.append(said)
    return tuple(kept)


def _line(region: Mapping[str, Any]) -> _Line | None:
    said, quad = region.get("text"), region.get("quad")
    if not said or not said.strip():
        return None
    corners = np.full((4, 2), np.nan)
    if quad is not None and len(quad) == 8:
        corners = np.asarray(quad, np.float64).reshape(4, 2)
    return _Line(said.strip(), float(region.get("score") or 0), corners)


def _is_sure(line: _Line, size: tuple[int, int] | None) -> bool:
    letters = plain(line.text)
    script = languages.script(line.text)
    enough = len(letters) >= (HAN if script in ("han", "kana") else LETTERS)
    if line.score < SURE or not enough or not is_legible(line.text):
        return False
    return size is None or not (_is_cut(line, size) or _is_tiny(line, size))


def is_legible(text: str) -> bool:
    """Whether a reader that is sure of a text is right: its letters, plain signs, no space lost."""
    if languages.script(text) not in SCRIPTS or _RUN_ON.search(text) or _MISREAD.search(text):
        return False
    return clean(text) == text and all(map(_is_plain, text))


def _is_plain(character: str) -> bool:
    return character in SIGNS or unicodedata.category(character) in LETTERS_AND_DIGITS


def _is_tiny(line: _Line, size: tuple[int, int]) -> bool:
    return line.height < LOWEST * max(1.0, min(size) / SEEN)


def _is_cut(line: _Line, size: tuple[int, int]) -> bool:
    if not np.isfinite(line.quad).all():
        return False
    height, width = size
    near_x, near_y = EDGE * width, EDGE * height
    x, y = line.quad.T
    beyond = x.min() < near_x, x.max() > width - near_x, y.min() < near_y, y.max() > height - near_y
    return any(beyond)


def _in_order(lines: Sequence[_Line]) -> list[_Line]:
    """From the top down, those beside one another from the left."""
    rest = sorted(lines, key=lambda line: line.middle[1])
    ordered: list[_Line] = []
    while rest:
        first = rest[0]
        row = [of for of in rest if of.middle[1] - first.middle[1] < SAME_ROW * first.height]
        row = row or [first]
        ordered += sorted(row, key=lambda line: line.middle[0])
        rest = [of for of in rest if all(of is not line for line in row)]
    return ordered


def _place(lines: Sequence[_Line], size: tuple[int, int] | None) -> Place | None:
    """The third of the height that all lines stand in, all of them with all of their height."""
    if not lines or size is None or not all(np.isfinite(line.quad).all() for line in lines):
        return None
    ys = np.concatenate([line.quad[:, 1] for line in lines]) / size[0]
    if ys.min() < 0 or ys.max() > 1:
        return None
    if ys.max() <= THIRD:
        return "top"
    if ys.min() >= 1 - THIRD:
        return "bottom"
    return "middle" if ys.min() >= THIRD and ys.max() <= 1 - THIRD else None
