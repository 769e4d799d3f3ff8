"""Masks in run lengths, as COCO's tools and detectors write them.

Source: the format of https://github.com/cocodataset/cocoapi. Runs go down the columns, first of
what is not in the mask. As text, a count takes five bits a character, the lowest first, and from
the third on is the difference to the one before the last.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
_ZERO, _BITS, _MORE, _SIGN = 48, 5, 32, 16  # of characters
_MOST_BITS = 64


def mask(size: tuple[int, int], counts: str | Sequence[int]) -> Mask:
    """A mask (H, W) of ``size`` H, W. Raises ``ValueError`` for runs that do not fill it."""
    height, width = size
    runs = _read(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if min([height, width, *runs]) < 0 or sum(runs) != height * width:
        raise ValueError(f"the runs of a mask do not fill {height}x{width} pixels (height first)")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def _read(text: str) -> list[int]:
    runs = list[int]()
    value = shift = 0
    for character in text:
        code = ord(character) - _ZERO
        if not 0 <= code < 2 * _MORE or shift > _MOST_BITS:
            raise ValueError(f"the runs of a mask have the character {character!r}")
        value |= (code & (_MORE - 1)) << shift
        shift += _BITS
        if not code & _MORE:
            value -= (1 << shift) if code & _SIGN else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("the runs of a mask end within a count")
    return runs
