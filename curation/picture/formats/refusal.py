"""Why a file is not an image we take: a closed set of codes and the one exception."""

import re
from typing import Literal, get_args

Reason = Literal[
    "empty",
    "html",
    "not-a-picture",
    "unsupported",
    "bomb",
    "truncated",
    "corrupt",
    "memory",
]
REASONS: dict[Reason, str] = {
    "empty": "no bytes at all",
    "html": "a web page or other markup (HTML, XML) under an image's name",
    "not-a-picture": "text, an archive, zeros or unknown bytes; no image format begins so",
    "unsupported": "a real image format, or a variant of one of ours, that is not taken",
    "bomb": "more pixels, frames, parts or metadata than any honest file has",
    "truncated": "the file ends, or its pixel data end, before the image does",
    "corrupt": "structure, checksum or pixel data are damaged",
    "memory": "this machine had too little memory for the image; not the file's fault",
}
assert set(REASONS) == set(get_args(Reason))

_LONGEST_DETAIL = 200
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_QUOTED = re.compile(r"""b?(['"]).*\1""")  # what a decoder quotes may be the file's own bytes
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class PictureError(Exception):
    """A file that is not a whole, safe image.

    ``reason`` is one of ``REASONS``; ``detail`` is one line of printable ASCII, the same for the
    same bytes (no memory addresses), without quotations, at most 200 characters. ``str()`` is
    ``reason: detail``.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        detail = _UNPRINTABLE.sub(" ", _QUOTED.sub("...", _ADDRESS.sub("", detail))).strip()[
            :_LONGEST_DETAIL
        ]
        super().__init__(reason, detail)  # both, so that it survives pickling between workers
        self.reason: Reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason
