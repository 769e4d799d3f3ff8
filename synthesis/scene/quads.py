"""Boxes of a text in the image: the corners of each, and on a bent sheet all that is between."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from synthesis.sample import TextBox
from synthesis.scene.bends import Flat
from synthesis.scene.geometry import Surface
from synthesis.text import words
from synthesis.text.block import Block

Quads = NDArray[np.float64]  # (N, 4, 2): corners clockwise from the top left
_UNIT = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)


def seen(surface: Surface, block: Block, flat: Sequence[TextBox]) -> Quads:
    """Where the boxes of the block, ``flat`` on its sheet, are in the image.

    On a bent sheet the corners of a long line say little of what is between them: there its box
    grows and shrinks with the glyphs it holds, in the perspective of its own corners.
    """
    corners = np.array([box.quad for box in flat], np.float64).reshape(-1, 4, 2)
    quads = surface.project(corners.reshape(-1, 2)).reshape(-1, 4, 2)
    if isinstance(surface.bend, Flat):
        return quads
    glyphs = np.array([number for number, box in enumerate(flat) if box.level == "glyph"])
    held = [*_held(block)]
    numbers = [number for number, _, _ in held]
    maps = _from_unit(quads[numbers])
    before = _within(_from_unit(corners[numbers]), corners[glyphs], held)
    after = _within(maps, quads[glyphs], held)
    quads[numbers] = _mapped(maps, _UNIT + _at_corners(after - before))
    return quads


def _held(block: Block) -> Iterator[tuple[int, int, int]]:
    """The number of each box that holds others, its first glyph and the one after its last."""
    number, first = 1, 0
    yield 0, 0, sum(len(line.clusters) for line in block.lines)
    for line in block.lines:
        yield number, first, first + len(line.clusters)
        number += 1
        for word, clusters in words.of(line):
            if word:
                yield number, first, first + len(clusters)
            number += bool(word) + len(clusters)
            first += len(clusters)


def _within(
    maps: NDArray[np.float64], glyphs: Quads, held: Sequence[tuple[int, int, int]]
) -> NDArray[np.float64]:
    """(N, 2, 2): the least and the most x and y of the glyphs that each box holds, in its unit
    square, which ``maps`` maps to it.
    """
    counts = np.array([end - first for _, first, end in held])
    members = np.concatenate([np.arange(first, end) for _, first, end in held])
    inner = _mapped(np.repeat(np.linalg.inv(maps), counts, axis=0), glyphs[members])
    starts = np.cumsum(counts) - counts
    low = np.minimum.reduceat(inner.min(axis=1), starts)
    return np.stack([low, np.maximum.reduceat(inner.max(axis=1), starts)], axis=1)


def _at_corners(bounds: NDArray[np.float64]) -> Quads:
    """(N, 4, 2): the corners of rectangles given by their least and most x and y."""
    (left, top), (right, bottom) = bounds.transpose(1, 2, 0)
    x, y = np.stack([left, right, right, left]), np.stack([top, top, bottom, bottom])
    return np.stack([x, y], axis=2).transpose(1, 0, 2)


def _from_unit(quads: Quads) -> NDArray[np.float64]:
    """(N, 3, 3): the projective maps of the unit square onto quads (Heckbert 1989, 2.2.3)."""
    first, second, third, fourth = quads.transpose(1, 0, 2)
    right, low, skew = second - third, fourth - third, first - second + third - fourth
    area = right[:, 0] * low[:, 1] - low[:, 0] * right[:, 1]
    g = ((skew[:, 0] * low[:, 1] - low[:, 0] * skew[:, 1]) / area)[:, None]
    h = ((right[:, 0] * skew[:, 1] - skew[:, 0] * right[:, 1]) / area)[:, None]
    across, down = second - first + g * second, fourth - first + h * fourth
    last = np.concatenate([g, h, np.ones_like(g)], axis=1)
    return np.concatenate([np.stack([across, down, first], axis=2), last[:, None]], axis=1)


def _mapped(maps: NDArray[np.float64], quads: Quads) -> Quads:
    """Quads through one projective map each."""
    through = quads @ maps[:, :, :2].transpose(0, 2, 1) + maps[:, None, :, 2]
    return np.asarray(through[..., :2] / through[..., 2:], np.float64)
