"""Held-out strings: are the cells of a generated image, read by nearest template, what was asked?

It measures what it says and no more: one font, fixed layout, unseen strings of seen glyphs. It
applies to images whose glyph boxes lie on a grid of equal cells, one caption frame per colour.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.data.examples import Example

LABEL = "one font, fixed layout, unseen strings of seen glyphs"
_QUOTED = re.compile('"[^"]*"|“[^”]*”')
_MOST_STYLES = 64  # more caption frames than this are prose, not a colour each

Key = tuple[str, str]  # (character, style); ("", "") is a blank cell


def style(caption: str) -> str:
    """The caption without its quotation: all that a character's looks can depend on."""
    return _QUOTED.sub('""', caption)


class Templates:
    """Averages of every (character, style) over the cells of TRAINING images, blank included.

    ``watch`` is fed with training examples while the data is read, until it returns False.
    """

    def __init__(self) -> None:
        self._sums: dict[Key, NDArray[np.float64]] = {}
        self._counts: dict[Key, int] = defaultdict(int)
        self._cell: tuple[int, int] | None = None  # (width, height) in pixels
        self._styles: set[str] = set()
        self._usable = True

    def watch(self, example: Example, pixels: NDArray[np.uint8]) -> bool:
        """Add the cells of one image (H, W, 3); whether more of them are of use."""
        cell = self._cell or _cell_of(example)
        row = expected(example, cell, (pixels.shape[1], pixels.shape[0])) if cell else None
        self._styles.add(style(example.captions[0]))
        if cell is None or row is None or len(self._styles) > _MOST_STYLES:
            self._usable = False
            return False
        self._cell = cell
        for key, patch in zip(row, _cells(pixels, cell), strict=True):
            self._sums[key] = self._sums.get(key, 0) + patch.astype(np.float64)
            self._counts[key] += 1
        return True

    def reader(self) -> "Reader | None":
        """What reads generated images; None where the training images are no such grid."""
        if not self._usable or self._cell is None:
            return None
        keys = tuple(sorted(self._sums))
        means = np.stack([self._sums[key] / self._counts[key] for key in keys])
        scaled = torch.from_numpy(means).permute(0, 3, 1, 2).float() / 127.5 - 1
        return Reader(keys, scaled.flatten(1), self._cell)


def _cells(pixels: NDArray[np.uint8], cell: tuple[int, int]) -> NDArray[np.uint8]:
    """(cells, height, width, 3) of an image (H, W, 3), row by row."""
    across, down = cell
    rows, columns = pixels.shape[0] // down, pixels.shape[1] // across
    grid = pixels.reshape(rows, down, columns, across, 3).swapaxes(1, 2)
    return grid.reshape(rows * columns, down, across, 3)


def _cell_of(example: Example) -> tuple[int, int] | None:
    if not example.glyphs:
        return None
    left, top, right, bottom = example.glyphs[0].box
    return round(right - left), round(bottom - top)


def expected(example: Example, cell: tuple[int, int], size: tuple[int, int]) -> list[Key] | None:
    """What each cell of an image of ``size`` (width, height) should show, row by row from left to
    right.

    None where the boxes are not on a grid of such cells that fills the image.
    """
    if size[0] % cell[0] or size[1] % cell[1] or not example.glyphs:
        return None
    columns, rows = size[0] // cell[0], size[1] // cell[1]
    keys: list[Key] = [("", "")] * (columns * rows)
    for glyph in example.glyphs:
        left, top, right, bottom = glyph.box
        column, beside = divmod(left, cell[0])
        row, above = divmod(top, cell[1])
        if beside or above or right - left != cell[0] or bottom - top != cell[1]:
            return None
        if not (0 <= column < columns and 0 <= row < rows):
            return None
        keys[int(row) * columns + int(column)] = (glyph.text, style(example.captions[0]))
    return keys


@dataclass(frozen=True)
class Accuracy:
    """``exact`` images (all cells, colour included) of ``images``; ``cells`` right of all."""

    exact: int
    images: int
    cells: int
    all_cells: int

    @property
    def share(self) -> float:
        """Exact images as a share of all, 0 to 1."""
        return self.exact / max(1, self.images)

    def sentence(self) -> str:
        """One line with its honest label."""
        cells = 100 * self.cells / max(1, self.all_cells)
        return (
            f"held-out strings exact: {100 * self.share:.1f} % ({self.exact} of {self.images}),"
            f" cells {cells:.1f} % [{LABEL}]"
        )


@dataclass(frozen=True)
class Reader:
    """Nearest template by squared distance over the pixels of a cell.

    ``templates`` is (K, 3 x height x width) in [-1, 1], in the order of ``keys``.
    """

    keys: tuple[Key, ...]
    templates: Tensor
    cell: tuple[int, int]

    def read(self, images: Tensor) -> list[list[Key]]:
        """The keys of the cells, as ``expected`` has them, of images (B, 3, H, W) in [-1, 1]."""
        batch, channels, height, width = images.shape
        rows, columns = height // self.cell[1], width // self.cell[0]
        grid = images.reshape(batch, channels, rows, self.cell[1], columns, self.cell[0])
        cells = grid.permute(0, 2, 4, 1, 3, 5).reshape(batch * rows * columns, -1)
        nearest = torch.cdist(cells, self.templates).argmin(1)
        read = [self.keys[index] for index in nearest.tolist()]
        return [
            read[start : start + rows * columns] for start in range(0, len(read), rows * columns)
        ]

    def right(self, images: Tensor, examples: Sequence[Example]) -> list[list[bool]]:
        """Per image and cell: does it show what its example does?"""
        size = (images.shape[3], images.shape[2])
        rows = []
        for example, seen in zip(examples, self.read(images), strict=True):
            wanted = expected(example, self.cell, size)
            rows.append([wanted is not None and wanted[n] == key for n, key in enumerate(seen)])
        return rows


def judge(right: Sequence[Sequence[bool]]) -> Accuracy:
    """The accuracy of images whose cells are right or wrong."""
    return Accuracy(
        exact=sum(all(row) for row in right),
        images=len(right),
        cells=sum(sum(row) for row in right),
        all_cells=sum(len(row) for row in right),
    )
