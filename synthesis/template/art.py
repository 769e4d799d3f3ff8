"""Images in the place of photographs: abstract art in the palette's colours, made by chance."""

import math
from collections.abc import Callable
from random import Random

import skia

from curation.picture.colours import RGB
from synthesis.template.boxes import Box
from synthesis.template.colouring import Colours, mixed
from synthesis.template.landscapes import (
    NIGHT,
    SOFT_WHITE,
    city,
    hills,
    leaves,
    paint,
    peaks,
    sea,
    sky,
    tones,
    waves,
)


def shapes(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Discs, halves and quarters on a grid of squares."""
    deep, warm, light = tones(random, colours)
    palette = (deep, warm, light, mixed(deep, light, 0.5), mixed(warm, light, 0.55))
    number = random.choice((3, 4)) if box.width <= box.height else random.choice((4, 5))
    side = box.width / number
    for row in range(math.ceil(box.height / side)):
        for column in range(number):
            x, y = box.left + column * side, box.top + row * side
            under, over = random.sample(palette, 2)
            rect = skia.Rect.MakeXYWH(x, y, side + 1, side + 1)
            canvas.drawRect(rect, paint(under))
            canvas.save()
            canvas.clipRect(rect)
            what = random.randrange(4)
            corner = random.choice(((0, 0), (1, 0), (0, 1), (1, 1)))
            if what == 0:
                canvas.drawCircle(x + side / 2, y + side / 2, side * 0.36, paint(over))
            elif what == 1:
                canvas.drawCircle(x + corner[0] * side, y + corner[1] * side, side, paint(over))
            elif what == 2:
                canvas.drawCircle(x + side / 2, y + corner[1] * side, side / 2, paint(over))
            canvas.restore()


def table(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A laid plate from above."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    canvas.drawRect(skia.Rect.MakeXYWH(*box), paint(mixed(deep, light, 0.82)))
    side = min(width, height)
    x, y = left + width / 2, top + height / 2
    canvas.drawCircle(x, y + side * 0.02, side * 0.39, paint((0, 0, 0), 40))
    canvas.drawCircle(x, y, side * 0.38, paint(SOFT_WHITE))
    canvas.drawCircle(x, y, side * 0.28, paint(mixed(deep, SOFT_WHITE, 0.1)))
    canvas.drawCircle(x, y, side * 0.22, paint(warm))
    for number in range(9):
        angle = number * 2.4 + random.random()
        reach = side * 0.05 * math.sqrt(number)
        tone = random.choice((mixed(warm, SOFT_WHITE, 0.6), mixed(deep, warm, 0.6), (112, 150, 82)))
        canvas.drawCircle(
            x + reach * math.cos(angle), y + reach * math.sin(angle), side * 0.035, paint(tone)
        )
    for lean in (-1, 1):
        handle = skia.Rect.MakeXYWH(
            x + lean * side * 0.44 - side * 0.012, y - side * 0.25, side * 0.024, side * 0.5
        )
        canvas.drawRoundRect(handle, side * 0.012, side * 0.012, paint(light))


def goods(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A bottle, a box and a ball on a shelf, in either order."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    sky(canvas, box, mixed(light, SOFT_WHITE, 0.6), mixed(light, SOFT_WHITE, 0.9))
    floor = top + height * random.uniform(0.68, 0.84)
    ground = skia.Rect.MakeLTRB(left, floor, left + width, top + height)
    canvas.drawRect(ground, paint(mixed(warm, light, 0.4)))
    side = min(width, height)
    x = left + width * random.uniform(0.42, 0.58)
    canvas.save()
    if random.random() < 0.5:  # the other way round
        canvas.translate(2 * x, 0)
        canvas.scale(-1, 1)
    disc = (x + side * random.uniform(-0.12, 0.2), floor - side * random.uniform(0.24, 0.42))
    canvas.drawCircle(*disc, side * random.uniform(0.2, 0.34), paint(mixed(warm, SOFT_WHITE, 0.5)))
    _bottle(canvas, (x, floor), side * random.uniform(0.17, 0.25), random, (deep, light))
    wide, tall = side * random.uniform(0.18, 0.32), side * random.uniform(0.16, 0.32)
    parcel = skia.Rect.MakeXYWH(x + side * 0.02, floor - tall, wide, tall)
    canvas.drawRoundRect(parcel, side * 0.01, side * 0.01, paint(warm))
    ribbon = skia.Rect.MakeXYWH(parcel.centerX() - side * 0.022, floor - tall, side * 0.044, tall)
    canvas.drawRect(ribbon, paint(mixed(warm, NIGHT, 0.75)))
    radius = side * random.uniform(0.05, 0.09)
    canvas.drawCircle(x - side * 0.4, floor - radius, radius, paint(mixed(deep, warm, 0.4)))
    canvas.restore()


def _bottle(
    canvas: skia.Canvas,
    foot: tuple[float, float],
    wide: float,
    random: Random,
    tints: tuple[RGB, RGB],
) -> None:
    """A bottle with a label, left of ``foot``; ``tints`` are of the glass and of the label."""
    (x, floor), (glass, label) = foot, tints
    tall, left = wide * random.uniform(1.6, 2.3), x - wide * 1.15
    body = skia.Rect.MakeXYWH(left, floor - tall, wide, tall)
    canvas.drawRoundRect(body, wide * 0.2, wide * 0.2, paint(glass))
    neck = skia.Rect.MakeXYWH(left + wide * 0.32, floor - tall * 1.28, wide * 0.36, tall * 0.32)
    canvas.drawRect(neck, paint(mixed(glass, NIGHT, 0.8)))
    band = skia.Rect.MakeXYWH(left, floor - tall * 0.66, wide, tall * 0.36)
    canvas.drawRect(band, paint(mixed(label, SOFT_WHITE, 0.4)))


def person(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A figure seen from the chest up, without a face."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    sky(canvas, box, mixed(light, SOFT_WHITE, 0.7), light)
    side = min(width, height * 0.95)
    x, y = left + width / 2, top + height - side * 0.62
    canvas.drawCircle(x, y + side * 0.02, side * 0.42, paint(mixed(warm, light, 0.45)))
    skin = random.choice(((241, 204, 178), (214, 160, 122), (142, 95, 66), (98, 64, 46)))
    hair = random.choice(((43, 32, 28), (96, 60, 36), (24, 24, 28)))
    canvas.drawOval(
        skia.Rect.MakeXYWH(x - side * 0.4, y + side * 0.3, side * 0.8, side * 0.9), paint(deep)
    )
    canvas.drawRect(
        skia.Rect.MakeXYWH(x - side * 0.075, y + side * 0.12, side * 0.15, side * 0.24),
        paint(mixed(skin, NIGHT, 0.86)),
    )
    canvas.drawCircle(x, y - side * 0.05, side * 0.2, paint(hair))
    canvas.drawOval(
        skia.Rect.MakeXYWH(x - side * 0.145, y - side * 0.14, side * 0.29, side * 0.36),
        paint(skin),
    )
    fringe = skia.Path()
    fringe.addArc(
        skia.Rect.MakeXYWH(x - side * 0.19, y - side * 0.25, side * 0.38, side * 0.34), 180, 180
    )
    canvas.drawPath(fringe, paint(hair))


DRAWN: dict[str, Callable[[skia.Canvas, Box, Random, Colours], None]] = {
    "hills": hills,
    "peaks": peaks,
    "sea": sea,
    "city": city,
    "shapes": shapes,
    "leaves": leaves,
    "table": table,
    "goods": goods,
    "waves": waves,
    "person": person,
}
_ANY = ("hills", "peaks", "sea", "city", "shapes", "leaves", "waves")


def chosen(seed: int, name: str | None) -> str:
    """Which art a seed means: one of those named (``a b``), else any landscape or pattern."""
    return Random(seed).choice((name or "").split() or _ANY)


def draw(canvas: skia.Canvas, box: Box, seed: int, colours: Colours, name: str | None) -> None:
    """Fill the box with the art that ``chosen`` tells."""
    DRAWN[chosen(seed, name)](canvas, box, Random(seed ^ 1), colours)
