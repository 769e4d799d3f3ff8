"""Landscapes for the places of photographs, made by chance in the palette's colours."""

import math
from random import Random

import skia

from curation.picture.colours import RGB
from synthesis.template.boxes import Box
from synthesis.template.colouring import Colours, mixed

SOFT_WHITE, NIGHT = (255, 252, 244), (18, 22, 34)


def paint(rgb: RGB, alpha: int = 255) -> skia.Paint:
    return skia.Paint(Color=skia.Color(*rgb, alpha), AntiAlias=True)


def sky(canvas: skia.Canvas, box: Box, top: RGB, bottom: RGB) -> None:
    paint = skia.Paint()
    ends = [skia.Point(box.left, box.top), skia.Point(box.left, box.top + box.height)]
    paint.setShader(skia.GradientShader.MakeLinear(ends, [skia.Color(*top), skia.Color(*bottom)]))
    canvas.drawRect(skia.Rect.MakeXYWH(*box), paint)


def tones(random: Random, colours: Colours) -> tuple[RGB, RGB, RGB]:
    """A deep, a middle and a light tone that go together."""
    primary, accent = colours.roles["primary"], colours.roles["accent"]
    if random.random() < 0.35:
        primary, accent = accent, primary
    deep = mixed(primary, NIGHT, 0.8)
    return deep, accent, mixed(accent, SOFT_WHITE, 0.35)


def hills(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Ridges behind each other under a sun."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    sky(canvas, box, mixed(light, SOFT_WHITE, 0.5), light)
    radius = min(width, height) * random.uniform(0.1, 0.17)
    x = left + width * random.uniform(0.25, 0.75)
    canvas.drawCircle(x, top + height * random.uniform(0.25, 0.4), radius, paint(warm))
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
        canvas.drawPath(path, paint(mixed(deep, light, 0.28 + 0.24 * layer)))


def peaks(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Mountains with snow, and a lake."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    sky(canvas, box, mixed(deep, light, 0.35), mixed(warm, SOFT_WHITE, 0.3))
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
            canvas.drawPath(path, paint(tone))
            if layer < 2:
                cap = skia.Path()
                cap.moveTo(x - wide * 0.22, foot - tall * 0.78)
                cap.lineTo(x, foot - tall)
                cap.lineTo(x + wide * 0.22, foot - tall * 0.78)
                cap.lineTo(x + wide * 0.06, foot - tall * 0.7)
                cap.lineTo(x - wide * 0.06, foot - tall * 0.76)
                cap.close()
                canvas.drawPath(cap, paint(SOFT_WHITE))
        canvas.drawRect(skia.Rect.MakeLTRB(left, foot, left + width, top + height), paint(tone))


def sea(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """A low sun over bands of water, with a sail."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    sky(canvas, box, mixed(warm, light, 0.4), mixed(light, SOFT_WHITE, 0.4))
    x, line = left + width * random.uniform(0.3, 0.7), top + height * 0.55
    canvas.drawCircle(x, line, min(width, height) * 0.2, paint(mixed(warm, SOFT_WHITE, 0.75)))
    for band in range(6):
        y = line + height * 0.45 * band / 6
        tone = mixed(deep, warm, 0.62 + 0.07 * band)
        canvas.drawRect(skia.Rect.MakeLTRB(left, y, left + width, top + height), paint(tone))
        for _ in range(3):
            wide = width * random.uniform(0.05, 0.18)
            at = left + random.uniform(0, width)
            glint = skia.Rect.MakeXYWH(at, y + height * 0.025, wide, max(1.0, height * 0.006))
            canvas.drawRect(glint, paint(mixed(light, tone, 0.6)))
    sail = min(width, height) * 0.16
    at = left + width * random.uniform(0.15, 0.85)
    path = skia.Path()
    path.moveTo(at, line + height * 0.1)
    path.lineTo(at, line + height * 0.1 - sail)
    path.lineTo(at + sail * 0.6, line + height * 0.1)
    path.close()
    canvas.drawPath(path, paint(SOFT_WHITE))


def city(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Houses with lit windows under a moon."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    sky(canvas, box, mixed(deep, light, 0.55), mixed(light, warm, 0.6))
    moon = min(width, height) * 0.09
    canvas.drawCircle(left + width * 0.75, top + height * 0.22, moon, paint(SOFT_WHITE))
    for layer in range(2):
        x = left - width * 0.03
        tone = mixed(deep, light, 0.55 + 0.4 * layer)
        window = mixed(warm, SOFT_WHITE, 0.6)
        while x < left + width:
            wide = max(width, height) * random.uniform(0.07, 0.13)
            tall = height * random.uniform(0.28, 0.62) * (1 - 0.3 * layer)
            canvas.drawRect(
                skia.Rect.MakeLTRB(x, top + height - tall, x + wide, top + height), paint(tone)
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
                            canvas.drawRect(spot, paint(window))
            x += wide * random.uniform(1.0, 1.12)


def leaves(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Stems with leaves, growing from below."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    sky(canvas, box, mixed(light, SOFT_WHITE, 0.45), mixed(light, SOFT_WHITE, 0.8))
    canvas.drawCircle(
        left + width / 2,
        top + height * 0.45,
        min(width, height) * 0.36,
        paint(mixed(warm, light, 0.5)),
    )
    for number in range(5):
        x = left + width * (0.12 + 0.19 * number + random.uniform(-0.03, 0.03))
        tall = height * random.uniform(0.5, 0.85)
        lean = width * random.uniform(-0.08, 0.08)
        tone = mixed(deep, light, random.choice((0.6, 0.8, 1.0)))
        stem = paint(tone)
        stem.setStyle(skia.Paint.kStroke_Style)
        stem.setStrokeWidth(max(1.5, min(width, height) * 0.008))
        canvas.drawLine(x, top + height, x + lean, top + height - tall, stem)
        for step in range(2, 9):
            share = step / 8
            size = min(width, height) * 0.12 * (1.15 - share * 0.6)
            for side in (-1, 1):
                canvas.save()
                canvas.translate(x + lean * share, top + height - tall * share)
                canvas.rotate(side * 38 - 90)
                leaf = skia.Path()
                leaf.moveTo(0, 0)
                leaf.quadTo(size * 0.5, -size * 0.34, size, 0)
                leaf.quadTo(size * 0.5, size * 0.34, 0, 0)
                canvas.drawPath(leaf, paint(tone))
                canvas.restore()


def waves(canvas: skia.Canvas, box: Box, random: Random, colours: Colours) -> None:
    """Stacked curves from deep to light."""
    deep, warm, light = tones(random, colours)
    left, top, width, height = box
    canvas.drawRect(skia.Rect.MakeXYWH(*box), paint(light))
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
        colour = warm if layer < 3 else deep
        canvas.drawPath(path, paint(mixed(colour, light, 0.3 + 0.7 * (layer % 3 + 1) / 3)))
