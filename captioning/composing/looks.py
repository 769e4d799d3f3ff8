"""What the pixels of an image say by themselves: its medium, greyness and colours.

Cautious on purpose: between photograph and graphic lies everything that is called an image. What
looks like a page is one only where text was read in it.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from captioning.composing import palette
from curation.picture.colours import Colour
from curation.signals import grounds

Medium = Literal["photograph", "graphic", "page", "image"]
SIDE = 384  # pixels of the longer side that is looked at
# A photograph has noise or shading nearly everywhere; a graphic is flat, and of few colours.
PHOTO_FLAT, PHOTO_SMOOTH = 0.04, 0.4  # of the pixels whose neighbours differ by 0 and <= 2 levels
PHOTO_PAGE = 0.45  # share of the commonest colour, at most
PHOTO_ENTROPY = (4.5, 10.0)  # bits of the colours: what has more of them is noise
GRAPHIC_FLAT, GRAPHIC_COLOURS = 0.55, 0.8  # flat pixels; those of the five commonest colours
FEW = 5
# What stands on a graphic's ground has flat parts, or hard edges alone as letters have; a cut-out
# photograph is shaded there.
SHADED_AT_MOST, SHADING = 0.25, (2, 24)  # of its pixels; levels to a neighbour
FLAT_AT_LEAST = 0.25  # of its pixels
GREY = 8  # levels between channels of a grey pixel ...
ALL = 0.995  # ... and the share of such pixels in a black-and-white image
SHADES, SHADED = 32, 0.2  # levels from black and from white; share of pixels between
EVEN = 12  # levels of deviation, from which on an image has shades


@dataclass(frozen=True)
class Looks:
    """``ground`` is the plain colour around everything; ``colours`` share most of the
    image where they ``are_main``; else each has a good part of it.
    """

    medium: Medium = "image"
    is_grey: bool = False
    ground: Colour | None = None
    colours: tuple[Colour, ...] = ()
    are_main: bool = False


def looks(rgb: NDArray[np.uint8]) -> Looks:
    """Of an (H, W, 3) image."""
    small = _reduced(rgb, SIDE)
    return Looks(_medium(small), _is_grey(small), palette.ground(small), *palette.colours(rgb))


def _reduced(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    height, width = (max(1, round(length * scale)) for length in rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _medium(rgb: NDArray[np.uint8]) -> Medium:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    around = np.ones((3, 3), np.uint8)
    change = cv2.subtract(cv2.dilate(grey, around), cv2.erode(grey, around))
    flat, smooth = float((change == 0).mean()), float((change <= 2).mean())
    coarse = (rgb >> 4).astype(np.int32)
    cells = (coarse[..., 0] << 8) | (coarse[..., 1] << 4) | coarse[..., 2]
    counts = np.bincount(cells.ravel())
    shares = np.sort(counts[counts > 0] / counts.sum())
    if flat > GRAPHIC_FLAT and shares[-FEW:].sum() > GRAPHIC_COLOURS:
        figure = change[cells != int(counts.argmax())]
        shaded = (figure >= SHADING[0]) & (figure <= SHADING[1])
        if shaded.sum() >= SHADED_AT_MOST * max(1, figure.size):
            return "image"
        return "graphic" if (figure == 0).sum() >= FLAT_AT_LEAST * figure.size else "page"
    entropy = -float((shares * np.log2(shares)).sum())
    is_noisy = flat < PHOTO_FLAT and smooth < PHOTO_SMOOTH
    is_varied = PHOTO_ENTROPY[0] < entropy < PHOTO_ENTROPY[1]
    if is_noisy and is_varied and grounds.page_share(rgb) < PHOTO_PAGE:
        return "photograph"
    return "image"


def _is_grey(rgb: NDArray[np.uint8]) -> bool:
    apart = rgb.max(axis=2).astype(np.int16) - rgb.min(axis=2)
    luma = rgb[..., 1]
    shaded = ((luma > SHADES) & (luma < 255 - SHADES)).mean()
    return bool((apart <= GREY).mean() >= ALL and shaded >= SHADED and luma.std() >= EVEN)
