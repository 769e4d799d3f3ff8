"""Whether a caption is one: refusals, addresses, file names, boilerplate and the like are not.

The patterns are data, ``caption_patterns.yaml``. What a caption quotes is taken out first: a sign
may say sorry, and a poster may be named like a file. Loops are told by counting, not by patterns.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from curation.signals.caption_words import Words
from curation.signals.captions import OfText, caption_signal
from curation.signals.signal import Column
from curation.strict_yaml import Frozen, bind, read

VERSION = 2  # of the patterns, and of what is below
VALID, EMPTY, REPETITION = "valid", "empty", "repetition"
Category = Literal["empty", "prompt", "url", "filename", "refusal", "boilerplate"]
ORDER: tuple[Category, ...] = ("empty", "url", "filename", "refusal", "prompt", "boilerplate")
CATEGORIES = (VALID, "refusal", "url", "filename", "boilerplate", REPETITION, "prompt", EMPTY)
FILE = "caption_patterns.yaml"
LONGEST = 2_000  # characters that are looked at
LOOPING = 0.4  # share of a caption in one loop from which on it is nothing else
UNLIKELY = 0.5  # probability by its words from which on a text is no caption
FEW, UNLIKELY_OF_FEW = 3, 0.75  # words up to which a text must say more: names are such, too
MOSTLY = 0.6  # share of a text in quotation marks up to which its words are looked at
QUOTED = " \u00a7 "  # in place of a quotation: no letter
_AROUND = " \t\n.!?,;:()[]{}<>*|~#\u2014-\"'\u201c\u201d\u3002\u3001"
_HAN_OR_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_HAN_OR_KANA}]|[^\W{_HAN_OR_KANA}]+")
_STUTTER = re.compile(r"([^\W\d_]{1,8}?)\1{5,}")
LONGEST_PERIOD = 40  # words, or Han characters
LONGEST_EVIDENCE = 80  # characters


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from None
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
ByCategory = Mapping[Category, tuple[Pattern, ...]]


class Patterns(Frozen):
    """The file of patterns; what its keys mean is said at its head."""

    version: Annotated[int, Field(ge=1)]
    share: Annotated[float, Field(gt=0, le=1)]
    quotes: tuple[Pattern, ...]
    raw: ByCategory
    entire: ByCategory
    starts: ByCategory
    holds: ByCategory
    only: ByCategory
    covers: ByCategory
    beside: ByCategory


@cache
def patterns() -> Patterns:
    """The patterns as shipped. Raises ``ConfigurationError`` for a file that is no such."""
    document = read(str(resources.files("curation.signals") / FILE))
    shipped = bind(document, Patterns)
    if shipped.version != VERSION:
        document.fail(("version",), f"expected {VERSION}, as caption_validity.py has it")
    return shipped


@caption_signal(
    version=VERSION,
    columns={
        "validity": Column(
            pa.string(), "a category", "valid, or why it is no caption", categories=CATEGORIES
        ),
        "repetition": Column(pa.float32(), "share 0 to 1", "words that lie in one loop"),
        "validity_evidence": Column(
            pa.string(), "words", "what in an invalid one says so, in lower case; else nothing"
        ),
    },
)
def validity() -> OfText:
    """Which kind of text a caption is, what says so, and how much of it repeats itself."""
    matcher = _Matcher(patterns(), Words())

    def measure(text: str) -> dict[str, Any]:
        return matcher.measure(text[:LONGEST])

    return measure


def unquoted(text: str) -> str:
    """What of a text is looked at for its words: in lower case, without what it quotes."""
    return _bare_patterns().split(text[:LONGEST])[1]


def by_patterns(text: str) -> str:
    """The category of a text by patterns and loops alone."""
    return str(_bare_patterns().measure(text[:LONGEST])["validity"])


@cache
def _bare_patterns() -> "_Matcher":
    return _Matcher(patterns(), None)


def _compiled(patterns_by_category: ByCategory) -> Mapping[Category, re.Pattern[str]]:
    return {
        category: re.compile("|".join(f"(?:{pattern})" for pattern in of))
        for category, of in patterns_by_category.items()
    }


class _Matcher:
    """The patterns compiled, one expression for each way of matching and category, and words."""

    def __init__(self, known: Patterns, words: Words | None) -> None:
        self._words = words
        self._share = known.share
        self._quotes = re.compile("|".join(known.quotes))
        self._raw, self._entire, self._starts = map(
            _compiled, (known.raw, known.entire, known.starts)
        )
        self._holds, self._only = map(_compiled, (known.holds, known.only))
        self._covers, self._beside = map(_compiled, (known.covers, known.beside))

    def measure(self, text: str) -> dict[str, Any]:
        """All columns of a text."""
        plain, unquoted, quoted = self.split(text)
        share, loop = repetition(unquoted)
        category, evidence = self._category(plain, unquoted.strip(_AROUND[:3] + "\"'"), quoted)
        if category == VALID and self._words and quoted <= MOSTLY * _letters(plain):
            judged = self._words.judge(unquoted)
            few = len(_TOKEN.findall(unquoted)) <= FEW
            if judged.probability >= (UNLIKELY_OF_FEW if few else UNLIKELY):
                category, evidence = judged.kind, ", ".join(judged.evidence)
        if category in (VALID, "boilerplate") and share >= LOOPING:
            category, evidence = REPETITION, loop
        evidence = " ".join(evidence.split())[:LONGEST_EVIDENCE]
        return {"validity": category, "repetition": share, "validity_evidence": evidence}

    def split(self, text: str) -> tuple[str, str, int]:
        """A text in lower case, that without what it quotes, and how many letters these are."""
        plain = unicodedata.normalize("NFKC", html.unescape(text)).lower()
        unquoted = self._quotes.sub(QUOTED, plain)
        quoted = _letters(plain) - _letters(unquoted)
        if quoted and not _letters(unquoted):
            unquoted, quoted = plain, 0
        return plain, unquoted.replace("\u2019", "'"), quoted

    def _category(self, plain: str, text: str, quoted: int) -> tuple[str, str]:
        """A category, and what was matched."""
        for category, pattern in self._raw.items():
            if match := pattern.search(plain):
                return category, match[0]
        if not _letters(plain):
            return EMPTY, "no letters"
        bare = text.strip(_AROUND)
        for category in ORDER:
            if (matched := self._matched(category, text, bare, quoted)) is not None:
                return category, matched
        return (VALID, "") if any(map(str.isalpha, plain)) else (EMPTY, "no letters")

    def _matched(self, category: Category, text: str, bare: str, quoted: int) -> str | None:
        """What of a text says that it is of a category; None where nothing does."""
        entire, starts, holds, only, covers = (
            of.get(category)
            for of in (self._entire, self._starts, self._holds, self._only, self._covers)
        )
        match = (
            (entire and entire.fullmatch(bare))
            or (starts and starts.match(text))
            or (holds and holds.search(text))
        )
        if match:
            return match[0] or text
        if only and not quoted and self._is_only(category, only, text):
            return text
        if covers and self._is_covered(category, covers, text, quoted):
            return " ".join(of[0] for of in covers.finditer(text))
        return None

    def _is_only(self, category: Category, only: re.Pattern[str], text: str) -> bool:
        if not only.search(text):
            return False
        left = only.sub(" ", text)
        return not any(map(str.isalpha, self._beside[category].sub(" ", left)))

    def _is_covered(
        self, category: Category, covers: re.Pattern[str], text: str, quoted: int
    ) -> bool:
        if not covers.search(text):
            return False
        every = _letters(text)
        left = _letters(self._beside[category].sub(" ", covers.sub(" ", text)))
        return every - left >= self._share * (every + quoted)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def repetition(text: str) -> tuple[float, str]:
    """The share (0 to 1) of a text's words, or Han characters, in its longest loop, and what loops.

    A loop is the same word four times in a row (six times a Han character), or the same two to
    forty three times.
    """
    stutter = max(_STUTTER.finditer(text), key=lambda of: len(of[0]), default=None)
    if stutter:
        share = len(stutter[0]) / max(1, _letters(text))
        if len(stutter[0]) >= 12 and share >= LOOPING:
            return min(1.0, share), f"{stutter[1]}, {len(stutter[0]) // len(stutter[1])} times"
    tokens = _TOKEN.findall(text)
    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(token, len(numbers)) for token in tokens], np.int64)
    if len(tokens) < 4 or np.bincount(ids).max() < 3:
        return 0.0, ""
    length, start, period = max(_loops(tokens, ids), default=(0, 0, 1))
    share = length / len(tokens)
    if not share:
        return 0.0, ""
    block = tokens[start : start + period]
    return share, f"{('' if _is_wide(block) else ' ').join(block)}, {length // period} times"


def _is_wide(tokens: Sequence[str]) -> bool:
    """Whether Han characters or kana are most of them."""
    return 2 * sum(len(of) == 1 and not of.isascii() for of in tokens) > len(tokens)


def _loops(tokens: Sequence[str], ids: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Loops: how many tokens long, the first of them, and after how many they come again."""
    for period in range(1, min(LONGEST_PERIOD, len(ids) // 3) + 1):
        same = np.flatnonzero(np.diff(ids[period:] == ids[:-period], prepend=False, append=False))
        for start, end in zip(same[::2].tolist(), same[1::2].tolist(), strict=True):
            length = end - start + period
            block = tokens[start : start + period]
            if period > 1:
                least = 3 * period if len(set(block)) > 1 else length + 1
            else:
                least = 6 if len(block[0]) == 1 and not block[0].isascii() else 4
            if length >= least:
                yield length, start, period
