"""Pictures in the place of photographs: abstract art in the palette's colours, made by chance."""

import math
from collections.abc import Callable
from random import Random

import skia

from synthesis.colours import RGB
from synthesis.template.arranging import Box
from synthesis.template.colouring import Colours, mixed

_SOFT_WHITE, _NIGHT = (255, 252, 244), (18, 22, 34)


def _paint(rgb: RGB, alpha: int = 255) -> skia.Paint:
    return skia.Paint(Color=skia.Color(*rgb, alpha), AntiAlias=True)


def _sky(canvas: skia.Canvas, box: Box, top: RGB, bottom: RGB) -> None:
    paint = skia.Paint()
    ends = [skia.Point(box.left, box.top), skia.Point(box.left, box.top + box.height)]
    paint.setShader(skia.GradientShader.MakeLinear(ends, [skia.Color(*top), skia.Color(*bottom)]))
    canvas.drawRect(skia.Rect.MakeXYWH(*box), paint)


def _tones(random: Random, colours: Colours) -> tuple[RGB, RGB, RGB]:
    """A deep, a middle and a light tone that go together."""
    primary, accent = colours.roles["primary"], colours.roles["accent"]
    if random.random() < 0.35:
        primary, accent = accent, primary
    deep = mixed(primary, _NIGHT, 0.8)
    return deep, accent, mixed(accent, _SOFT_WHITE, 0.35)


def hills(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Ridges behind each other under a sun."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    _sky(canvas, box, mixed(light, _SOFT_WHITE, 0.5), light)
    radius = min(width, height) * random.uniform(0.1, 0.17)
    x = left + width * random.uniform(0.25, 0.75)
    canvas.drawCircle(x, top + height * random.uniform(0.25, 0.4), radius, _paint(warm))
    for layer in range(4):
        base = top + height * (0.42 + 0.15 * layer)
        path = skia.Path()
        path.moveTo(left, top + height)
        phase, waves = random.uniform(0, 6.3), random.uniform(1.0, 2.2)
        for step in range(25):
            share = step / 24
            y = base + height * 0.07 * math.sin(phase + share * waves * 6.3)
            y += height * 0.025 * math.sin(phase * 2 + share * waves * 15)
            path.lineTo(left + width * share, y)
        path.lineTo(left + width, top + height)
        path.close()
        canvas.drawPath(path, _paint(mixed(deep, light, 0.28 + 0.24 * layer)))


def peaks(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Mountains with snow, and a lake."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    _sky(canvas, box, mixed(deep, light, 0.35), mixed(warm, _SOFT_WHITE, 0.3))
    for layer in range(3):
        foot = top + height * (0.62 + 0.14 * layer)
        tone = mixed(deep, light, 0.4 + 0.28 * layer)
        for _ in range(3):
            x = left + width * random.uniform(0.0, 1.0)
            tall = height * random.uniform(0.25, 0.5) * (1 - 0.2 * layer)
            wide = tall * random.uniform(0.9, 1.3)
            path = skia.Path()
            path.moveTo(x - wide, foot)
            path.lineTo(x, foot - tall)
            path.lineTo(x + wide, foot)
            path.close()
            canvas.drawPath(path, _paint(tone))
            if layer < 2:
                cap = skia.Path()
                cap.moveTo(x - wide * 0.22, foot - tall * 0.78)
                cap.lineTo(x, foot - tall)
                cap.lineTo(x + wide * 0.22, foot - tall * 0.78)
                cap.lineTo(x + wide * 0.06, foot - tall * 0.7)
                cap.lineTo(x - wide * 0.06, foot - tall * 0.76)
                cap.close()
                canvas.drawPath(cap, _paint(_SOFT_WHITE))
        canvas.drawRect(skia.Rect.MakeLTRB(left, foot, left + width, top + height), _paint(tone))


def sea(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A low sun over bands of water, with a sail."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    _sky(canvas, box, mixed(warm, light, 0.4), mixed(light, _SOFT_WHITE, 0.4))
    x, line = left + width * random.uniform(0.3, 0.7), top + height * 0.55
    canvas.drawCircle(x, line, min(width, height) * 0.2, _paint(mixed(warm, _SOFT_WHITE, 0.75)))
    for band in range(6):
        y = line + height * 0.45 * band / 6
        tone = mixed(deep, warm, 0.62 + 0.07 * band)
        canvas.drawRect(skia.Rect.MakeLTRB(left, y, left + width, top + height), _paint(tone))
        for _ in range(3):
            wide = width * random.uniform(0.05, 0.18)
            at = left + random.uniform(0, width)
            glint = skia.Rect.MakeXYWH(at, y + height * 0.025, wide, max(1.0, height * 0.006))
            canvas.drawRect(glint, _paint(mixed(light, tone, 0.6)))
    sail = min(width, height) * 0.16
    at = left + width * random.uniform(0.15, 0.85)
    path = skia.Path()
    path.moveTo(at, line + height * 0.1)
    path.lineTo(at, line + height * 0.1 - sail)
    path.lineTo(at + sail * 0.6, line + height * 0.1)
    path.close()
    canvas.drawPath(path, _paint(_SOFT_WHITE))


def city(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Houses with lit windows under a moon."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    _sky(canvas, box, mixed(deep, light, 0.55), mixed(light, warm, 0.6))
    moon = min(width, height) * 0.09
    canvas.drawCircle(left + width * 0.75, top + height * 0.22, moon, _paint(_SOFT_WHITE))
    for layer in range(2):
        x = left - width * 0.03
        tone = mixed(deep, light, 0.55 + 0.4 * layer)
        window = mixed(warm, _SOFT_WHITE, 0.6)
        while x < left + width:
            wide = max(width, height) * random.uniform(0.07, 0.13)
            tall = height * random.uniform(0.28, 0.62) * (1 - 0.3 * layer)
            canvas.drawRect(
                skia.Rect.MakeLTRB(x, top + height - tall, x + wide, top + height), _paint(tone)
            )
            if layer:
                for row in range(int(tall / (wide * 0.34))):
                    for column in range(3):
                        if random.random() < 0.5:
                            spot = skia.Rect.MakeXYWH(
                                x + wide * (0.16 + 0.26 * column),
                                top + height - tall + wide * (0.18 + 0.34 * row),
                                wide * 0.15,
                                wide * 0.17,
                            )
                            canvas.drawRect(spot, _paint(window))
            x += wide * random.uniform(1.0, 1.12)


def shapes(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Discs, halves and quarters on a grid of squares."""
    deep, warm, light = _tones(random, colours)
    tones = (deep, warm, light, mixed(deep, light, 0.5), mixed(warm, light, 0.55))
    number = random.choice((3, 4)) if box.width <= box.height else random.choice((4, 5))
    side = box.width / number
    for row in range(math.ceil(box.height / side)):
        for column in range(number):
            x, y = box.left + column * side, box.top + row * side
            one, other = random.sample(tones, 2)
            rect = skia.Rect.MakeXYWH(x, y, side + 1, side + 1)
            canvas.drawRect(rect, _paint(one))
            canvas.save()
            canvas.clipRect(rect)
            what = random.randrange(4)
            corner = random.choice(((0, 0), (1, 0), (0, 1), (1, 1)))
            if what == 0:
                canvas.drawCircle(x + side / 2, y + side / 2, side * 0.36, _paint(other))
            elif what == 1:
                canvas.drawCircle(x + corner[0] * side, y + corner[1] * side, side, _paint(other))
            elif what == 2:
                canvas.drawCircle(x + side / 2, y + corner[1] * side, side / 2, _paint(other))
            canvas.restore()


def leaves(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Stems with leaves, growing from below."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    _sky(canvas, box, mixed(light, _SOFT_WHITE, 0.45), mixed(light, _SOFT_WHITE, 0.8))
    canvas.drawCircle(
        left + width / 2, top + height * 0.45, min(width, height) * 0.36, _paint(mixed(warm, light, 0.5))
    )
    for number in range(5):
        x = left + width * (0.12 + 0.19 * number + random.uniform(-0.03, 0.03))
        tall = height * random.uniform(0.5, 0.85)
        lean = width * random.uniform(-0.08, 0.08)
        tone = mixed(deep, light, random.choice((0.6, 0.8, 1.0)))
        stem = _paint(tone)
        stem.setStyle(skia.Paint.kStroke_Style)
        stem.setStrokeWidth(max(1.5, min(width, height) * 0.008))
        canvas.drawLine(x, top + height, x + lean, top + height - tall, stem)
        for step in range(2, 9):
            share = step / 8
            size = min(width, height) * 0.12 * (1.15 - share * 0.6)
            for side in (-1, 1):
                canvas.save()
                canvas.translate(x + lean * share, top + height - tall * share)
                canvas.rotate(side * 38 - 90 + (0 if side > 0 else 0))
                leaf = skia.Path()
                leaf.moveTo(0, 0)
                leaf.quadTo(size * 0.5, -size * 0.34, size, 0)
                leaf.quadTo(size * 0.5, size * 0.34, 0, 0)
                canvas.drawPath(leaf, _paint(tone))
                canvas.restore()


def table(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A laid plate from above."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    canvas.drawRect(skia.Rect.MakeXYWH(*box), _paint(mixed(deep, light, 0.82)))
    side = min(width, height)
    centres = [(left + width / 2, top + height / 2)]
    if max(width, height) > 1.7 * side:
        along = (0.22, 0.78)
        centres = [
            (left + width * a, top + height / 2) if width > height else (left + width / 2, top + height * a)
            for a in along
        ]
    for x, y in centres:
        canvas.drawCircle(x, y + side * 0.02, side * 0.39, _paint((0, 0, 0), 40))
        canvas.drawCircle(x, y, side * 0.38, _paint(_SOFT_WHITE))
        canvas.drawCircle(x, y, side * 0.28, _paint(mixed(deep, _SOFT_WHITE, 0.1)))
        canvas.drawCircle(x, y, side * 0.22, _paint(warm))
        for number in range(9):
            angle = number * 2.4 + random.random()
            reach = side * 0.05 * math.sqrt(number)
            tone = random.choice((mixed(warm, _SOFT_WHITE, 0.6), mixed(deep, warm, 0.6), (112, 150, 82)))
            canvas.drawCircle(
                x + reach * math.cos(angle), y + reach * math.sin(angle), side * 0.035, _paint(tone)
            )
        for lean in (-1, 1):
            handle = skia.Rect.MakeXYWH(
                x + lean * side * 0.44 - side * 0.012, y - side * 0.25, side * 0.024, side * 0.5
            )
            canvas.drawRoundRect(handle, side * 0.012, side * 0.012, _paint(light))


def goods(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A bottle, a box and a ball on a shelf."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    _sky(canvas, box, mixed(light, _SOFT_WHITE, 0.6), mixed(light, _SOFT_WHITE, 0.9))
    floor = top + height * 0.78
    ground = skia.Rect.MakeLTRB(left, floor, left + width, top + height)
    canvas.drawRect(ground, _paint(mixed(warm, light, 0.4)))
    side = min(width, height)
    x = left + width / 2
    disc = (x + side * 0.08, floor - side * 0.34)
    canvas.drawCircle(*disc, side * 0.3, _paint(mixed(warm, _SOFT_WHITE, 0.5)))
    wide, tall = side * 0.22, side * 0.44
    bottle = skia.Rect.MakeXYWH(x - wide * 1.3, floor - tall, wide, tall)
    canvas.drawRoundRect(bottle, wide * 0.2, wide * 0.2, _paint(deep))
    neck = skia.Rect.MakeXYWH(x - wide * 1.3 + wide * 0.32, floor - tall * 1.28, wide * 0.36, tall * 0.32)
    canvas.drawRect(neck, _paint(mixed(deep, _NIGHT, 0.8)))
    band = skia.Rect.MakeXYWH(x - wide * 1.3, floor - tall * 0.66, wide, tall * 0.36)
    canvas.drawRect(band, _paint(mixed(light, _SOFT_WHITE, 0.4)))
    parcel = skia.Rect.MakeXYWH(x + wide * 0.1, floor - tall * 0.55, wide * 1.15, tall * 0.55)
    canvas.drawRoundRect(parcel, side * 0.01, side * 0.01, _paint(warm))
    ribbon = skia.Rect.MakeXYWH(x + wide * 0.58, floor - tall * 0.55, wide * 0.2, tall * 0.55)
    canvas.drawRect(ribbon, _paint(mixed(warm, _NIGHT, 0.75)))
    radius = side * random.uniform(0.05, 0.07)
    canvas.drawCircle(x - wide * 1.75, floor - radius, radius, _paint(mixed(deep, warm, 0.4)))


def waves(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Stacked curves from deep to light."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    canvas.drawRect(skia.Rect.MakeXYWH(*box), _paint(light))
    phase = random.uniform(0, 6.3)
    for layer in range(6):
        path = skia.Path()
        base = top + height * (0.16 + 0.15 * layer)
        path.moveTo(left, top + height)
        for step in range(25):
            share = step / 24
            y = base + height * 0.08 * math.sin(phase + layer * 0.9 + share * 5)
            path.lineTo(left + width * share, y)
        path.lineTo(left + width, top + height)
        path.close()
        one = warm if layer < 3 else deep
        canvas.drawPath(path, _paint(mixed(one, light, 0.3 + 0.7 * (layer % 3 + 1) / 3)))


def person(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A figure seen from the chest up, without a face."""
    deep, warm, light = _tones(random, colours)
    left, top, width, height = box
    _sky(canvas, box, mixed(light, _SOFT_WHITE, 0.7), light)
    side = min(width, height * 0.95)
    x, y = left + width / 2, top + height - side * 0.62
    canvas.drawCircle(x, y + side * 0.02, side * 0.42, _paint(mixed(warm, light, 0.45)))
    skin = random.choice(((241, 204, 178), (214, 160, 122), (142, 95, 66), (98, 64, 46)))
    hair = random.choice(((43, 32, 28), (96, 60, 36), (24, 24, 28)))
    canvas.drawOval(
        skia.Rect.MakeXYWH(x - side * 0.4, y + side * 0.3, side * 0.8, side * 0.9), _paint(deep)
    )
    canvas.drawRect(
        skia.Rect.MakeXYWH(x - side * 0.075, y + side * 0.12, side * 0.15, side * 0.24), _paint(mixed(skin, _NIGHT, 0.86))
    )
    canvas.drawCircle(x, y - side * 0.05, side * 0.2, _paint(hair))
    canvas.drawOval(
        skia.Rect.MakeXYWH(x - side * 0.145, y - side * 0.14, side * 0.29, side * 0.36), _paint(skin)
    )
    fringe = skia.Path()
    fringe.addArc(skia.Rect.MakeXYWH(x - side * 0.19, y - side * 0.25, side * 0.38, side * 0.34), 180, 180)
    canvas.drawPath(fringe, _paint(hair))


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


def draw(canvas: skia.Canvas, box: Box, random: Random, colours: Colours, name: str) -> None:
    """Fill the box with the art called ``name``, or one of several (``a b``), or any landscape."""
    chosen = random.choice(name.split() or _ANY)
    DRAWN[chosen](canvas, box, random, colours)
