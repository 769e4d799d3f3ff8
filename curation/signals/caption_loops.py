"""How much of a caption repeats itself: loops of the same words, and few words over and over."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

LOOPING = 0.4  # share of a caption in one loop from which on it is nothing else
LONGEST_PERIOD = 40  # words, or Han characters
LONG_PERIOD = 6  # words from which on two and a half rounds are a loop, not three
MANY = 16  # words from which on their variety says something
VARIETY = 0.78  # log of distinct words over log of words; captions of photographs lie above 0.82
_HAN_OR_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_HAN_OR_KANA}]|[^\W{_HAN_OR_KANA}]+")
_STUTTER = re.compile(r"([^\W\d_]{1,8}?)\1{5,}")


def tokens(text: str) -> list[str]:
    """The words of a text; each Han character and kana is one."""
    return _TOKEN.findall(text)


def loops(text: str) -> tuple[float, str]:
    """The share (0 to 1) of a text in its longest loop, and what it says over and over, if it does.

    It does where a loop is most of it, or where its variety, log(distinct words) / log(words)
    (Herdan, 1960), is below that of captions. Then no single loop need be in it.
    """
    share, loop = repetition(text)
    if share >= LOOPING:
        return share, loop
    of = tokens(text)
    if len(of) < MANY:
        return share, ""
    counts = Counter(of)
    if math.log(len(counts)) >= VARIETY * math.log(len(of)):
        return share, ""
    return share, ", ".join(f"{word} {count} times" for word, count in counts.most_common(3))


def repetition(text: str) -> tuple[float, str]:
    """The share (0 to 1) of a text's words, or Han characters, in its longest loop, and what loops.

    A loop is the same word four times in a row (six times a Han character), or the same two to
    forty three times (from six words on, two and a half times).
    """
    stutter = max(_STUTTER.finditer(text), key=lambda of: len(of[0]), default=None)
    if stutter:
        share = len(stutter[0]) / max(1, sum(map(str.isalnum, text)))
        if len(stutter[0]) >= 12 and share >= LOOPING:
            return min(1.0, share), f"{stutter[1]}, {len(stutter[0]) // len(stutter[1])} times"
    of = tokens(text)
    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(token, len(numbers)) for token in of], np.int64)
    if len(of) < 4 or np.bincount(ids).max() < 3:
        return 0.0, ""
    length, start, period = max(_loops(of, ids), default=(0, 0, 1))
    share = length / len(of)
    if not share:
        return 0.0, ""
    block = of[start : start + period]
    return share, f"{('' if _is_wide(block) else ' ').join(block)}, {length // period} times"


def _is_wide(of: Sequence[str]) -> bool:
    """Whether Han characters or kana are most of them."""
    return 2 * sum(len(token) == 1 and not token.isascii() for token in of) > len(of)


def _loops(of: Sequence[str], ids: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Loops: how many tokens long, the first of them, and after how many they come again."""
    for period in range(1, min(LONGEST_PERIOD, len(ids) * 2 // 5) + 1):
        same = np.flatnonzero(np.diff(ids[period:] == ids[:-period], prepend=False, append=False))
        for start, end in zip(same[::2].tolist(), same[1::2].tolist(), strict=True):
            length = end - start + period
            block = of[start : start + period]
            if period > 1:
                rounds = 2.5 if period >= LONG_PERIOD else 3
                least = math.ceil(rounds * period) if len(set(block)) > 1 else length + 1
            else:
                least = 6 if len(block[0]) == 1 and not block[0].isascii() else 4
            if length >= least:
                yield length, start, period
