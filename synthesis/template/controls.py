"""Controls of user interfaces, avatars and bar codes."""

from collections.abc import Callable
from random import Random

import skia

from curation.picture.colours import relative_luminance
from synthesis.template import icons
from synthesis.template.boxes import Box
from synthesis.template.brushes import brush, whole_pixels
from synthesis.template.colouring import mixed
from synthesis.template.expanding import Part


def avatar(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """A head and shoulders in a disc."""
    random = Random(part.seed)
    colours = part.colours
    base = colours.series()[random.randrange(5)] if colours else part.ink
    figure = mixed((255, 255, 255), base, 0.72)
    radius = min(box.width, box.height) / 2
    x, y = box.left + box.width / 2, box.top + box.height / 2
    canvas.save()
    path = skia.Path.Circle(x, y, radius)
    canvas.clipPath(path, True)
    canvas.drawCircle(x, y, radius, brush(base))
    canvas.drawCircle(x, y - radius * 0.2, radius * 0.36, brush(figure))
    canvas.drawCircle(x, y + radius * 0.95, radius * 0.68, brush(figure))
    canvas.restore()


def progress(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    share = part.data if isinstance(part.data, float) else _percent(part)
    radius = box.height / 2
    ground = part.grounds[0]
    track = mixed(part.ink, ground, 0.18)
    canvas.drawRoundRect(skia.Rect.MakeXYWH(*box), radius, radius, brush(track))
    done = skia.Rect.MakeXYWH(box.left, box.top, max(box.width * share, box.height), box.height)
    canvas.drawRoundRect(done, radius, radius, brush(part.ink))


def _percent(part: Part) -> float:
    digits = "".join(
        character for character in str(part.data or "") if character.isdigit() or character == "."
    )
    return min(float(digits) / 100, 1.0) if digits else Random(part.seed).uniform(0.25, 0.85)


def slider(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    share, middle = _percent(part), box.top + box.height / 2
    radius = box.height / 2
    bar = box.height * 0.28
    track = Box(box.left, middle - bar / 2, box.width, bar)
    thumb = box.left + radius + (box.width - 2 * radius) * share
    colour = brush(mixed(part.ink, part.grounds[0], 0.22))
    canvas.drawRoundRect(skia.Rect.MakeXYWH(*track), bar / 2, bar / 2, colour)
    done = skia.Rect.MakeXYWH(box.left, track.top, thumb - box.left, bar)
    canvas.drawRoundRect(done, bar / 2, bar / 2, brush(part.ink))
    canvas.drawCircle(thumb, middle, radius * 0.8, brush(part.ink))


def toggle(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    on = Random(part.seed).random() < 0.6
    height = min(box.height, box.width * 0.58)
    top = box.top + (box.height - height) / 2
    ground = part.ink if on else mixed((128, 128, 128), part.grounds[0], 0.5)
    rect = skia.Rect.MakeXYWH(box.left, top, box.width, height)
    canvas.drawRoundRect(rect, height / 2, height / 2, brush(ground))
    x = box.left + (box.width - height / 2 if on else height / 2)
    knob = (255, 255, 255) if relative_luminance(ground) < 0.6 else (30, 30, 30)
    canvas.drawCircle(x, top + height / 2, height * 0.38, brush(knob))


def checkbox(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    side = min(box.width, box.height)
    left, top = box.left, box.top + (box.height - side) / 2
    rect = skia.Rect.MakeXYWH(left, top, side, side).makeInset(side * 0.06, side * 0.06)
    if part.node.name == "empty" or Random(part.seed).random() < 0.45:
        canvas.drawRoundRect(rect, side * 0.16, side * 0.16, brush(part.ink, stroke=side * 0.09))
        return
    canvas.drawRoundRect(rect, side * 0.16, side * 0.16, brush(part.ink))
    tick = skia.Path()
    tick.moveTo(left + side * 0.27, top + side * 0.52)
    tick.lineTo(left + side * 0.44, top + side * 0.69)
    tick.lineTo(left + side * 0.74, top + side * 0.33)
    canvas.drawPath(tick, brush(part.grounds[0], stroke=side * 0.11))


def radio(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    side = min(box.width, box.height)
    x, y = box.left + side / 2, box.top + box.height / 2
    canvas.drawCircle(x, y, side * 0.42, brush(part.ink, stroke=side * 0.1))
    if part.index == 0:
        canvas.drawCircle(x, y, side * 0.22, brush(part.ink))


def stars(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """Five stars, as many of them full as the data tells."""
    size = min(box.height, box.width / 5.4)
    is_given = isinstance(part.data, str)
    full = round(float(part.data)) if is_given else Random(part.seed).randint(3, 5)
    for number in range(5):
        middle = (box.left + size * (0.5 + number * 1.1), box.top + box.height / 2)
        ink = part.ink if number < full else mixed(part.ink, part.grounds[0], 0.28)
        canvas.drawPath(icons.star(*middle, size / 2), brush(ink))


def barcode(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """Bars of a width that means nothing."""
    random = Random(part.seed)
    if part.fill:
        quiet = min(box.width, box.height) * 0.1
        inside = (box.left + quiet, box.top + quiet)
        box = Box(*whole_pixels(Box(*inside, box.width - 2 * quiet, box.height - 2 * quiet)))
    module = max(1.0, round(min(box.width, 4 * box.height) / 95))
    x = box.left
    bars = brush((20, 20, 20))
    bars.setAntiAlias(False)
    while x + 3 * module <= box.left + box.width:
        wide = module * random.choice((1, 1, 2, 3))
        canvas.drawRect(skia.Rect.MakeXYWH(x, box.top, wide, box.height), bars)
        x += wide + module * random.choice((1, 1, 2, 3))


DRAWN: dict[str, Callable[[skia.Canvas, Part, Box, float], None]] = {
    "avatar": avatar,
    "progress": progress,
    "slider": slider,
    "toggle": toggle,
    "checkbox": checkbox,
    "radio": radio,
    "stars": stars,
    "barcode": barcode,
}
