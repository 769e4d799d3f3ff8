"""Whether a caption is the name of a file by its form alone: no list of cameras says so.

A file name is without spaces, and joins its parts by underscores, or more of them by hyphens than
words do; or it bears a size in pixels, a running number with zeros before it, a UUID, a random
string, the vocabulary of a page's pictures, or the mark of a copy. Words of a language have none of
these: jack-in-the-box, WH-1000XM4 and Boeing 747 are left alone.
"""

import re
from itertools import pairwise

_COPY = re.compile(
    r"[\s_\-]{0,3}(?:\(\d{1,2}\)|\(?(?:copy|edit|edited|\u526f\u672c|\u62f7\u8d1d)\)?(?: ?\d{1,3})?"
    r"|\u7684\u526f\u672c|~\d{1,2}(?:\.\w{2})?|@[1-4]x)(?=(?:\.\w{2,4})?$)|^copy of ",
    re.IGNORECASE,
)
_NAME = re.compile(r"[\w.+~@!\-]{3,160}")
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?=.*[^\W_][\-_.@]).*(?<![0-9])\d{2,4}(?:x\d{2,4}|px)(?![a-z0-9]).*",  # a size in pixels
        r"\d{2,4}px-.*|.*[^\W_]@[1-4]x",
        r"[a-z]{1,12}[\-_]?(?:0\d{3,}|\d{7,})",  # a running number
        r".*(?<![0-9a-z])(?:19|20)\d{6}[\-_t]\d{4,6}(?!\d).*",  # a time
        r".*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}.*",  # a UUID
    )
)
_JOINED = re.compile(r"[^\W_]_+[^\W_]")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){4,}")
_OF_PAGES = re.compile(
    r"bg|background|banner|btn|button|cover|default|desktop|favicon|final|footer|full|header|hero"
    r"|home|icon|img|image|large|lg|logo|main|medium|mobile|photo|pic|placeholder|preview|scaled"
    r"|screenshot|slider?|small|sm|sprite|thumb|thumbnail|web|v\d",
    re.IGNORECASE,
)
_PATH = re.compile(r"[a-z]:\\\S.{0,300}|\\\\\S{3,300}|~?/[^\s/]{1,80}/\S{0,300}", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9]{10,}")
SWITCHES = 5  # between digits, small and capital letters from which on a string is random


def is_name(text: str) -> bool:
    """Whether a text, letters as they are written, is the name or the path of a file."""
    text = text.strip()
    if _PATH.fullmatch(text):
        return True
    bare = _COPY.sub("", text)
    if not _NAME.fullmatch(bare):
        return False
    if bare != text and (sum(map(str.isdigit, bare)) >= 3 or _is_counted(text, bare)):
        return True
    return any(
        any(form.fullmatch(of) for form in _FORMS)
        or _is_joined(of)
        or _is_slug(of)
        or _is_random(of)
        for of in (text, bare)
        if _NAME.fullmatch(of)
    )


def _is_counted(text: str, bare: str) -> bool:
    """Whether it is one word in small letters with a number in brackets: download (3)."""
    return text.endswith(")") and text[-2].isdigit() and bare.isascii() and bare.islower()


def _is_joined(text: str) -> bool:
    """Whether an underscore joins letters, in any script where there is a digit, too."""
    letters = text.isascii() or any(map(str.isdigit, text))
    return letters and any(map(str.isalpha, text)) and _JOINED.search(text) is not None


def _is_slug(text: str) -> bool:
    parts = re.split(r"[\-_.]", text)
    known = sum(_OF_PAGES.fullmatch(part) is not None for part in parts)
    slug = _SLUG.fullmatch(text) is not None and len(set(parts)) > len(parts) / 2
    return slug or (len(parts) > 1 and known >= 2)


def _is_random(text: str) -> bool:
    return any(
        sum(_kind(a) != _kind(b) and (_kind(a), _kind(b)) != ("A", "a") for a, b in pairwise(run))
        >= SWITCHES
        for run in _RUN.findall(text)
    )


def _kind(character: str) -> str:
    return "0" if character.isdigit() else "A" if character.isupper() else "a"
