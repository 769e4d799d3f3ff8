"""Colours by name, and how well two of them can be told apart.

Contrast is the WCAG 2.2 contrast ratio, (L1 + 0.05) / (L2 + 0.05) with L the relative luminance,
1 (none) to 21 (black on white).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from random import Random

RGB = tuple[int, int, int]
STRINGS_CONTRAST = 3.0  # WCAG 2.2, 1.4.3, large text: the least contrast of mode "strings"
PARAGRAPH_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, body text: the least contrast of mode "pure"


@dataclass(frozen=True)
class Colour:
    """A named colour: sRGB 0..255 and its name as captions say it."""

    english: str
    chinese: str
    rgb: RGB

    def name(self, language: str) -> str:
        """The name in Chinese for ``zh`` and its kinds, in English for every other language."""
        return self.chinese if language.partition("-")[0] == "zh" else self.english


def _linear(value: int) -> float:
    scaled = value / 255
    return scaled / 12.92 if scaled <= 0.04045 else float(((scaled + 0.055) / 1.055) ** 2.4)


_LINEAR = tuple(map(_linear, range(256)))


def relative_luminance(rgb: RGB) -> float:
    """WCAG relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = rgb
    return 0.2126 * _LINEAR[red] + 0.7152 * _LINEAR[green] + 0.0722 * _LINEAR[blue]


def contrast_ratio(one: RGB, other: RGB) -> float:
    """WCAG contrast ratio of two colours, 1 to 21, whichever is the lighter."""
    first, second = relative_luminance(one) + 0.05, relative_luminance(other) + 0.05
    return first / second if first > second else second / first


WHITE = Colour("white", "白色", (255, 255, 255))
STRINGS_INKS = (
    Colour("red", "红色", (204, 24, 32)),
    Colour("green", "绿色", (0, 128, 48)),
    Colour("blue", "蓝色", (24, 72, 208)),
    Colour("black", "黑色", (16, 16, 16)),
    Colour("orange", "橙色", (224, 108, 0)),
    Colour("purple", "紫色", (128, 32, 160)),
)

LIGHT = (
    WHITE,
    Colour("cream", "米色", (247, 238, 214)),
    Colour("light grey", "浅灰色", (218, 220, 224)),
    Colour("pale yellow", "浅黄色", (249, 241, 158)),
    Colour("pale blue", "浅蓝色", (203, 226, 248)),
    Colour("pale green", "浅绿色", (206, 238, 206)),
    Colour("pink", "粉色", (248, 210, 222)),
    Colour("lavender", "淡紫色", (224, 212, 246)),
    Colour("yellow", "黄色", (252, 208, 44)),
    Colour("orange", "橙色", (246, 158, 56)),
)
DARK = (
    Colour("black", "黑色", (16, 16, 18)),
    Colour("dark grey", "深灰色", (66, 68, 74)),
    Colour("navy blue", "藏青色", (16, 30, 74)),
    Colour("blue", "蓝色", (24, 80, 196)),
    Colour("dark green", "深绿色", (12, 66, 44)),
    Colour("green", "绿色", (16, 120, 56)),
    Colour("red", "红色", (196, 24, 36)),
    Colour("dark red", "深红色", (112, 20, 32)),
    Colour("brown", "棕色", (100, 60, 28)),
    Colour("purple", "紫色", (104, 40, 140)),
    Colour("teal", "青色", (18, 98, 106)),
)
MIDDLE = (
    Colour("grey", "灰色", (146, 148, 152)),
    Colour("sky blue", "天蓝色", (120, 186, 238)),
    Colour("light green", "草绿色", (132, 204, 140)),
    Colour("tan", "浅棕色", (206, 170, 126)),
    Colour("turquoise", "绿松石色", (62, 186, 178)),
    Colour("coral", "珊瑚色", (240, 128, 108)),
    Colour("rose", "玫红色", (196, 28, 104)),
    Colour("olive", "橄榄色", (100, 104, 40)),
)
PALETTE = LIGHT + MIDDLE + DARK
_ON_DARK = ("white", "cream", "pale yellow")
# inks by the background they go with: black and its kin on anything light, else neighbours in
# hue or a quiet contrast; loud pairs (red on blue, green on pink) are nowhere
_INKS = {
    "white": (*(one.english for one in DARK), "rose", "olive"),
    "cream": ("black", "dark grey", "navy blue", "brown", "dark red", "dark green", "teal"),
    "light grey": ("black", "dark grey", "navy blue", "blue", "dark red", "purple", "teal"),
    "pale yellow": ("black", "dark grey", "navy blue", "brown", "dark red", "dark green"),
    "pale blue": ("black", "dark grey", "navy blue", "blue", "teal", "purple"),
    "pale green": ("black", "dark grey", "dark green", "navy blue", "teal", "brown"),
    "pink": ("black", "dark grey", "dark red", "purple", "brown", "navy blue"),
    "lavender": ("black", "dark grey", "purple", "navy blue"),
    "yellow": ("black", "dark grey", "navy blue", "brown", "dark red"),
    "orange": ("black", "navy blue"),
    "grey": ("black", "navy blue"),
    "sky blue": ("black", "navy blue"),
    "light green": ("black", "dark green", "navy blue"),
    "tan": ("black", "navy blue", "dark red"),
    "turquoise": ("black", "navy blue"),
    "coral": ("black", "navy blue"),
    "rose": ("white", "cream", "pale yellow"),
    "olive": ("white", "cream", "pale yellow"),
    "black": (*_ON_DARK, "yellow", "pale blue", "pale green", "pink", "orange", "light grey"),
    "dark grey": (*_ON_DARK, "yellow", "pale blue", "orange"),
    "navy blue": (*_ON_DARK, "yellow", "pale blue", "pink"),
    "blue": (*_ON_DARK, "pale blue"),
    "dark green": (*_ON_DARK, "pale green", "yellow"),
    "green": _ON_DARK,
    "red": _ON_DARK,
    "dark red": (*_ON_DARK, "pink", "yellow"),
    "brown": (*_ON_DARK, "yellow"),
    "purple": (*_ON_DARK, "lavender", "pink"),
    "teal": (*_ON_DARK, "pale blue", "pale green"),
}
_PLAIN = frozenset({"white", "black", "cream"})
_PLAIN_WEIGHT = 3  # plain backgrounds and inks are that many times as likely as the others
_TONES = {"light": LIGHT, "middle": MIDDLE, "dark": DARK}
_SHARES = {"light": 0.62, "middle": 0.1, "dark": 0.28}  # of the backgrounds
_BY_NAME = {one.english: one for one in PALETTE}
_KEPT = 4096  # colours looked up that a process remembers: pictures repeat few
BRIGHTEST_TINT = 252  # of 255
JITTER = 4  # of 255: how far a drawn colour may be from the palette's, per channel
GRADIENT = 7  # of 255: how far the ends of a gradient are from its middle, per channel


@dataclass(frozen=True)
class Pair:
    """A background and an ink by name, with the RGB drawn; ``far_end`` ends a gradient.

    ``contrast`` is the least contrast ratio of the ink with any part of the background.
    """

    background: Colour
    ink: Colour
    near_end: RGB
    far_end: RGB
    ink_rgb: RGB

    @property
    def contrast(self) -> float:
        """WCAG contrast ratio of the ink with the background's less contrasting end."""
        return min(contrast_ratio(self.ink_rgb, end) for end in (self.near_end, self.far_end))

    @property
    def is_gradient(self) -> bool:
        """Whether the background changes from one end to the other."""
        return self.near_end != self.far_end


def choose_pair(
    random: Random, *, gradient: bool, light: bool = False, least: float = PARAGRAPH_CONTRAST
) -> Pair:
    """A background and an ink that go together, with ``contrast`` >= ``least``.

    ``light`` asks for a light background. Colours stay clear of the walls of the RGB cube, where
    signals see clipping.
    """
    while True:
        tone = "light" if light else random.choices([*_SHARES], [*_SHARES.values()])[0]
        background = _backgrounds(tone, least).drawn(random)
        ink = _inks(background.english, least).drawn(random)
        middle = _moved(background.rgb, [random.randint(-JITTER, JITTER) for _ in range(3)])
        slope = GRADIENT if gradient else 0
        near_end, far_end = _moved(middle, [slope] * 3), _moved(middle, [-slope] * 3)
        ink_rgb = _moved(ink.rgb, [random.randint(-JITTER, JITTER) for _ in range(3)])
        pair = Pair(background, ink, near_end, far_end, ink_rgb)
        if pair.contrast >= least:
            return pair


class _Weighted:
    """Colours, each with how likely it is beside the others."""

    def __init__(self, colours: Iterable[Colour]) -> None:
        self.colours = tuple(colours)
        weights = [_PLAIN_WEIGHT if one.english in _PLAIN else 1 for one in self.colours]
        self._cumulative = tuple(accumulate(weights))

    def drawn(self, random: Random) -> Colour:
        """One of them."""
        return random.choices(self.colours, cum_weights=self._cumulative)[0]


@cache
def _backgrounds(tone: str, least: float) -> _Weighted:
    """The backgrounds of a tone on which some ink has the contrast."""
    return _Weighted(one for one in _TONES[tone] if _inks(one.english, least).colours)


@cache
def _inks(background: str, least: float) -> _Weighted:
    ground = _BY_NAME[background].rgb
    inks = [_BY_NAME[name] for name in _INKS[background]]
    return _Weighted(one for one in inks if contrast_ratio(one.rgb, ground) >= least)


def _moved(rgb: RGB, by: Sequence[int]) -> RGB:
    """Another colour; only white has full channels, which in a tint look blown out."""
    most = 255 if min(rgb) > BRIGHTEST_TINT else BRIGHTEST_TINT
    moved = [value + step for value, step in zip(rgb, by, strict=True)]
    red, green, blue = [0 if one < 0 else most if one > most else one for one in moved]
    return red, green, blue


@lru_cache(maxsize=_KEPT)
def nearest(rgb: RGB) -> Colour:
    """The colour of the palette nearest to ``rgb`` in CIELAB (CIE 1976 distance)."""
    here = lab(rgb)
    return min(PALETTE, key=lambda one: math.dist(here, lab(one.rgb)))


def nearest_on_average(counts: Mapping[RGB, int]) -> Colour:
    """Of the names of colours that stand side by side, the one nearest to all of them: the least
    mean distance in CIELAB, each colour counting as often as it is there.
    """

    def distance(one: Colour) -> float:
        here = lab(one.rgb)
        return sum([count * math.dist(here, lab(rgb)) for rgb, count in counts.items()])

    return min(dict.fromkeys(map(nearest, counts)), key=distance)


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
