"""What is measured of every caption of a row: columns of lists by split, a value for each.

A new one is a function of a caption's text and an entry of ``SIGNALS``; a change of what values
mean raises ``VERSION``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation.signals.signal import Column

VERSION = 1
SPLITS = ("raw", "recaption", "fused")  # of a row's captions; an instruction is none
_HAN_OR_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_HAN_OR_KANA}]|[^\W{_HAN_OR_KANA}]+(?:['\u2019][^\W{_HAN_OR_KANA}]+)*")


@dataclass(frozen=True)
class CaptionSignal:
    """A measurement of one caption: its ``column``, and the ``function`` of the text."""

    column: Column
    function: Callable[[str], int]


def length(text: str) -> int:
    """How many characters."""
    return len(text)


def words(text: str) -> int:
    """How many words; every Han character and kana is one."""
    return sum(1 for _ in _WORD.finditer(text))


SIGNALS: Mapping[str, CaptionSignal] = {
    "length": CaptionSignal(Column(pa.int32(), "characters", "length of a caption"), length),
    "words": CaptionSignal(Column(pa.int32(), "words", "words; Han and kana count each"), words),
}


def column(split: str, name: str) -> str:
    """The column of base files with a signal's values of the captions of a split."""
    return f"caption_{split}.{name}"


FIELDS = tuple(
    pa.field(column(split, name), pa.list_(of.column.type))
    for split in SPLITS
    for name, of in SIGNALS.items()
)


def measured(split: str, texts: Sequence[str] | None) -> dict[str, Any]:
    """The values of a row's captions of one split, in their order; None without any."""
    return {
        column(split, name): None if texts is None else [of.function(text) for text in texts]
        for name, of in SIGNALS.items()
    }
