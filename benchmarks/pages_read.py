"""What a model made of held-out pages, read by an OCR model that has never seen ours.

The reader is PP-OCR, which ships inside ``rapidocr`` and knows thousands of hanzi. It finds lines
anywhere and of any size; its own ceiling is what it reads of true pages after the autoencoder.

Shapes: B pages, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmarks.pages_rendered import SIDE, Page
from curation.networks.edit_distance import edits
from curation.networks.ocr import Region, TextReader
from curation.picture import contact_sheet
from synthesis.proofreading import normalised
from train.checkpoint import load_for_inference
from train.generating import Generator
from train.pixels import as_image, scaled

_ENLARGED = 2.0  # the page, before lines are searched
_SAME = 0.5  # of a line's height or width: lines nearer than that stand in one row or column
_BATCH = 50


@dataclass(frozen=True)
class Figures:
    """Shares of ``pages`` read exactly, and of their hanzi read (1 - edit distance / length)."""

    exact: float
    characters: float
    pages: int


class PageReader:
    """Reads short texts anywhere on a page, in rows or in columns from the right."""

    @cached_property
    def _reader(self) -> TextReader:
        return TextReader()

    def read(self, rgb: NDArray[np.uint8]) -> tuple[str, str]:
        """What an (H, W, 3) page says, its lines taken as rows, and as columns."""
        regions = self._reader.page(rgb, _ENLARGED)
        return _joined(regions, 1, 0, 1), _joined(regions, 0, 1, -1)

    def wrong(self, rgb: NDArray[np.uint8], text: str) -> int:
        """How many hanzi of the ``text`` are not read, of the better order; more than it has where
        the page says more.
        """
        return min(edits(normalised(text), normalised(read)) for read in self.read(rgb))

    def judge(self, images: Sequence[NDArray[np.uint8]], texts: Sequence[str]) -> list[int]:
        """``wrong`` of each page."""
        return [self.wrong(image, text) for image, text in zip(images, texts, strict=True)]


def _joined(regions: Sequence[Region], across: int, along: int, direction: int) -> str:
    """Lines in order: those at the same place ``across`` (an axis) are read ``along`` the other."""
    placed = sorted(regions, key=lambda each: direction * each.corners[:, across].mean())
    groups: list[list[Region]] = []
    for region in placed:
        extent = np.ptp(region.corners[:, across])
        last = groups[-1][-1].corners[:, across].mean() if groups else np.inf
        if abs(region.corners[:, across].mean() - last) < _SAME * extent:
            groups[-1].append(region)
        else:
            groups.append([region])
    ordered = [sorted(group, key=lambda each: each.corners[:, along].mean()) for group in groups]
    return "".join(region.text for group in ordered for region in group)


def figures(wrong: Sequence[int], texts: Sequence[str]) -> Figures:
    """Of pages with so many hanzi ``wrong``."""
    read = [max(0, len(text) - bad) for bad, text in zip(wrong, texts, strict=True)]
    return Figures(
        exact=sum(not bad for bad in wrong) / len(texts),
        characters=sum(read) / sum(map(len, texts)),
        pages=len(texts),
    )


def ceiling(reader: PageReader, checkpoint: Path, pages: Sequence[Page]) -> tuple[Figures, Figures]:
    """What is read of true pages as they are, and after the autoencoder."""
    texts = [page.text for page in pages]
    raw = reader.judge([page.pixels for page in pages], texts)
    autoencoder = load_for_inference(checkpoint).autoencoder
    truth = torch.cat([scaled(page.pixels) for page in pages])
    kept = _bytes(autoencoder.decode(autoencoder.encode(truth)).float())
    return figures(raw, texts), figures(reader.judge(kept, texts), texts)


def generated(checkpoint: Path, pages: Sequence[Page]) -> list[NDArray[np.uint8]]:
    """What the model of a checkpoint makes of the captions, by its averaged weights."""
    loaded = load_for_inference(checkpoint)
    if loaded.configuration is None:
        raise ValueError(f"{checkpoint}: no training output of ours")
    parts = (loaded.transformer, loaded.text_encoder, loaded.autoencoder)
    generator = Generator(*parts, loaded.configuration, "cpu")
    cells = (SIDE // loaded.autoencoder.factor,) * 2
    made: list[NDArray[np.uint8]] = []
    for start in range(0, len(pages), _BATCH):
        captions = [page.caption for page in pages[start : start + _BATCH]]
        seeds = range(start, start + len(captions))
        made += _bytes(generator.generate(captions, cells, seeds))
    return made


def sheet(
    made: Sequence[NDArray[np.uint8]], pages: Sequence[Page], wrong: Sequence[int]
) -> Image.Image:
    """Generated pages with the texts that were asked for; those read wrongly have a red frame."""
    images = [Image.fromarray(image) for image in made]
    framed = [place for place, bad in enumerate(wrong) if bad]
    texts = [page.text for page in pages]
    return contact_sheet.compose(images, texts, columns=8, side=SIDE, framed=framed).image


def _bytes(images: Tensor) -> list[NDArray[np.uint8]]:
    """(B, 3, H, W) in [-1, 1] to B of (H, W, 3)."""
    return [np.asarray(as_image(image)) for image in images]
