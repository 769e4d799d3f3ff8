"""Which of the report's four splits a text belongs to: English, Chinese, Other, None without any.

By script, then by letters and function words: kana make a text Japanese, and what is written in
Latin letters is English unless words or letters of other languages say otherwise. A name or a
number alone cannot be told; the first counts as English, the second as Other.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

Split = Literal["English", "Chinese", "Other", "None"]
SPLITS: tuple[Split, ...] = ("English", "Chinese", "Other", "None")
KANA = 0.05  # of Chinese and Japanese characters: from here on the text is Japanese
HAN = 2.0  # letters that a Chinese character counts for, beside Latin ones
FOREIGN = 0.02  # of Latin letters with marks: more than English texts borrow
_WORDS = Path(__file__).parent / "data" / "function_words.txt"  # a language a line, first its tag
_WORD = re.compile(r"[^\W\d_]+")
_NAMES = (
    ("CJK", "han"),
    ("HIRAGANA", "kana"),
    ("KATAKANA", "kana"),
    ("LATIN", "latin"),
    ("FULLWIDTH LATIN", "latin"),
    ("HANGUL", "hangul"),
    ("CYRILLIC", "cyrillic"),
    ("GREEK", "greek"),
    ("ARABIC", "arabic"),
    ("HEBREW", "hebrew"),
    ("THAI", "thai"),
    ("DEVANAGARI", "devanagari"),
)


def scripts(text: str) -> dict[str, int]:
    """How many letters of each script a text has; marks, digits and signs have none."""
    counts: dict[str, int] = {}
    for character in text:
        if unicodedata.category(character)[0] == "L":
            name = unicodedata.name(character, "")
            script = next((of for start, of in _NAMES if name.startswith(start)), "other")
            counts[script] = counts.get(script, 0) + 1
    return counts


def script(text: str) -> str:
    """The script of most letters: "han", "kana" where it has any, "latin", ...; "none" without."""
    counts = scripts(text)
    if counts.get("kana") and counts.get("han", 0) + counts["kana"] > counts.get("latin", 0):
        return "kana"
    return max(counts, key=lambda name: (counts[name], name), default="none")


def split(lines: Iterable[str]) -> Split:
    """The split of an image with these lines of text."""
    texts = list(lines)
    if not texts:
        return "None"
    text = "\n".join(texts)
    counts = scripts(text)
    han, kana, latin = (counts.get(name, 0) for name in ("han", "kana", "latin"))
    if HAN * (han + kana) > latin:
        is_japanese = kana >= max(1.0, KANA * (han + kana))
        return "Other" if is_japanese or not _is_most(han + kana, counts) else "Chinese"
    if not latin or not _is_most(latin, counts):
        return "Other"
    return "Other" if _is_foreign(text, latin) else "English"


def _is_most(count: int, counts: dict[str, int]) -> bool:
    known = ("han", "kana", "latin")
    return count >= sum(of for name, of in counts.items() if name not in known)


def _is_foreign(text: str, latin: int) -> bool:
    """Whether a text in Latin letters is not English."""
    words = [word.lower() for word in _WORD.findall(text)]
    own, foreign = _function_words()
    english = sum(word in own for word in words)
    others = sum(word in foreign for word in words)
    marked = sum(not character.isascii() for word in words for character in word)
    marked += sum(text.count(sign) for sign in "¿¡")
    if marked >= FOREIGN * latin and marked:
        return others >= english or marked >= 2 * FOREIGN * latin
    return others > 2 * english


@cache
def _function_words() -> tuple[frozenset[str], frozenset[str]]:
    """Those of English, and those of other languages."""
    english: set[str] = set()
    others: set[str] = set()
    for line in _WORDS.read_text("utf-8").splitlines():
        tag, *words = line.split()
        (english if tag == "en" else others).update(words)
    return frozenset(english), frozenset(others - english)
