"""Colours: how they are named, and how well two of them can be told apart.

Contrast is the WCAG 2.2 contrast ratio, (L1 + 0.05) / (L2 + 0.05) with L the relative luminance,
1 (none) to 21 (black on white).
"""

import math
from dataclasses import dataclass
from functools import cache, lru_cache

from curation.picture.colour_names import NAMES, REGIONS, Region

RGB = tuple[int, int, int]
_SECTOR = 10  # degrees of hue
_KEPT = 4096  # colours looked up that a process remembers: images repeat few
# how far from a colour its other names may lie: nobody draws the border between two to a hair
_NEAR_LIGHTNESS = 0.03
_NEAR_CHROMA, _NEAR_CHROMA_SHARE = 0.004, 0.12
_NEAR_HUE, _NEAR_DULL_HUE, _DULL = 7.0, 12.0, 0.04  # degrees; below that chroma hues are vague


@dataclass(frozen=True)
class Colour:
    """A named colour: a typical sRGB 0..255 and its name as captions say it."""

    english: str
    chinese: str
    rgb: RGB

    def name(self, language: str) -> str:
        """The name in Chinese for ``zh`` and its kinds, in English for every other language."""
        return self.chinese if language.partition("-")[0] == "zh" else self.english


COLOURS = {english: Colour(english, chinese, rgb) for english, chinese, rgb in NAMES}


def _linear(value: int) -> float:
    scaled = value / 255
    return scaled / 12.92 if scaled <= 0.04045 else float(((scaled + 0.055) / 1.055) ** 2.4)


_LINEAR = tuple(map(_linear, range(256)))


def relative_luminance(rgb: RGB) -> float:
    """WCAG relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = rgb
    return 0.2126 * _LINEAR[red] + 0.7152 * _LINEAR[green] + 0.0722 * _LINEAR[blue]


def contrast_ratio(colour: RGB, other: RGB) -> float:
    """WCAG contrast ratio of two colours, 1 to 21, whichever is the lighter."""
    first, second = relative_luminance(colour) + 0.05, relative_luminance(other) + 0.05
    return first / second if first > second else second / first


@lru_cache(maxsize=_KEPT)
def nearest(rgb: RGB) -> Colour:
    """The colour by the name it would be given: by the region of OKLCH it lies in."""
    return _region(*oklch(rgb))


@lru_cache(maxsize=_KEPT)
def names(rgb: RGB) -> tuple[Colour, ...]:
    """All the names that are true of a colour, ``nearest`` first: it may lie near a border."""
    lightness, chroma, hue = oklch(rgb)
    by = _NEAR_CHROMA + _NEAR_CHROMA_SHARE * chroma
    turn = _NEAR_HUE if chroma > _DULL else _NEAR_DULL_HUE
    around = [
        (lightness, chroma, hue),
        (lightness, max(0.0, chroma - by), hue),
        (lightness, chroma + by, hue),
        (lightness - _NEAR_LIGHTNESS, chroma, hue),
        (lightness + _NEAR_LIGHTNESS, chroma, hue),
        (lightness, chroma, hue - turn),
        (lightness, chroma, hue + turn),
    ]
    return tuple(dict.fromkeys([_region(*place) for place in around]))


def _region(lightness: float, chroma: float, hue: float) -> Colour:
    hue, lightness = hue % 360, min(max(lightness, 0.0), 1.0)
    for region in _by_hue()[int(hue / _SECTOR)]:
        (least, most), (dull, vivid) = region.lightness, region.chroma
        if least <= lightness < most and dull <= chroma < vivid and _turns_to(region, hue):
            return COLOURS[region.name]
    raise AssertionError(f"no name for OKLCH {lightness:.3f} {chroma:.3f} {hue:.0f}")


def _turns_to(region: Region, hue: float) -> bool:
    start, end = region.hue
    return start <= hue < end if start < end else hue >= start or hue < end


@cache
def _by_hue() -> tuple[tuple[Region, ...], ...]:
    """For every sector of hues the regions that reach into it, in their order."""
    return tuple(
        tuple(
            region
            for region in REGIONS
            if _turns_to(region, low) or low <= region.hue[0] < low + _SECTOR
        )
        for low in range(0, 360, _SECTOR)
    )


@lru_cache(maxsize=_KEPT)
def oklch(rgb: RGB) -> tuple[float, float, float]:
    """Lightness 0 to 1, chroma 0 to about 0.32 and hue in degrees of an sRGB colour, in OKLCH."""
    red, green, blue = [_LINEAR[value] for value in rgb]
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


@lru_cache(maxsize=_KEPT)
def lab(rgb: RGB) -> tuple[float, float, float]:
    """CIELAB under D65 of an sRGB colour (IEC 61966-2-1, then CIE 15)."""
    red, green, blue = [_LINEAR[value] for value in rgb]
    x = _response((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047)
    y = _response(0.2126729 * red + 0.7151522 * green + 0.0721750 * blue)
    z = _response((0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _response(value: float) -> float:
    """The cube root, straight near black, as CIE 15 has it."""
    return float(value ** (1 / 3)) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
