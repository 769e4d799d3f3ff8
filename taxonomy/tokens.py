"""The tokens of a text whose frequency counts: characters of Chinese, words of other scripts."""

import re
import unicodedata
from collections.abc import Iterable

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_HAN}]|[^\W\d_{_HAN}]+")


def tokens(texts: Iterable[str]) -> set[str]:
    """The distinct tokens of a row's texts; numbers and marks are none."""
    plain = (unicodedata.normalize("NFKC", text).casefold() for text in texts)
    return {token for text in plain for token in _TOKEN.findall(text)}


def is_character(token: str) -> bool:
    """Whether a token is a character of Chinese, which can be rendered alone."""
    return re.fullmatch(f"[{_HAN}]", token) is not None
