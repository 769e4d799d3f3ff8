"""What is checked of a caption that a model wrote: each is a column, and rules say what falls."""

import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from captioning.quotes import agreement, plain
from curation.shard.annotation import Annotation
from curation.shard.quotations import prose
from curation.signals.signal import Column

LONGEST_LOOP = 4  # words, or Han characters, of an n-gram that is counted
SHORT = 100  # characters of prose: below it compresses badly whatever it says
HIDDEN = 0.002  # of an image under a mosaic: enough to be seen
WATERMARK = 0.8  # of the evidence that words are laid over an image; a credit in a corner has 0.55
_WORDS = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]|[^\W\u3400-\u9fff\u3040-\u30ff]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")

_MEANING = {
    "quote_recall": "text read in the image that the caption quotes; 1 without any",
    "quote_precision": "quoted text that was read in the image; 1 without any",
    "loop": "words outside quotes that one repeated n-gram covers",
    "in_language": "letters outside quotes in the language asked for",
    "watermarks_agree": "of the watermarks said or seen, those said and seen",
    "abnormal_agrees": "1 where codes, mosaics or watermarks were seen as the caption says",
}
COLUMNS = {name: Column(pa.float32(), "share 0 to 1", of) for name, of in _MEANING.items()}


@dataclass(frozen=True)
class Seen:
    """What signals saw of the image: lines of ``text``, texts of ``watermarks``, and whether
    ``abnormal`` elements are in it.
    """

    text: Sequence[str] = ()
    watermarks: Sequence[str] = ()
    abnormal: bool = False


def hinders(columns: Mapping[str, Any]) -> bool:
    """Whether codes, a mosaic or watermarks were seen; nothing is said where nobody looked."""
    marks = watermarks(columns.get("watermark_regions"))
    return (columns.get("mosaic") or 0) > HIDDEN or bool(columns.get("codes")) or bool(marks)


def watermarks(regions: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """Of the column ``watermark_regions`` those that there is little doubt of."""
    return [of for of in regions or () if float(of.get("score") or 0) >= WATERMARK]


def values(annotation: Annotation, language: str, seen: Seen) -> dict[str, Any]:
    """The ``COLUMNS`` of an annotation in the language that was asked for."""
    quoted = agreement(annotation.caption, seen.text)
    said = prose(annotation.caption)
    return {
        "quote_recall": 1.0 if quoted.recall is None else quoted.recall,
        "quote_precision": 1.0 if quoted.precision is None else quoted.precision,
        "loop": loop(said),
        "in_language": in_language(said, language),
        "watermarks_agree": _watermarks(annotation.watermark_list, seen.watermarks),
        "abnormal_agrees": float((annotation.abnormal_element == "yes") == seen.abnormal),
    }


def loop(text: str) -> float:
    """The largest share of the words that one n-gram covers which occurs more than twice.

    At least 1 - 2.4 / (how much smaller zlib makes a longer text), where that is more: text that
    compresses to under a 2.4th repeats itself (the bound of Whisper, arXiv 2212.04356).
    """
    words = _WORDS.findall(text.casefold())
    share = 0.0
    for length in range(2, LONGEST_LOOP + 1):
        grams = Counter(zip(*(words[start:] for start in range(length)), strict=False))
        for gram, count in grams.most_common(3):
            if count > 2 and (length > 2 or gram[0] == gram[1]):  # "and the" is no loop
                share = max(share, count * length / len(words))
    data = text.encode()
    if len(text) >= SHORT:
        share = max(share, 1 - 2.4 * len(zlib.compress(data)) / len(data))
    return min(1.0, share)


def in_language(text: str, language: str) -> float:
    """The share of a text's letters in the script of its language; 1 without any letter."""
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    if not han + latin:
        return 1.0
    return (han if language == "zh" else latin) / (han + latin)


def _watermarks(said: Sequence[str], seen: Sequence[str]) -> float:
    names = [plain(text) for text in said], [plain(text) for text in seen]
    every = [name for of in names for name in of if name]
    if not every:
        return 1.0
    both = sum(any(_alike(a, b) for b in names[1]) for a in names[0] if a)
    both += sum(any(_alike(a, b) for b in names[0]) for a in names[1] if a)
    return both / len(every)


def _alike(a: str, b: str) -> bool:
    return bool(a and b) and (a in b or b in a)
