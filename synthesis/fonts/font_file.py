"""A face: where it is, what it is called, and which characters it can render."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class FontFile:
    """One face: a file and its index in it, its names, and its weight (OS/2, 100 to 1000)."""

    path: str
    index: int
    family: str
    style: str
    postscript: str
    weight: int

    def __hash__(self) -> int:  # faces are keys everywhere: a third of the generated one's time
        return hash((self.path, self.index))

    @property
    def digest(self) -> str:
        """BLAKE2b-128 of the file's bytes and the face's index."""
        return f"{file_digest(self.path)}:{self.index}"


@dataclass(frozen=True)
class Entry:
    """A face and what it covers, as ranges in hexadecimal: ``20-7e,a1``.

    ``inkless`` are characters that map to a glyph without an outline though they should have one
    (extents of zero: the same set as rendering each glyph and looking for a dark pixel finds).
    ``ill_set`` are combining marks that run into each other or stand beside their letters
    (``marks.py``): they count as if the face lacked them.
    """

    file: FontFile
    mapped: str
    inkless: str
    ill_set: str

    @property
    def characters(self) -> frozenset[int]:
        """The code points in the character map that can be read where they are set."""
        known = self.mapped_characters
        return known - _expanded(self.ill_set) if self.ill_set else known

    @property
    def mapped_characters(self) -> frozenset[int]:
        """The code points in the character map."""
        return _expanded(self.mapped)

    @property
    def renderable(self) -> frozenset[int]:
        """The code points in the character map that leave ink, and spaces."""
        return self.characters - _expanded(self.inkless) if self.inkless else self.characters


@cache
def file_digest(path: str) -> str:
    """BLAKE2b-128 of the file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def ranges(codes: Iterable[int]) -> str:
    """The code points as ranges in hexadecimal, ascending: ``20-7e,a1``."""
    spans: list[list[int]] = []
    for code in sorted(codes):
        if spans and code == spans[-1][1] + 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return ",".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in spans)


@cache
def _expanded(spans: str) -> frozenset[int]:
    """The code points of the ranges; a collection's faces share one set."""
    pairs = (part.partition("-") for part in spans.split(",") if part)
    return frozenset(
        code
        for first, _, last in pairs
        for code in range(int(first, 16), int(last or first, 16) + 1)
    )
