"""Whether a paragraph is in the language asked for: by its script, and by its commonest words.

Coarse on purpose (no model): it keeps other scripts out of a corpus, simplified out of traditional
Chinese, and long texts of one Latin language out of another.
"""

import re
from collections.abc import Mapping

from synthesis.fonts.languages import LANGUAGES

LOOKED_AT = 600  # characters of a paragraph
LEAST_SHARE = 0.6  # of its letters: names and quotations may be in another script
_MOST_KANA = 0.1
_MOST_OF_THE_OTHER = 0.1  # share of hanzi only the other Chinese orthography uses
_FEWEST_WORDS = 12  # fewer do not tell a Latin language

_HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3041-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_LETTERS = re.compile(r"[^\W\d_]")
_OF_SCRIPT: Mapping[str, re.Pattern[str]] = {
    "Latn": re.compile(r"[A-Za-z\u00aa-\u00ba\u00c0-\u024f\u1e00-\u1eff]"),
    "Hans": re.compile(f"[{_HAN}]"),
    "Hant": re.compile(f"[{_HAN}]"),
    "Jpan": re.compile(f"[{_HAN}{_KANA}]"),
    "Kore": re.compile(f"[{_HAN}{_HANGUL}]"),
    "Cyrl": re.compile(r"[\u0400-\u052f]"),
    "Grek": re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"),
    "Arab": re.compile(r"[\u0600-\u06ff\u0750-\u077f]"),
    "Hebr": re.compile(r"[\u05d0-\u05f2]"),
    "Deva": re.compile(r"[\u0904-\u0963\u0971-\u097f]"),
    "Thai": re.compile(r"[\u0e01-\u0e4e]"),
}
_KANA_LETTERS = re.compile(f"[{_KANA}]")
_HANGUL_LETTERS = re.compile(f"[{_HANGUL}]")
_WORD = re.compile(r"[^\W\d_]+")
_COMMON: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in is that it was for on are with as his they be at this have from or",
        "fr": "le la les de des du et un une est que qui dans pour pas sur au avec ce il elle nous",
        "de": "der die das und den von zu mit ist im ein eine nicht auf sich dem des auch es wir",
        "es": "el la los las de que y en un una por con para no se del al es lo como pero su más",
        "pl": "i w na z się nie do to że jest o jak po od za przez ale dla przy są który była był",
        "vi": "và là của có không một những các cho được trong với này khi người đã đến thì ở rồi",
    }.items()
}


def unfit(text: str, language: str) -> str | None:
    """Why the paragraph is not in ``language``, or ``None``: a short stable code.

    ``other_script``, ``other_orthography`` (Chinese) or ``other_language`` (Latin).
    """
    seen = text[:LOOKED_AT]
    letters = len(_LETTERS.findall(seen))
    script = LANGUAGES[language].script
    own = len(_OF_SCRIPT[script].findall(seen))
    if own < LEAST_SHARE * letters or _is_neighbour(seen, language, letters):
        return "other_script"
    if script in {"Hans", "Hant"} and _is_other_chinese(seen, language):
        return "other_orthography"
    if script == "Latn" and _is_other_latin(seen, language):
        return "other_language"
    return None


def _is_neighbour(text: str, language: str, letters: int) -> bool:
    """Whether hanzi are mixed with what shows that the text is another language of hanzi's."""
    kana = len(_KANA_LETTERS.findall(text))
    hangul = len(_HANGUL_LETTERS.findall(text))
    if language in {"zh", "zh-Hant"}:
        return kana + hangul > _MOST_KANA * letters
    if language == "ja":
        return not kana and letters > 20
    return language == "ko" and (kana > hangul or (not hangul and letters > 10))


def _is_other_chinese(text: str, language: str) -> bool:
    """By the characters only GB 2312 (simplified) or only Big5 (traditional) has."""
    simplified = _lost(text, "big5") - _lost(text, "gb2312")
    balance = simplified if language == "zh-Hant" else -simplified
    return balance > max(1, _MOST_OF_THE_OTHER * len(_OF_SCRIPT["Hans"].findall(text)))


def _lost(text: str, codec: str) -> int:
    hanzi = "".join(_OF_SCRIPT["Hans"].findall(text))
    return len(hanzi) - len(hanzi.encode(codec, errors="ignore")) // 2


def _is_other_latin(text: str, language: str) -> bool:
    words = _WORD.findall(text.lower())
    if len(words) < _FEWEST_WORDS:
        return False
    counts = {name: sum(word in common for word in words) for name, common in _COMMON.items()}
    own = counts.pop(language)
    return max(counts.values()) > 2 * own + 2
