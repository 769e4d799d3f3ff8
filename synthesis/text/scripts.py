"""Which script, language and orientation a piece of text is shaped in.

Scripts are ISO 15924 tags as HarfBuzz knows them. Characters of no script of their own
(punctuation, digits, marks) belong to what stands before them.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import uharfbuzz as hb

from synthesis.text import bidi

EMOJI = "Zsye"
UNSPACED = frozenset({"Hani", "Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Java", "Bali", "Yiii"})
JOINED = frozenset({"Arab", "Syrc", "Mong", "Nkoo", "Deva", "Beng", "Guru"})  # never letter-spaced
_WIDE = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff]"
    "|[\uf900-\ufaff\uff00-\uffef\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur", "ps", "he", "yi", "ug", "sd", "dv", "ckb"})
_TAGS = {"zh": "zh-Hans", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant-HK"}
_PICTURE = (  # Emoji_Presentation of emoji-data.txt, by blocks
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1"
    "\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705"
    "\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50"
    "\u2b55\U0001f004\U0001f0cf\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f21a\U0001f22f"
    "\U0001f232-\U0001f236\U0001f238-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f64f"
    "\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f90c-\U0001faff"
)
_ELEMENT = (
    f"(?:[{_PICTURE}](?!\ufe0e)\ufe0f?|[\u00a9\u00ae\u203c-\u3299]\ufe0f)"
    "[\U0001f3fb-\U0001f3ff]?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
)
_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f\u20e3"
    f"|{_ELEMENT}(?:\u200d(?:{_ELEMENT}|[\u2640\u2642\u2695-\u2764]\ufe0f?))*"
)


@dataclass(frozen=True, slots=True)
class Item:
    """Neighbouring characters of one script and one bidirectional level."""

    text: str
    script: str
    level: int


def language_tag(language: str) -> str:
    """The BCP 47 tag by which fonts choose the forms of a language."""
    return _TAGS.get(language, language)


def base_level(language: str, text: str) -> int:
    """1 for a paragraph that runs right to left: by its language, or having no other letters."""
    if language.partition("-")[0] in _RIGHT_TO_LEFT:
        return 1
    if not any(bidi.levels(text, 0)):
        return 0
    classes = {unicodedata.bidirectional(character) for character in text}
    return int("L" not in classes and bool(classes & {"R", "AL"}))


@lru_cache(maxsize=1 << 16)
def script_of(character: str) -> str:
    """The script of a character; Chinese and kana are one; empty for what has none of its own."""
    if _WIDE.match(character):
        return "Hani"
    buffer = hb.Buffer()
    buffer.add_str(character)
    buffer.guess_segment_properties()
    return str(buffer.script or "")


def items(text: str, base: int) -> Iterator[Item]:
    """The text in pieces to be shaped, in the order they are read; emoji clusters one by one."""
    levels = bidi.levels(text, base)
    place = 0
    for match in _EMOJI.finditer(text):
        yield from _plain_items(text, place, match.start(), levels)
        yield Item(match.group(), EMOJI, levels[match.start()])
        place = match.end()
    yield from _plain_items(text, place, len(text), levels)


def _plain_items(text: str, start: int, end: int, levels: tuple[int, ...]) -> Iterator[Item]:
    script = ""
    for place in range(start, end):
        own = script_of(text[place])
        other_script = bool(own and script and own != script)
        if place > start and (other_script or levels[place] != levels[place - 1]):
            yield Item(text[start:place], script or "Latn", levels[start])
            start, script = place, own or script
        script = own or script
    if start < end:
        yield Item(text[start:end], script or "Latn", levels[start])
