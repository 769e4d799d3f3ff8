"""What lies under a whole layout: nothing, a shade, or one large pale form, so that two images of
one template look different from afar.

Forms are flat: they cost little to paint and to encode, and texts are inked for both colours.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import skia

from curation.picture.colours import RGB, contrast_ratio, lab
from synthesis import raster
from synthesis.image_sizes import Size
from synthesis.template.brushes import brush
from synthesis.template.colouring import Colours, mixed

_FORMS = ("disc", "discs", "band", "corner", "hill", "side")
_SHARES = {  # how likely there is none, a shade, else a form
    "any": (0.08, 0.16),
    "shade": (0.15, 0.85),
    "none": (1.0, 0.0),
}
_STRONGEST = 0.2  # share of the colour a ground is tinted with
_TWO = 0.4  # share of backdrops that have two forms
_LIGHTER = (4.5, 10.0)  # of 100: how far the two are apart in lightness, about
_LEAST_CONTRAST = 1.6  # of that colour with the ground: else nothing would be seen


@dataclass(frozen=True)
class Backdrop:
    """Forms, or a ``shade``, that tint the ground with ``share`` of ``colour``."""

    forms: tuple[str, ...]
    colour: RGB
    share: float
    seed: int

    @property
    def is_shade(self) -> bool:
        """Whether it goes evenly from one colour to the other."""
        return self.forms == ("shade",)

    def tinted(self, ground: RGB) -> RGB:
        """The other colour of a ground."""
        return mixed(self.colour, ground, self.share)


def choose(
    random: Random, asked: str, colours: Colours, ground: RGB, *, shaded: bool
) -> Backdrop | None:
    """A backdrop for a template that asks for ``any``, only a ``shade`` or ``none``.

    A ground that is ``shaded`` already gets forms alone.
    """
    seed, chance = random.getrandbits(32), random.random()
    roles = [colours.roles[name] for name in ("primary", "accent", "surface", "background")]
    roles = [role for role in roles if contrast_ratio(role, ground) >= _LEAST_CONTRAST]
    colour = random.choice(roles or [colours.roles["text"]])
    apart = abs(lab(colour)[0] - lab(ground)[0])
    share = min(_STRONGEST, random.uniform(*_LIGHTER) / max(apart, 1.0))
    none, shade = _SHARES["any" if shaded else asked]
    shade = 0.0 if shaded else shade
    if chance < none:
        return None
    forms = random.sample(_FORMS, 1 + (random.random() < _TWO))
    return Backdrop(("shade",) if chance < none + shade else (*forms,), colour, share, seed)


def ground(size: Size, colour: RGB, backdrop: Backdrop | None) -> raster.Pixels:
    """The canvas in its ground's colour, with the backdrop on it."""
    if backdrop is None:
        return raster.solid(*size, colour)
    random, tint = Random(backdrop.seed), backdrop.tinted(colour)
    if backdrop.is_shade:
        ends = random.choice(((colour, tint), (tint, colour)))
        return raster.gradient(*size, *ends, "down" if random.random() < 0.5 else "across")
    pixels = raster.solid(*size, colour)
    canvas = skia.Surface(pixels).getCanvas()
    for form in backdrop.forms:
        _DRAWN[form](canvas, size, random, brush(tint))
    return pixels


def draw_over(canvas: skia.Canvas, size: Size, backdrop: Backdrop) -> None:
    """Draw the first form over a ground that is no plain colour."""
    paint = brush(backdrop.colour, alpha=round(backdrop.share * 255))
    _DRAWN[backdrop.forms[0]](canvas, size, Random(backdrop.seed), paint)


def _disc(canvas: skia.Canvas, size: Size, random: Random, paint: skia.Paint) -> None:
    """A disc that reaches over an edge."""
    width, height = size
    radius = math.sqrt(width * height) * random.uniform(0.22, 0.55)
    angle = random.uniform(0, 2 * math.pi)
    x, y = width * (0.5 + 0.5 * math.cos(angle)), height * (0.5 + 0.5 * math.sin(angle))
    canvas.drawCircle(x, y, radius, paint)


def _discs(canvas: skia.Canvas, size: Size, random: Random, paint: skia.Paint) -> None:
    for _ in range(random.randint(2, 3)):
        _disc(canvas, size, random, paint)


def _band(canvas: skia.Canvas, size: Size, random: Random, paint: skia.Paint) -> None:
    """A slanting band across the canvas."""
    width, height = size
    canvas.save()
    canvas.translate(width * random.uniform(0.2, 0.8), height * random.uniform(0.2, 0.8))
    canvas.rotate(random.choice((1, -1)) * random.uniform(18, 62))
    thick, long = math.sqrt(width * height) * random.uniform(0.18, 0.42), 2.0 * (width + height)
    canvas.drawRect(skia.Rect.MakeXYWH(-long / 2, -thick / 2, long, thick), paint)
    canvas.restore()


def _corner(canvas: skia.Canvas, size: Size, random: Random, paint: skia.Paint) -> None:
    """A triangle in a corner."""
    width, height = size
    x, y = random.choice((0, width)), random.choice((0, height))
    path = skia.Path()
    path.moveTo(x, y)
    path.lineTo(abs(x - width * random.uniform(0.4, 0.95)), y)
    path.lineTo(x, abs(y - height * random.uniform(0.4, 0.95)))
    path.close()
    canvas.drawPath(path, paint)


def _hill(canvas: skia.Canvas, size: Size, random: Random, paint: skia.Paint) -> None:
    """A wavy edge below or above."""
    width, height = size
    level, swing = height * random.uniform(0.45, 0.8), height * random.uniform(0.08, 0.2)
    lean = random.choice((1, -1))
    path = skia.Path()
    path.moveTo(0, level + lean * swing)
    path.cubicTo(
        width * random.uniform(0.2, 0.45),
        level - 2 * lean * swing,
        width * random.uniform(0.55, 0.8),
        level + 2 * lean * swing,
        width,
        level - lean * swing,
    )
    end = random.choice((0, height))
    path.lineTo(width, end)
    path.lineTo(0, end)
    path.close()
    canvas.drawPath(path, paint)


def _side(canvas: skia.Canvas, size: Size, random: Random, paint: skia.Paint) -> None:
    """A part of the canvas along one edge, its inner edge a little aslant."""
    width, height = size
    share, slant = random.uniform(0.16, 0.5), random.uniform(-0.12, 0.12)
    path = skia.Path()
    if random.random() < 0.5:
        edge = random.choice((0, width))
        path.moveTo(edge, 0)
        path.lineTo(abs(edge - width * (share + slant)), 0)
        path.lineTo(abs(edge - width * (share - slant)), height)
        path.lineTo(edge, height)
    else:
        edge = random.choice((0, height))
        path.moveTo(0, edge)
        path.lineTo(0, abs(edge - height * (share + slant)))
        path.lineTo(width, abs(edge - height * (share - slant)))
        path.lineTo(width, edge)
    path.close()
    canvas.drawPath(path, paint)


_DRAWN: dict[str, Callable[[skia.Canvas, Size, Random, skia.Paint], None]] = {
    "disc": _disc,
    "discs": _discs,
    "band": _band,
    "corner": _corner,
    "hill": _hill,
    "side": _side,
}
