"""Where a line may end: Unicode Standard Annex 14 by ICU, stricter where a reader would stumble.

ICU has the dictionaries that Thai, Lao, Khmer and Burmese need, which have no spaces; in Thai
compounds stay whole, too (``thai.py``).
"""

import re
from functools import lru_cache
from itertools import accumulate

from icu4py.breakers import LineBreaker, WordBreaker

from synthesis.text import thai
from synthesis.text.quotes import with_corner_brackets

_LOCALE = {"ja": "ja@lb=strict"}  # strict: no line begins with a small kana or a long vowel mark
_JAPANESE_PHRASES = "ja@lb=strict;lw=phrase"
_NEVER_FIRST = frozenset("—–…‥")
_PHRASE = re.compile(r"[,;:.!?—…，。；：！？、][\"'”’」』）》)]*\s*$")
_UNITS = r"(?:[ap]\.m\.|น\.|[ckm]?m\b|k?g\b|h\b|°C|%)"
_MEASURES = (  # units and measure words
    "元年月日时点分秒号岁级楼层米克斤度℃人份张条只个页题本位名次种件台辆部册篇章节段句项双对套组间室班届集倍"
)
_NUMERALS = "一二三四五六七八九十"
_LETTER = r"[^\W\d_]"
_HANZI = "[\u4e00-\u9fff]"
_KEPT_TOGETHER = re.compile(
    rf"\d (?={_UNITS})|[A-Z][a-z]*\.? (?=\d)|{_LETTER}-(?={_LETTER})|— (?=[\d$€£])"
    r"|[a-z]/(?=[a-z]{1,2}\b)"  # km/h
    rf"|[\d.:：—] ?(?=[{_MEASURES}])|[{_NUMERALS}百千万两](?=[{_MEASURES}割円])"
    rf"|第(?=[\d{_NUMERALS}])"
    rf"|(?<=\d)[—–](?=\d)|(?<={_LETTER})–(?={_LETTER})"  # 9:00–18:00, Mon–Fri
    rf"|(?<={_HANZI}{{2}})(?=中(?!{_HANZI}))|(?<={_HANZI})(?={_HANZI}中(?!{_HANZI}))"  # 営業中
    r"|周(?=[一二三四五六日末])|星(?=期)|礼(?=拜)|(?<=[星礼])[期拜](?=[一二三四五六日天])"
)
_LAST_LETTER = re.compile(r"(?<=[^\n])(?=[^\w\n]*\w[^\w\n]*$)", re.MULTILINE)
_HANGUL = re.compile("[\uac00-\ud7a3]")
_IN_HANGUL = re.compile("[\uac00-\ud7a3]{2}")
_KOREAN_BREAKS_AFTER = frozenset(" \t\u3000-–—/·~")


def boundaries(text: str, locale: str = "en") -> list[int]:
    """The offsets at which UAX 14 lets a line of ``text`` end, ascending, its length included."""
    return list(accumulate(len(part) for part in LineBreaker(text, locale)))


@lru_cache(maxsize=64)  # asked for once more where a line may end at phrases only
def opportunities(text: str, language: str) -> tuple[int, ...]:
    """The offsets at which a line of ``text`` may end, ascending, the last being its length.

    Stricter than UAX 14: no line begins with a dash or an ellipsis, nor in Chinese with a middle
    dot; hyphenated and Korean words stay whole; a number stays with its unit and with the name
    before it (8 a.m., Room 204, 18元, 三割), a weekday is whole (周一). In Chinese and Japanese the
    curly quotes open and close like brackets (UAX 14 leaves their direction open, class QU).
    """
    kept = {match.end() for match in _KEPT_TOGETHER.finditer(text)}
    base = language.partition("-")[0]
    if base in {"zh", "ja"}:
        text = with_corner_brackets(text).replace("·", "、")
    ends = [
        offset
        for offset in boundaries(text, _LOCALE.get(base, base))
        if offset not in kept and text[offset : offset + 1] not in _NEVER_FIRST
    ]
    if thai.THAI.search(text):
        unbroken = thai.inside_compounds(text, ends)
        ends = [end for end in ends if end not in unbroken]
    if not _HANGUL.search(text):
        return tuple(ends)
    if base == "ko":
        after = _KOREAN_BREAKS_AFTER
        return tuple(end for end in ends if text[end - 1] in after or end == len(text))
    return tuple(end for end in ends if not _IN_HANGUL.match(text, end - 1))


def phrases(text: str, language: str) -> list[int]:
    """The opportunities after a punctuation mark (in Japanese after a bunsetsu) that leave no
    letter alone on a last line, and the end.
    """
    alone = {match.end() for match in _LAST_LETTER.finditer(text)}
    ends = [end for end in opportunities(text, language) if end not in alone]
    if language.startswith("ja"):
        return sorted({*ends} & {*boundaries(text, _JAPANESE_PHRASES)})
    return [end for end in ends if end == len(text) or _PHRASE.search(text[max(0, end - 8) : end])]


@lru_cache(maxsize=64)
def inside_words(text: str, language: str) -> frozenset[int]:
    """Offsets at which a line had better not end: in the middle of a word of ICU's Chinese
    dictionary, in Japanese of a phrase (a word and what is said of it: エレベーターは).

    Lines may end there, but headings are better for not doing so.
    """
    base = language.partition("-")[0]
    if base == "ja":
        return frozenset(range(1, len(text))).difference(boundaries(text, _JAPANESE_PHRASES))
    if base != "zh":
        return frozenset()
    return frozenset(range(1, len(text))).difference(accumulate(map(len, WordBreaker(text, base))))


def halves(text: str, language: str) -> list[int]:
    """The middle of the text, if a line may end there, and its end."""
    return [end for end in opportunities(text, language) if end in {len(text) // 2, len(text)}]
