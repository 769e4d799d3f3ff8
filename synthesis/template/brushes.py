"""What shapes are drawn with: antialiased paints, and edges on whole pixels."""

import skia

from curation.picture.colours import RGB
from synthesis.template.boxes import Box


def brush(rgb: RGB, *, stroke: float = 0.0, alpha: int = 255) -> skia.Paint:
    """An antialiased paint that fills, or strokes with a width in pixels."""
    made = skia.Paint(Color=skia.Color(*rgb, alpha), AntiAlias=True)
    if stroke:
        made.setStyle(skia.Paint.kStroke_Style)
        made.setStrokeWidth(stroke)
        made.setStrokeCap(skia.Paint.kRound_Cap)
        made.setStrokeJoin(skia.Paint.kRound_Join)
    return made


def whole_pixels(box: Box) -> tuple[float, float, float, float]:
    """Edges on whole pixels are sharp."""
    left, top = round(box.left), round(box.top)
    right, bottom = round(box.left + box.width), round(box.top + box.height)
    return float(left), float(top), float(max(right - left, 1)), float(max(bottom - top, 1))
