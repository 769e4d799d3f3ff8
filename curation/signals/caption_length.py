"""How long a caption is, in characters and in words."""

import re

import pyarrow as pa

from curation.signals.captions import OfText, caption_signal
from curation.signals.signal import Column

_HAN_OR_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_HAN_OR_KANA}]|[^\W{_HAN_OR_KANA}]+(?:['\u2019][^\W{_HAN_OR_KANA}]+)*")


@caption_signal(
    version=1,
    columns={"length": Column(pa.int32(), "characters from 0", "how many characters")},
)
def length() -> OfText:
    """How many characters a caption has."""
    return lambda text: {"length": len(text)}


@caption_signal(
    version=1,
    columns={"words": Column(pa.int32(), "words from 0", "words; Han and kana count each")},
)
def words() -> OfText:
    """How many words a caption has; every Han character and kana is one."""
    return lambda text: {"words": sum(1 for _ in _WORD.finditer(text))}
