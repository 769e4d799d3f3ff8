"""Colours of an image that may be named: its plain ground, and those that have most or much of it.

Where a colour is dark, pale, dull or between two others its name is a matter of taste, and so
nothing is said of it.
"""

from collections import Counter

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import COLOURS, Colour, nearest, oklch
from curation.signals import grounds

SWATCHES = 96  # pixels along the longer side whose colours are named
RIM = 0.03  # of the sides
PLAIN, TOLERANCE = 0.93, 14  # of the rim within so many levels of its median
GROUND = 0.3  # of the image in the colour of the ground
APART, FIGURE = 60, 0.003  # levels from the ground, and share of the pixels, of what stands on it
SHARES = ((0.6, 0.6), (0.2, 0.7), (0.15, 0.8))  # of each of 1, 2, 3 colours; of all together
PART = 0.12  # of the image in a colour that is no main colour, but plain to see
FAMILIES = {  # by the colour that stands for it: what is a shade of it beyond doubt
    "white": ("off-white",),
    "grey": ("light grey", "dark grey"),
    "black": ("charcoal",),
    "beige": ("cream",),
    "brown": ("greyish brown", "dark brown"),
    "yellow": ("pale yellow",),
    "orange": (),
    "red": ("dark red", "maroon"),
    "pink": ("pale pink", "dusty pink"),
    "purple": ("dark purple",),
    "blue": ("pale blue", "sky blue", "greyish blue", "dark blue", "navy blue"),
    "turquoise": ("pale turquoise",),
    "green": ("pale green", "light green", "greyish green", "dark green", "olive", "dark olive"),
}  # fmt: skip
DARK, DARK_CHROMA = 0.34, 0.05  # of OKLCH: what is darker and duller is as good as black
PALE, PALE_CHROMA = 0.965, 0.012  # what is lighter and duller is white
PALISH = 0.87  # what is lighter is hardly grey
ORANGE = 34  # degrees of hue, from which on a red is on its way to orange
VIVID, GREYISH = 0.05, 0.02  # chroma of a colour with a name of its own, and of a grey
BROWN = 0.04  # chroma of a brown: a stone, the moon, a dark roof have less
_FAMILY = {name: head for head, others in FAMILIES.items() for name in (head, *others)}


def ground(rgb: NDArray[np.uint8]) -> Colour | None:
    """The colour of the rim of an (H, W, 3) image, if it is plain, goes on within, and something
    stands on it.
    """
    high, wide = (max(1, round(RIM * length)) for length in rgb.shape[:2])
    sides = (rgb[:high], rgb[-high:], rgb[:, :wide], rgb[:, -wide:])
    colour = np.median(np.concatenate([of.reshape(-1, 3) for of in sides]), axis=0).astype(np.uint8)
    plain = min(grounds.share_of(of, colour, TOLERANCE) for of in sides) >= PLAIN
    away = cv2.absdiff(rgb, np.full_like(rgb, colour)).max(axis=2) >= APART
    if plain and grounds.share_of(rgb, colour, TOLERANCE) >= GROUND and away.mean() >= FIGURE:
        named = _named(colour)
        return named if named.english != "white" or _family(colour) == "white" else None
    return None


def colours(rgb: NDArray[np.uint8]) -> tuple[tuple[Colour, ...], bool]:
    """Of an (H, W, 3) image: at most three, the commonest first; whether they share most of it."""
    step = max(1, max(rgb.shape[:2]) // SWATCHES)  # not reduced: bars and letters would blend
    small = rgb[::step, ::step]
    coarse = (small >> 3 << 3) | 4  # hardly other colours, and few enough to be named fast
    values, counts = np.unique(coarse.reshape(-1, 3), axis=0, return_counts=True)
    areas: Counter[str] = Counter()
    for value, count in zip(values, counts, strict=True):
        if family := _family(value):
            areas[family] += int(count)
    common = areas.most_common(len(SHARES))
    names, shares = [name for name, _ in common], [area / counts.sum() for _, area in common]
    for count, (each, together) in enumerate(SHARES, start=1):
        if len(shares) >= count and shares[count - 1] >= each and sum(shares[:count]) >= together:
            return tuple(COLOURS[name] for name in names[:count]), True
    parts = [name for name, share in zip(names, shares, strict=True) if share >= PART]
    return tuple(COLOURS[name] for name in parts), False


def _family(colour: NDArray[np.uint8]) -> str | None:
    """Which colour it is a shade of; None where that is a matter of taste."""
    red, green, blue = (int(value) for value in colour)
    lightness, chroma, hue = oklch((red, green, blue))
    if lightness < DARK and chroma < DARK_CHROMA:
        return "black"
    if lightness > PALE and chroma < PALE_CHROMA:
        return "white"
    family = _FAMILY.get(_named(colour).english)  # what lies between two is of neither
    if (family == "red" and ORANGE < hue < 180) or (family == "brown" and chroma < BROWN):
        return None
    is_grey = family in ("grey", "white", "black")
    if is_grey:
        return "grey" if chroma < GREYISH and DARK <= lightness < PALISH else None
    return family if chroma >= VIVID or family in ("beige", "brown") else None


def _named(colour: NDArray[np.uint8]) -> Colour:
    red, green, blue = (int(value) for value in colour)
    return nearest((red, green, blue))
