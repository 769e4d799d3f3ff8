"""Whether a caption is one: refusals, addresses, file names, boilerplate and the like are not.

The patterns are data, ``caption_patterns.yaml``. What a caption quotes is taken out first: a sign
may say sorry, and a poster may be named like a file. Loops are told by counting and file names by
their form (``caption_loops``, ``caption_names``), not by patterns.
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import AfterValidator, Field

from curation.signals import rule_file
from curation.signals.caption_loops import loops, tokens
from curation.signals.caption_names import is_name
from curation.signals.caption_words import Words
from curation.signals.captions import OfText, caption_signal
from curation.signals.rule_file import Versioned
from curation.signals.signal import Column

VERSION = 7  # of the patterns, and of what is below
VALID, EMPTY, REPETITION = "valid", "empty", "repetition"
Category = Literal["empty", "prompt", "url", "filename", "refusal", "boilerplate"]
ORDER: tuple[Category, ...] = ("empty", "url", "filename", "refusal", "prompt", "boilerplate")
CATEGORIES = (VALID, "refusal", "url", "filename", "boilerplate", REPETITION, "prompt", EMPTY)
FILE = "caption_patterns.yaml"
LONGEST = 2_000  # characters that are looked at
UNLIKELY = 0.5  # probability by its words from which on a text is no caption
FEW, UNLIKELY_OF_FEW = 3, 0.75  # words up to which a text must say more: names are such, too
MOSTLY = 0.6  # share of a text in quotation marks up to which its words are looked at
QUOTED = " \u00a7 "  # in place of a quotation: no letter
_AROUND = " \t\n.!?,;:()[]{}<>*|~#\u2014-\"'\u201c\u201d\u3002\u3001"
_COUNTED = re.compile(
    r"\d{1,4}[\u4e2a\u53ea\u6735\u8f86\u5934\u5339\u5ea7\u68f5\u676f\u7897][\u4e00-\u9fff]{1,3}"
)
# How captions of few words begin in which somebody answered: what follows says whether it is one.
_OPENING = re.compile(
    r"\A\W*(?:(?:(?:this|here) is (?:an?|the)|(?:this|the))"
    r" (?:image|photo|photograph|picture|illustration) (?:of|shows|depicts|features)(?= \w)"
    r"|(?:这|此|该)(?:是一)?[张幅](?:图片|图像|照片|图|画)"
    r"(?:中|里)?(?:显示|展示|描绘|拍的)(?:的|了|是)?(?=\w))"
)
# That an image holds a quoted text, and nothing else: words of prompts, but nothing is asked for.
_HOLDS_TEXT = re.compile(
    r"[一这此该]?[幅张]?(?:图片|图像|照片|图|画)(?:上面|上|中|里)?\W*(?:上面|上|中|里)?"
    r"[写印刻标]?有(?:文字|字样|标语|标题|字)?[\s:,.。]*\u00a7[\s.。!]*"
)
LONGEST_EVIDENCE = 80  # characters


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from None
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
ByCategory = Mapping[Category, tuple[Pattern, ...]]


class Patterns(Versioned):
    """The file of patterns; what its keys mean is said at its head."""

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
    return rule_file.shipped(FILE, Patterns, VERSION, "caption_validity.py")


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
        share, loop = loops(unquoted)
        category, evidence = self._category(plain, unquoted.strip(_AROUND[:3] + "\"'"), quoted)
        if category == VALID and not quoted and is_name(unicodedata.normalize("NFKC", text)):
            category, evidence = "filename", plain
        if category in (VALID, "boilerplate") and loop:
            category, evidence = REPETITION, loop
        if category == VALID and self._words and quoted <= MOSTLY * _letters(plain):
            category, evidence = self._by_words(self._words, unquoted)
        evidence = " ".join(evidence.split())[:LONGEST_EVIDENCE]
        return {"validity": category, "repetition": share, "validity_evidence": evidence}

    def _by_words(self, words: Words, unquoted: str) -> tuple[str, str]:
        if _is_name_with_number(unquoted) or _HOLDS_TEXT.fullmatch(unquoted):
            return VALID, ""
        judged = words.judge(_OPENING.sub("", unquoted))
        if judged.probability >= (UNLIKELY_OF_FEW if len(tokens(unquoted)) <= FEW else UNLIKELY):
            return judged.kind, ", ".join(judged.evidence)
        return VALID, ""

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


def _is_name_with_number(text: str) -> bool:
    """Whether all that stands beside numbers is one word: Apollo 11, 3 eggs, 3\u53ea\u732b."""
    if _COUNTED.fullmatch(text.strip(_AROUND)):
        return True
    words = [token for token in tokens(text) if token.isalpha()]
    return len(words) <= 1 and "".join(words).isascii() and any(map(str.isdigit, text))


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
