"""Watermarks, by the text that was read in an image: who provides it, that it is a sample, the same
words again and again, who made it, or a few small words in a corner.

What cannot be read is not seen: logos without words, and what is too faint for the text reader.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from curation.picture.decoding import Header
from curation.signals.regions import REGIONS, UNIT, Region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

_DATA = Path(__file__).parent / "data"
NO_PROVIDER = "none"
PART = 0.8  # of a name, which tiles and edges cut
SHORTEST = 5  # characters of a name that may be cut, and of words that recur
LONGEST = 24  # characters of words that recur
RECURRING = 3  # times the same words
SPREAD = 0.3  # of the width and of the height, between the outermost of them
MOST_OTHERS = 6  # lines beside: on a page of text, words about copyright are text
CORNER = 0.14  # of the sides
LOW = 0.08  # of the short side: the height of words in a corner
_CREDIT = re.compile(
    r"©|\(c\)\s|copyright|\bphoto(graph)?(s|ed)?\s*(by|:)|\bfoto\s*:|www\.|https?:|@\w{3}|摄影|版权"
    r"|\b[\w-]{3,}\.(com|net|org|info|biz|cn|de|ru|jp|fr|es|it|nl|pl|uk|eu|io)\b",
    re.IGNORECASE,
)
# How sure each kind of evidence is: provider and repetition leave little doubt, a corner much.
SURE = {"provider": 1.0, "repeated": 0.95, "words": 0.9, "credit": 0.8, "corner": 0.55}


class Line(NamedTuple):
    """A line of text: as read, its letters and digits in lower case, and its place in shares of the
    image: the middle, and the height as a share of the short side.
    """

    region: Region
    letters: str
    x: float
    y: float
    height: float


@signal(
    tier="model",
    version=1,
    columns={
        "watermark": Column(pa.float32(), "score 0 to 1", "how sure it is that text is laid over"),
        "stock_provider": Column(
            pa.string(), "category", "whose preview it is; 'none' where no name was read"
        ),
        "watermark_regions": Column(REGIONS, UNIT, "words of a watermark, and what tells them"),
    },
    reads=("text_regions",),
)
def watermarks() -> Measure:
    """Watermarks per image, from the lines of its text."""
    return lambda rows: [_measured(row) for row in rows]


def _measured(row: Row) -> dict[str, Any]:
    regions = row.columns.get("text_regions")
    if regions is None:
        return {"watermark": None, "stock_provider": None, "watermark_regions": None}
    provider, marks = marked(regions, row.header)
    said = [{**line.region, "kind": kind, "score": SURE[kind]} for kind, line in marks]
    best = max((SURE[kind] for kind, _ in marks), default=0.0)
    return {"watermark": best, "stock_provider": provider, "watermark_regions": said}


def marked(
    regions: Sequence[Mapping[str, Any]], header: Header
) -> tuple[str, list[tuple[str, Line]]]:
    """The provider, and which lines are a watermark by what evidence (a key of ``SURE``)."""
    lines = [_line(each, header) for each in regions]
    marks: list[tuple[str, Line]] = []
    names = [(provider_of(line.letters), line) for line in lines]
    marks += [("provider", line) for name, line in names if name]
    provider = next((name for name, _ in names if name), NO_PROVIDER)
    marks += [("repeated", line) for line in _recurring(lines)]
    apart = [line for line in lines if line not in [line for _, line in marks]]
    few = len(apart) <= MOST_OTHERS
    for line in apart if few else ():
        if is_word(line.letters):
            marks.append(("words", line))
        elif _CREDIT.search(unicodedata.normalize("NFKC", line.region["text"] or "")):
            marks.append(("credit", line))
        elif len(apart) <= 2 and _is_in_corner(line):
            marks.append(("corner", line))
    return provider, marks


def _line(region: Mapping[str, Any], header: Header) -> Line:
    quad = np.reshape(region["quad"], (4, 2))
    middle = quad.mean(axis=0)
    height = min(np.hypot(*(quad[1] - quad[0])), np.hypot(*(quad[3] - quad[0])))
    size = header.width, header.height
    return Line(
        Region(**region),  # type: ignore[typeddict-item]
        letters_of(region["text"] or ""),
        float(middle[0]) / size[0],
        float(middle[1]) / size[1],
        float(height) / min(size),
    )


def letters_of(text: str) -> str:
    """Letters and digits in lower case, one form of each."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(character for character in plain if character.isalnum())


def provider_of(letters: str) -> str | None:
    """Whose name the letters hold, whole or cut at an end; a generic word is nobody's."""
    if letters in _words():
        return None
    for name, provider in providers().items():
        cut = len(name) - 1 > SHORTEST and len(letters) <= len(name)
        if name in letters or (cut and _shared(name, letters) >= PART * len(name)):
            return provider
    return None


def is_word(letters: str) -> bool:
    """Whether they are a word of a watermark, all but a letter of a long one."""
    return any(
        letters == word
        or (len(word) > SHORTEST and _shared(word, letters) >= len(word) - 1 >= len(letters) - 2)
        for word in _words()
    )


def _shared(first: str, second: str) -> int:
    """Length of the longest run of characters that both have."""
    return SequenceMatcher(None, first, second, autojunk=False).find_longest_match().size


def _recurring(lines: Sequence[Line]) -> list[Line]:
    """The lines that say the same all over the image, if these are most of its text."""
    best: list[Line] = []
    for line in lines:
        if not SHORTEST <= len(line.letters) <= LONGEST:
            continue
        same = [of for of in lines if _is_same(line.letters, of.letters)]
        if len(same) > len(best):
            best = same
    if len(best) < RECURRING or 2 * len(best) < len(lines):
        return []
    spread = min(np.ptp([line.x for line in best]), np.ptp([line.y for line in best]))
    return best if spread >= SPREAD else []


def _is_same(letters: str, others: str) -> bool:
    """Whether one is the other, or what is left of it at an edge."""
    shared = _shared(letters, others)
    return shared >= SHORTEST and shared >= PART * len(others) and len(others) <= len(letters)


def _is_in_corner(line: Line) -> bool:
    """Whether a line is small and ends near a corner."""
    quad = line.region["quad"]
    at_side = min(line.x, 1 - line.x) < 0.5 - CORNER
    return bool(quad) and min(line.y, 1 - line.y) < CORNER and at_side and line.height < LOW


@cache
def providers() -> dict[str, str]:
    """Providers of stock photographs by their names as written, the longest first."""
    known: dict[str, str] = {}
    for line in _lines("stock_providers.txt"):
        provider, names = line.split(": ")
        known |= dict.fromkeys(names.split(), provider)
    return dict(sorted(known.items(), key=lambda entry: (-len(entry[0]), entry[0])))


@cache
def _words() -> frozenset[str]:
    return frozenset(_lines("watermark_words.txt"))


def _lines(name: str) -> list[str]:
    text = (_DATA / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
