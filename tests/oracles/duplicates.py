"""Duplicates by their definition: every row compared with every other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Contender:
    """A row: its 64-bit ``hash``, its ``content``, and its ``rank``, the smallest being the best.

    ``captions`` of 0 say nothing. Where ``by_bytes_alone``, looking alike makes no duplicate of it.
    """

    hash: int
    content: str
    rank: Any
    by_bytes_alone: bool = False
    captions: int = 0


@dataclass(frozen=True)
class Duplicate:
    """Whether a row of higher rank has the same bytes; whether one says the same of them as well;
    whether the best that looks alike has others; and whose content that is, the near one first.
    """

    exact: bool
    pair: bool
    near: bool
    representative: str | None


MIRRORED = sum(
    1 << bit for bit in range(64) if (63 - bit) % 8 % 2
)  # odd columns, first bit highest


def token(hash_: int) -> int:
    """What stands for a hash and that of the mirror image."""
    return min(hash_, hash_ ^ MIRRORED)


def apart(first: int, second: int) -> int:
    """Differing bits, of the second or of its mirror image."""
    return min((first ^ second).bit_count(), (first ^ second ^ MIRRORED).bit_count())


def pairs_within(hashes: Iterable[int], radius: int) -> set[tuple[int, int]]:
    """The pairs of distinct tokens at most ``radius`` bits apart, the smaller first."""
    values = sorted({token(int(value)) for value in hashes})
    return {
        (first, second)
        for number, first in enumerate(values)
        for second in values[number + 1 :]
        if apart(first, second) <= radius
    }


def duplicates(rows: Sequence[Contender], radius: int) -> list[Duplicate]:
    """What each row is."""
    return [_duplicate(row, rows, radius) for row in rows]


def _duplicate(row: Contender, rows: Sequence[Contender], radius: int) -> Duplicate:
    ahead = [other for other in rows if other.rank < row.rank]
    same = [other for other in ahead if other.content == row.content]
    pair = [other for other in same if row.captions in (0, other.captions)]
    alike = [other for other in rows if apart(other.hash, row.hash) <= radius]
    best = min(alike, key=lambda other: other.rank)
    near = not row.by_bytes_alone and best.content != row.content
    of = best.content if near else row.content if same else None
    return Duplicate(bool(same), bool(pair), near, of)
