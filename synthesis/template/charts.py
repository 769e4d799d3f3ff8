"""Charts and maps as shapes; their labels are texts of the layout around them."""

import math
from collections.abc import Callable, Sequence
from random import Random

import skia

from curation.picture.colours import RGB
from synthesis.template.boxes import Box
from synthesis.template.brushes import brush
from synthesis.template.colouring import mixed
from synthesis.template.expanding import Part


def _values(part: Part, count: int = 7) -> list[float]:
    if isinstance(part.data, Sequence) and not isinstance(part.data, str) and part.data:
        return [float(value) for value in part.data]
    random = Random(part.seed)
    return [random.uniform(20, 95) for _ in range(count)]


def _series(part: Part, number: int) -> RGB:
    return part.colours.series()[number % 6] if part.colours else part.ink


def bars(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """Upright bars on a base line, one for each value, evenly spread."""
    values = _values(part)
    most = max(values) * 1.04
    _grid(canvas, part, box, unit)
    cell = box.width / len(values)
    for number, value in enumerate(values):
        height = box.height * value / most
        wide = min(cell * 0.56, 11 * unit)
        left = box.left + cell * (number + 0.5) - wide / 2
        rect = skia.Rect.MakeXYWH(left, box.top + box.height - height, wide, height)
        radius = min(0.6 * unit, wide / 4)
        colour = _series(part, number) if part.node.name == "coloured" else part.ink
        canvas.drawRoundRect(rect, radius, radius, brush(colour))


def _grid(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    line = brush(mixed(part.ink, part.grounds[0], 0.16))
    line.setAntiAlias(False)
    for number in range(5):
        y = round(box.top + box.height * number / 4)
        thick = max(1.0, round(0.2 * unit))
        canvas.drawRect(skia.Rect.MakeXYWH(box.left, y, box.width, thick), line)


def lines(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """A line through the values, its points in the middle of even cells, and what lies under it."""
    values = _values(part)
    most, least = max(values) * 1.08, min(0.0, *values)
    _grid(canvas, part, box, unit)
    cell = box.width / len(values)
    points = [
        (
            box.left + cell * (number + 0.5),
            box.top + box.height * (1 - (value - least) / (most - least)),
        )
        for number, value in enumerate(values)
    ]
    under, path = skia.Path(), skia.Path()
    under.moveTo(points[0][0], box.top + box.height)
    path.moveTo(*points[0])
    for point in points:
        under.lineTo(*point)
        path.lineTo(*point)
    under.lineTo(points[-1][0], box.top + box.height)
    under.close()
    if part.node.name != "plain":
        canvas.drawPath(under, brush(mixed(part.ink, part.grounds[0], 0.16)))
    canvas.drawPath(path, brush(part.ink, stroke=0.6 * unit))
    for point in points:
        canvas.drawCircle(*point, 0.95 * unit, brush(part.ink))
        canvas.drawCircle(*point, 0.45 * unit, brush(part.grounds[0]))


def pie(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """Sectors from the top, clockwise, parted by thin gaps; with a hole for shape ``donut``."""
    values = _values(part, 4)
    side = min(box.width, box.height)
    left, top = box.left + (box.width - side) / 2, box.top + (box.height - side) / 2
    rect = skia.Rect.MakeXYWH(left, top, side, side)
    start, total = -90.0, sum(values)
    ring = part.node.shape == "donut"
    inner = side * 0.3 if ring else 0.0
    for number, value in enumerate(values):
        sweep, paint = 360 * value / total, brush(_series(part, number))
        if ring:
            thick = side / 2 - inner
            paint = brush(_series(part, number), stroke=thick)
            paint.setStrokeCap(skia.Paint.kButt_Cap)
            canvas.drawArc(rect.makeInset(thick / 2, thick / 2), start, sweep, False, paint)
        else:
            canvas.drawArc(rect, start, sweep, True, paint)
        start += sweep
    centre = (left + side / 2, top + side / 2)
    start = -90.0
    for value in values:
        across, down = math.cos(math.radians(start)), math.sin(math.radians(start))
        root = (centre[0] + inner * across, centre[1] + inner * down)
        rim = (centre[0] + side / 2 * across, centre[1] + side / 2 * down)
        canvas.drawLine(*root, *rim, brush(part.grounds[0], stroke=max(1.5, 0.35 * unit)))
        start += 360 * value / total


def gauge(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """A ring filled clockwise from the top."""
    side = min(box.width, box.height)
    stroke = side * 0.1
    rect = skia.Rect.MakeXYWH(
        box.left + (box.width - side) / 2, box.top + (box.height - side) / 2, side, side
    ).makeInset(stroke / 2, stroke / 2)
    digits = "".join(
        character for character in str(part.data or "") if character.isdigit() or character == "."
    )
    share = float(digits) / 100 if digits else Random(part.seed).uniform(0.3, 0.9)
    canvas.drawArc(
        rect, 0, 360, False, brush(mixed(part.ink, part.grounds[0], 0.18), stroke=stroke)
    )
    canvas.drawArc(rect, -90, 360 * min(share, 1.0), False, brush(part.ink, stroke=stroke))


def street_map(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """Blocks between streets, a river, a park and a route: no place there is."""
    random = Random(part.seed)
    ground = part.grounds[0]
    colours = part.colours.roles if part.colours else {}
    primary, accent = colours.get("primary", part.ink), colours.get("accent", part.ink)
    canvas.save()
    canvas.clipRect(skia.Rect.MakeXYWH(*box))
    canvas.drawRect(skia.Rect.MakeXYWH(*box), brush(mixed(primary, ground, 0.12)))
    left, top, width, height = box
    park = (left + width * random.uniform(0.05, 0.4), top + height * random.uniform(0.1, 0.6))
    green = skia.Rect.MakeXYWH(*park, width * 0.28, height * 0.24)
    canvas.drawRoundRect(green, 2 * unit, 2 * unit, brush(mixed((88, 160, 96), ground, 0.55)))
    river = skia.Path()
    start, end = random.uniform(0.2, 0.8), random.uniform(0.2, 0.8)
    river.moveTo(left, top + height * start)
    river.cubicTo(
        left + width * 0.35, top + height * (start - 0.3), left + width * 0.6,
        top + height * (end + 0.3), left + width, top + height * end,
    )  # fmt: skip
    canvas.drawPath(river, brush(mixed((96, 156, 214), ground, 0.6), stroke=3.2 * unit))
    street = (
        mixed((255, 255, 255), ground, 0.85) if sum(ground) > 380 else mixed(primary, ground, 0.3)
    )
    for number in range(1, 5):
        x, y = left + width * number / 5, top + height * number / 5
        thick = unit * random.choice((0.8, 1.6, 2.2))
        lean = width * random.uniform(-0.06, 0.06)
        canvas.drawLine(x, top, x + lean, top + height, brush(street, stroke=thick))
        canvas.drawLine(left, y, left + width, y + lean / 2, brush(street, stroke=thick))
    route = skia.Path()
    route.moveTo(left + width * 0.2, top + height * 0.82)
    route.lineTo(left + width * 0.4, top + height * 0.8)
    route.lineTo(left + width * 0.42, top + height * 0.42)
    route.lineTo(left + width * 0.8, top + height * 0.4)
    route.lineTo(left + width * 0.8, top + height * 0.22)
    canvas.drawPath(route, brush(accent, stroke=1.1 * unit))
    for at in ((0.2, 0.82), (0.8, 0.22)):
        canvas.drawCircle(left + width * at[0], top + height * at[1], 1.9 * unit, brush(primary))
        canvas.drawCircle(left + width * at[0], top + height * at[1], 0.8 * unit, brush(ground))
    canvas.restore()


DRAWN: dict[str, Callable[[skia.Canvas, Part, Box, float], None]] = {
    "bars": bars,
    "lines": lines,
    "pie": pie,
    "donut": pie,
    "gauge": gauge,
    "map": street_map,
}
