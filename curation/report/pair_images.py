"""An edit pair's images for the page: its inputs, and where the result differs from the nearest."""

from dataclasses import dataclass

import cv2
import numpy as np

from curation.picture import decoding
from curation.report.images import Image, encoded
from curation.signals.pair import Pixels, resized, scaled
from curation.signals.pair_changes import Mask, changed
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
    result = scaled(pictures[0].rgb)
    masks = [changed(pictures[0].rgb, of.rgb) for of in pictures[1:]]
    where = min(masks, key=lambda of: float(of.mean()))
    share, mask = float(where.mean()), None
    if sample.edit_mask:
        mask = encoded(decoding.decode(sample.edit_mask["bytes"]).rgb)
    return PairImages(
        tuple(encoded(of.rgb) for of in pictures[1:]),
        encoded(marked(result, _scaled(where, result))),
        share,
        share < ALL,
        mask,
    )


def _scaled(where: Mask, rgb: Pixels) -> Mask:
    """What lies in a pixel of ``rgb`` of what is true in a mask of another size."""
    size = rgb.shape[1], rgb.shape[0]
    return resized(where.astype(np.uint8) * 255, size) > 0


def marked(rgb: Pixels, where: Mask) -> Pixels:
    """The image with what is the same (h, w) faded, and an outline around what changed."""
    if where.mean() >= ALL:
        return rgb
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP, GAP))
    region = cv2.morphologyEx(where.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    region = cv2.dilate(region, kernel)
    faded = 255 * FADED + rgb.astype(np.float32).mean(axis=2, keepdims=True) * (1 - FADED)
    shown = np.where(region[..., None] > 0, rgb, faded).astype(np.uint8)
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    shown = np.ascontiguousarray(shown)
    cv2.drawContours(shown, outlines, -1, OUTLINE, THICK if where.mean() > SMALL else 1)
    return shown
