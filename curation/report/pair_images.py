"""An edit pair's images for the page: its inputs, and where the result differs from the nearest."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture import decoding
from curation.report.images import Image, encoded
from curation.signals.pair import Pair, Pixels
from curation.signals.pair_changes import NOISE, difference
from curation.sources.sample import Sample

OUTLINE = (230, 0, 122)  # RGB: seldom in photographs, and seen on light and dark
FADED = 0.75  # of what is the same: how much of it is white
GAP = 5  # pixels between parts that are outlined as one
THICK, SMALL = 2, 0.02  # pixels of the line, but 1 around changes of at most that share
ALL = 0.6  # share of the image from which on an outline says nothing


@dataclass(frozen=True)
class PairImages:
    """The ``inputs``, the result with what changed ``marked``, the ``mask`` that the source knows,
    and the ``share`` of pixels that differ; what changed all over is not outlined.
    """

    inputs: tuple[Image, ...]
    marked: Image
    share: float
    is_outlined: bool
    mask: Image | None = None


def of_sample(sample: Sample) -> PairImages | None:
    """The images of a pair; None for any other row. Raises ``PictureError``."""
    if not sample.inputs or sample.data is None:
        return None
    pictures = [decoding.decode(of) for of in (sample.data, *(of.data for of in sample.inputs))]
    result, inputs = Pair(pictures[0], pictures[1:]).aligned
    changed = min((difference(result, of) > NOISE for of in inputs), key=np.count_nonzero)
    share, mask = float(changed.mean()), None
    if sample.edit_mask:
        mask = encoded(decoding.decode(sample.edit_mask["bytes"]).rgb)
    return PairImages(
        tuple(encoded(of.rgb) for of in pictures[1:]),
        encoded(marked(result, changed)),
        share,
        share < ALL,
        mask,
    )


def marked(rgb: Pixels, changed: NDArray[np.bool_]) -> Pixels:
    """The image with what is the same (h, w) faded, and an outline around what changed."""
    if changed.mean() >= ALL:
        return rgb
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP, GAP))
    region = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    region = cv2.dilate(region, kernel)
    faded = 255 * FADED + rgb.astype(np.float32).mean(axis=2, keepdims=True) * (1 - FADED)
    shown = np.where(region[..., None] > 0, rgb, faded).astype(np.uint8)
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    shown = np.ascontiguousarray(shown)
    cv2.drawContours(shown, outlines, -1, OUTLINE, THICK if changed.mean() > SMALL else 1)
    return shown
