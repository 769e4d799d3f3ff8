"""The colours of mode pure: backgrounds with inks that go with them and stand out from them.

Each is called what ``colours.nearest`` calls it; a test holds them to that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from curation.picture.colours import COLOURS, RGB, Colour, contrast_ratio

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, body text


def _named(*names: str) -> tuple[Colour, ...]:
    return tuple(COLOURS[name] for name in names)


LIGHT = _named(
    *("white", "cream", "light grey", "pale yellow", "pale blue", "pale green", "pink"),
    *("lavender", "yellow", "orange"),
)
DARK = _named(
    *("black", "dark grey", "navy blue", "blue", "dark green", "green", "red", "dark red"),
    *("brown", "purple", "teal"),
)
MIDDLE = _named(
    *("grey", "sky blue", "light green", "tan", "turquoise", "coral", "rose", "olive"),
)
PALETTE = LIGHT + MIDDLE + DARK
_ON_DARK = ("white", "cream", "pale yellow")
# inks by the background they go with: black and its kin on anything light, else neighbours in
# hue or a quiet contrast; loud pairs (red on blue, green on pink) are nowhere
_INKS = {
    "white": (*(colour.english for colour in DARK), "rose", "olive"),
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
_BY_NAME = {colour.english: colour for colour in PALETTE}
BRIGHTEST_TINT = 252  # of 255
JITTER = 3  # of 255: how far a rendered colour may be from the palette's, per channel
GRADIENT = 7  # of 255: how far the ends of a gradient are from its middle, per channel


@dataclass(frozen=True)
class Pair:
    """A background and an ink by name, with the RGB rendered; ``far_end`` ends a gradient.

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


def choose(
    random: Random, *, gradient: bool, light: bool = False, least: float = LEAST_CONTRAST
) -> Pair:
    """A background and an ink that go together, with ``contrast`` >= ``least``.

    ``light`` asks for a light background. Colours stay clear of the walls of the RGB cube, where
    signals see clipping.
    """
    while True:
        tone = "light" if light else random.choices([*_SHARES], [*_SHARES.values()])[0]
        background = _backgrounds(tone, least).chosen(random)
        ink = _inks(background.english, least).chosen(random)
        middle = _moved(background.rgb, [random.randint(-JITTER, JITTER) for _ in range(3)])
        slope = GRADIENT if gradient else 0
        near_end, far_end = _moved(middle, [slope] * 3), _moved(middle, [-slope] * 3)
        ink_rgb = _moved(ink.rgb, [random.randint(-JITTER, JITTER) for _ in range(3)])
        pair = Pair(background, ink, near_end, far_end, ink_rgb)
        if pair.contrast >= least:
            return pair


def on(background: Colour, pair: Pair) -> Pair:
    """The pair's ink on another background, a gradient where it is on one now."""
    slope = GRADIENT if pair.is_gradient else 0
    ends = _moved(background.rgb, [slope] * 3), _moved(background.rgb, [-slope] * 3)
    return Pair(background, pair.ink, *ends, pair.ink_rgb)


class _Weighted:
    """Colours, each with how likely it is beside the others."""

    def __init__(self, colours: Iterable[Colour]) -> None:
        self.colours = tuple(colours)
        weights = [_PLAIN_WEIGHT if colour.english in _PLAIN else 1 for colour in self.colours]
        self._cumulative = tuple(accumulate(weights))

    def chosen(self, random: Random) -> Colour:
        """One of them."""
        return random.choices(self.colours, cum_weights=self._cumulative)[0]


@cache
def _backgrounds(tone: str, least: float) -> _Weighted:
    """The backgrounds of a tone on which some ink has the contrast."""
    return _Weighted(colour for colour in _TONES[tone] if _inks(colour.english, least).colours)


@cache
def _inks(background: str, least: float) -> _Weighted:
    ground = _BY_NAME[background].rgb
    inks = [_BY_NAME[name] for name in _INKS[background]]
    return _Weighted(colour for colour in inks if contrast_ratio(colour.rgb, ground) >= least)


def _moved(rgb: RGB, by: Sequence[int]) -> RGB:
    """Another colour; only white has full channels, which in a tint look blown out."""
    most = 255 if min(rgb) > BRIGHTEST_TINT else BRIGHTEST_TINT
    moved = [value + step for value, step in zip(rgb, by, strict=True)]
    red, green, blue = [0 if level < 0 else most if level > most else level for level in moved]
    return red, green, blue
