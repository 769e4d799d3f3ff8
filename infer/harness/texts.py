"""What was read held against what was asked: cleaned as OneIG-Bench and LongText-Bench clean it,
multisets of words or characters, and Levenshtein's distance.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from curation.networks import weights

# What Qwen2.5-VL is asked by both benchmarks, and what it says of its own where it reads nothing.
INSTRUCTION = (
    "Recognize the text in the image, only reply with the text content, but avoid repeating"
    " previously mentioned content. If no text is recognized, please reply with 'No text"
    " recognized'."
)
HALLUCINATIONS = ("addCriterion", "No text recognized.")
_ACCENTED = "àâäéèêëîïôöùûüçÀÂÄÉÈÊËÎÏÔÖÙÛÜÇ"
_OTHER = re.compile(rf"[^\u4e00-\u9fa5a-zA-Z0-9\s{_ACCENTED}]")
_HANZI = re.compile(r"[\u4e00-\u9fff]")


def without(text: str, phrases: Iterable[str]) -> str:
    """The text less some phrases."""
    for phrase in phrases:
        text = text.replace(phrase, "")
    return text


def cleaned(text: str, *, spaces: bool = True) -> str:
    """Hanzi, Latin letters and digits alone: what stood apart is so by a single space, or not at
    all without ``spaces``.
    """
    return ("" if not spaces else " ").join(_OTHER.sub("", text).split())


def has_hanzi(text: str) -> bool:
    """Whether some character is Chinese."""
    return _HANZI.search(text) is not None


def words(lines: Iterable[str]) -> list[str]:
    """The words of lines, in lower case."""
    return [word for line in lines for word in line.lower().split()]


def matched(targets: Sequence[str], read: Sequence[str]) -> int:
    """How many targets were read, each reading used once, in any order: words of lists, or
    characters of strings.
    """
    return (Counter(targets) & Counter(read)).total()


def distance(first: str, second: str) -> int:
    """Levenshtein's, in characters. Raises ``MissingModelError`` without rapidfuzz."""
    weights.need("pip install 'inkstone[evaluate]'", "rapidfuzz")
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(first, second)


def difference(first: str, second: str) -> float:
    """Levenshtein's distance as a share of the longer text: 0 to 1, 0 for two empty ones."""
    return distance(first, second) / max(len(first), len(second), 1)
