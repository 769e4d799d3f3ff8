"""Surfaces, rules and small marks of a layout, with Skia on the canvas the texts go on."""

import math
from collections.abc import Callable, Sequence
from random import Random

import skia

from curation.picture.colours import RGB
from synthesis.template import art, charts, controls, icons
from synthesis.template.arranging import Arranged
from synthesis.template.boxes import Box
from synthesis.template.brushes import brush, whole_pixels
from synthesis.template.colouring import mixed
from synthesis.template.expanding import Part

_BLURRED = 0.9  # units
_LEVELS = 5  # rings of a soft shadow: a blur of Skia's costs ten times as much


def draw(canvas: skia.Canvas, placed: Arranged, unit: float, *, surface: bool = True) -> None:
    """Draw a part's surface (unless it is there already), its border and its shape."""
    part, box = placed.part, placed.box
    rect = skia.Rect.MakeXYWH(*whole_pixels(box))
    radius = min(part.node.round * unit, rect.width() / 2, rect.height() / 2)
    if part.node.shadow:
        _shadow(canvas, rect, radius, unit)
    if surface and part.fill and part.node.shape in {None, "fill", "barcode"}:
        _surface(canvas, rect, radius, part.fill)
    if part.node.shape is not None:
        _shape(canvas, part, Box(*whole_pixels(box)), unit)
    if part.border is not None:
        width = max(1.0, part.node.thick * unit)
        inside = rect.makeInset(width / 2, width / 2)
        canvas.drawRoundRect(inside, radius, radius, brush(part.border, stroke=width))


def _surface(canvas: skia.Canvas, rect: skia.Rect, radius: float, fill: Sequence[RGB]) -> None:
    made = brush(fill[0])
    if len(fill) > 1:
        ends = [skia.Point(rect.left(), rect.top()), skia.Point(rect.right(), rect.bottom())]
        made.setShader(
            skia.GradientShader.MakeLinear(ends, [skia.Color(*colour) for colour in fill])
        )
    if radius:
        canvas.drawRoundRect(rect, radius, radius, made)
    else:
        made.setAntiAlias(False)
        canvas.drawRect(rect, made)


def _shadow(canvas: skia.Canvas, rect: skia.Rect, radius: float, unit: float) -> None:
    """Rings of the same faint grey, each a little larger: soft at the edge, and cheap."""
    for level in range(_LEVELS):
        grown = _BLURRED * unit * (level + 1) / _LEVELS
        ring = rect.makeOutset(grown, grown)
        ring.offset(0, 0.45 * unit)
        shade = skia.Paint(Color=skia.Color(10, 15, 30, 11), AntiAlias=True)
        canvas.drawRoundRect(ring, radius + grown, radius + grown, shade)


def _shape(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    shape = part.node.shape or ""
    if shape in _DRAWN:
        _DRAWN[shape](canvas, part, box, unit)
    elif shape == "art":
        _image(canvas, part, box, unit)
    elif shape in controls.DRAWN:
        controls.DRAWN[shape](canvas, part, box, unit)
    elif shape in charts.DRAWN:
        charts.DRAWN[shape](canvas, part, box, unit)
    elif shape in {"icon", "search"}:
        icons.draw(canvas, icon_of(part), box, part.ink)


def icon_of(part: Part) -> str:
    """The name of the pictogram that a part of shape ``icon`` or ``search`` shows."""
    if isinstance(part.data, str) and part.data in icons.NAMES:
        return part.data
    return icons.chosen(part.seed, part.node.name or ("search" * (part.node.shape == "search")))


def _image(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """Procedural art inside the box's rounded corners."""
    canvas.save()
    rect = skia.Rect.MakeXYWH(*box)
    radius = min(part.node.round * unit, box.width / 2, box.height / 2)
    if radius:
        canvas.clipRRect(skia.RRect.MakeRectXY(rect, radius, radius), True)
    else:
        canvas.clipRect(rect)
    colours = part.colours
    if colours is None:
        raise ValueError("art without a palette")
    art.draw(canvas, box, part.seed, colours, part.node.name)
    canvas.restore()


def _rule(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    canvas.drawRect(skia.Rect.MakeXYWH(*box), brush(part.ink))


def _circle(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    radius = min(box.width, box.height) / 2
    centre = (box.left + box.width / 2, box.top + box.height / 2)
    canvas.drawCircle(*centre, radius, brush(part.fill[0] if part.fill else part.ink))


def _dashes(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """A perforation along the longer side."""
    upright = box.height > box.width
    length = box.height if upright else box.width
    dash = 1.1 * unit
    number = max(1, int(length / (2 * dash)))
    step = length / number
    thick = max(1.0, 0.3 * unit)
    for place in range(number):
        at = place * step + (step - dash) / 2
        rect = (
            (box.left + (box.width - thick) / 2, box.top + at, thick, dash)
            if upright
            else (box.left + at, box.top + (box.height - thick) / 2, dash, thick)
        )
        canvas.drawRect(skia.Rect.MakeXYWH(*rect), brush(part.ink))


def _balloon(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """A speech balloon whose tail leaves downwards; the text has the box without the tail."""
    tail = 3.2 * unit
    body = skia.Rect.MakeXYWH(box.left, box.top, box.width, box.height - tail)
    radius = min(body.width(), body.height()) * 0.42
    left = Random(part.seed).random() < 0.5
    foot = box.left + box.width * (0.28 if left else 0.72)
    lean = -1.6 * unit if left else 1.6 * unit
    path = skia.Path()
    path.addRoundRect(body, radius, radius)
    wedge = skia.Path()
    wedge.moveTo(foot - 1.5 * unit, body.bottom() - 0.8 * unit)
    wedge.lineTo(foot + lean, box.top + box.height)
    wedge.lineTo(foot + 1.5 * unit, body.bottom() - 0.8 * unit)
    wedge.close()
    shape = skia.Op(path, wedge, skia.kUnion_PathOp) or path
    canvas.drawPath(shape, brush(part.fill[0] if part.fill else (255, 255, 255)))
    canvas.drawPath(shape, brush((20, 20, 20), stroke=max(1.5, 0.35 * unit)))


def _tail(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """A triangle pointing right."""
    path = skia.Path()
    path.moveTo(box.left, box.top)
    path.lineTo(box.left + box.width, box.top + box.height / 2)
    path.lineTo(box.left, box.top + box.height)
    path.close()
    canvas.drawPath(path, brush(part.ink))


def _arrow(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """An arrow to the left, right, or straight on (up), as ``name`` or chance has it."""
    side = min(box.width, box.height)
    turns = {"up": -90.0, "left": 180.0, "right": 0.0, "down": 90.0, "upleft": -135.0}
    names = ("up", "left", "right", "upleft")
    turn = turns[part.node.name or Random(part.seed).choice(names)]
    canvas.save()
    canvas.translate(box.left + box.width / 2, box.top + box.height / 2)
    canvas.rotate(turn)
    half = side * 0.38
    path = skia.Path()
    path.moveTo(-half, 0)
    path.lineTo(half, 0)
    path.moveTo(half - side * 0.3, -side * 0.28)
    path.lineTo(half, 0)
    path.lineTo(half - side * 0.3, side * 0.28)
    stroke = brush(part.ink, stroke=side * 0.13)
    stroke.setStrokeCap(skia.Paint.kButt_Cap)
    stroke.setStrokeJoin(skia.Paint.kMiter_Join)
    canvas.drawPath(path, stroke)
    canvas.restore()


def _seal(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """A scalloped seal with a ring and a star."""
    radius = min(box.width, box.height) / 2
    x, y = box.left + box.width / 2, box.top + box.height / 2
    path = skia.Path()
    points = 44
    for number in range(points):
        reach = radius * (1.0 if number % 2 else 0.9)
        angle = 2 * math.pi * number / points
        at = (x + reach * math.cos(angle), y + reach * math.sin(angle))
        path.lineTo(*at) if number else path.moveTo(*at)
    path.close()
    canvas.drawPath(path, brush(part.ink))
    light = mixed((255, 255, 255), part.ink, 0.8)
    canvas.drawCircle(x, y, radius * 0.72, brush(light, stroke=radius * 0.05))
    canvas.drawPath(icons.star(x, y, radius * 0.42), brush(light))


def _triangle(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    path = skia.Path()
    path.moveTo(box.left + box.width / 2, box.top)
    path.lineTo(box.left + box.width, box.top + box.height)
    path.lineTo(box.left, box.top + box.height)
    path.close()
    canvas.drawPath(path, brush(part.ink))


def _dots(canvas: skia.Canvas, part: Part, box: Box, unit: float) -> None:
    """A grid of dots."""
    step = 3 * unit
    made = brush(part.ink)
    for row in range(int(box.height / step)):
        for column in range(int(box.width / step)):
            at = (box.left + (column + 0.5) * step, box.top + (row + 0.5) * step)
            canvas.drawCircle(*at, 0.45 * unit, made)


def _wave(canvas: skia.Canvas, part: Part, box: Box, _unit: float) -> None:
    """A hilly edge: the part's ink below it."""
    path = skia.Path()
    left, top, width, height = box
    path.moveTo(left, top + height * 0.6)
    path.cubicTo(
        left + width * 0.3,
        top - height * 0.35,
        left + width * 0.62,
        top + height * 1.1,
        left + width,
        top + height * 0.25,
    )
    path.lineTo(left + width, top + height)
    path.lineTo(left, top + height)
    path.close()
    canvas.drawPath(path, brush(part.ink))


_DRAWN: dict[str, Callable[[skia.Canvas, Part, Box, float], None]] = {
    "rule": _rule,
    "circle": _circle,
    "dashes": _dashes,
    "balloon": _balloon,
    "tail": _tail,
    "arrow": _arrow,
    "seal": _seal,
    "triangle": _triangle,
    "dots": _dots,
    "wave": _wave,
}
