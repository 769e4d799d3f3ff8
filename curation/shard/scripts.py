"""The script that a text is written in, by the characters outside of what it quotes."""

import unicodedata
from collections import Counter
from collections.abc import Iterable

from curation.shard.quotations import EVERY, prose

_IDEOGRAPHIC = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
_LETTERS = 3  # of an alphabet that say as much as one of a script with thousands of signs


def script(text: str) -> str:
    """The script of most that a text says outside of quotations, such as LATIN or CJK, empty
    without any letter there. Japanese is HIRAGANA, also without any where its characters say it.
    """
    counts = _scripts(prose(text, EVERY))
    return max(sorted(counts), key=counts.__getitem__) if counts else ""


def _scripts(text: str) -> Counter[str]:
    counts, ideographs = Counter[str](), set[str]()
    for letter in filter(str.isalpha, text):
        name = unicodedata.name(letter, "").partition(" ")[0]
        counts[name] += _LETTERS if name in _IDEOGRAPHIC else 1
        ideographs |= {letter} if name == "CJK" else set()
    if counts["HIRAGANA"] or counts["KATAKANA"] or _are_japanese(ideographs):
        counts["HIRAGANA"] += counts.pop("CJK", 0) + counts.pop("KATAKANA", 0)
    return +counts


def _are_japanese(ideographs: Iterable[str]) -> bool:
    """Whether ideographs are of Japan, and one is written so there alone, such as a station's:
    national character sets have what is written in their countries.
    """
    listed = [
        {name for name in ("shift_jis", "gb2312", "big5") if _encodes(name, each)}
        for each in ideographs
    ]
    return {"shift_jis"} in listed and all("shift_jis" in each for each in listed)


def _encodes(name: str, character: str) -> bool:
    try:
        return bool(character.encode(name))
    except UnicodeEncodeError:
        return False
