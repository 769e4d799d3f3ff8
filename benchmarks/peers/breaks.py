"""Whether a line was broken where no printer would: said by tables of our own, not by the engine.

The characters are those CLREQ (3.1.2) and JIS X 4051 keep from the beginning and the end of a
line; a word is a run of letters and digits of a script with spaces.
"""

import unicodedata

NOT_FIRST = frozenset(
    "、。，．：；！？）」』】〉》〕］｝〗〙〟”’…‥—·・～％‰℃°々ーゝゞヽヾ,.!?:;)]}%"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ"
)
NOT_LAST = frozenset("（「『【〈《〔［｛〖〘〝“‘([{￥＄£¥$")
_GERMAN_CLOSE = frozenset("“‘")  # after „ and ‚
_SPACED_SIGNS = frozenset("·—")  # between blanks they part items, and may stand anywhere
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "IDEOGR")


def breaks_kinsoku(before: str, after: str, language: str = "zh") -> bool:
    """Whether the second line begins, or the first ends, with a sign that may not stand there.

    Blanks of the text between the two are at the end of the first.
    """
    last, first = before.rstrip()[-1:], after.lstrip()[:1]
    not_first, not_last = NOT_FIRST, NOT_LAST
    if language == "de":
        not_first, not_last = NOT_FIRST | _GERMAN_CLOSE, NOT_LAST - _GERMAN_CLOSE
    if before != before.rstrip():
        not_first = not_first - _SPACED_SIGNS
    return bool(last and first) and (first in not_first or last in not_last)


def splits_word(before: str, after: str) -> bool:
    """Whether a word, or a number, stands on both lines."""
    return bool(before and after) and _is_of_word(before[-1]) and _is_of_word(after[0])


def _is_of_word(character: str) -> bool:
    if unicodedata.category(character)[0] not in "LMN":
        return False
    return not unicodedata.name(character, "").startswith(_UNSPACED)
