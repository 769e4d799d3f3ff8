"""Pixels: grounds of one or two colours, and glyphs in ink on them, by Skia in a numpy array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import skia
from numpy.typing import NDArray

from curation.picture.colours import RGB
from synthesis.fonts.face import Font

Pixels = NDArray[np.uint8]
Direction = Literal["down", "across", "corner"]  # downwards, to the right, or to the lower right
_SHADES = 128  # of a gradient: its ends are never so many levels apart
_STEPS = 4  # Skia places small glyphs on quarter pixels: we do so ourselves, so boxes stay true


@dataclass(frozen=True)
class Run:
    """Glyphs of one font at one size (pixels per em) and their origins (x, y) in pixels.

    ``angles`` turns every glyph about its origin, in degrees clockwise; empty: all are upright.
    """

    font: Font
    size: float
    glyphs: Sequence[int]
    origins: Sequence[tuple[float, float]]
    angles: Sequence[float] = ()


def snapped(x: float, y: float) -> tuple[float, float]:
    """The origin as it is rendered: x to a quarter pixel, y to a whole one (crisp baselines)."""
    return stepped(x), float(round(y))


def stepped(coordinate: float) -> float:
    """The nearest coordinate at which an upright glyph can be rendered."""
    return round(coordinate * _STEPS) / _STEPS


def solid(width: int, height: int, rgb: RGB) -> Pixels:
    """A (H, W, 4) uint8 RGBA canvas of one colour."""
    return np.repeat(_packed([rgb]), width * height).view(np.uint8).reshape(height, width, 4)


def gradient(width: int, height: int, near: RGB, far: RGB, direction: Direction) -> Pixels:
    """A (H, W, 4) uint8 RGBA canvas that goes from one colour to the other."""
    across = (np.arange(width) * (_SHADES - 1) // max(width - 1, 1)).astype(np.uint8)
    down = (np.arange(height) * (_SHADES - 1) // max(height - 1, 1)).astype(np.uint8)[:, None]
    shades = _packed(np.rint(np.linspace(near, far, _SHADES)).tolist())
    if direction == "corner":
        painted = np.take(shades, (down + across) >> 1)
    else:
        line = shades[down] if direction == "down" else shades[across]
        painted = np.ascontiguousarray(np.broadcast_to(line, (height, width)))
    return painted.view(np.uint8).reshape(height, width, 4)


def _packed(colours: Sequence[Sequence[float]]) -> NDArray[np.uint32]:
    """Each colour as one RGBA pixel of 32 bits: four times fewer elements to copy."""
    rgba = np.array([(*colour, 255) for colour in colours], np.uint8)
    return rgba.view(np.uint32).reshape(-1)


def render(canvas: Pixels, runs: Sequence[Run], rgb: RGB) -> None:
    """Render the runs in one ink onto a (H, W, 4) uint8 RGBA canvas, in place.

    Glyphs that have colours of their own keep them.
    """
    target = skia.Surface(canvas).getCanvas()
    paint = skia.Paint(Color=skia.Color(*rgb), AntiAlias=True)
    for run in runs:
        if run.angles:
            _render_turned(target, run, paint)
            continue
        builder = skia.TextBlobBuilder()
        points = [skia.Point(*origin) for origin in run.origins]
        builder.allocRunPos(run.font.sized(run.size), list(run.glyphs), points)
        target.drawTextBlob(builder.make(), 0, 0, paint)


def _render_turned(target: skia.Canvas, run: Run, paint: skia.Paint) -> None:
    """Turned glyphs as outlines: text blobs would move them by up to an eighth of a pixel."""
    path = skia.Path()
    for glyph, origin, angle in zip(run.glyphs, run.origins, run.angles, strict=True):
        matrix = skia.Matrix.Translate(*origin)
        matrix.preRotate(angle)
        outline = run.font.outline(glyph)
        if outline is not None:
            matrix.preScale(run.size, run.size)
            path.addPath(outline, matrix)
            continue
        target.save()
        target.concat(matrix)
        builder = skia.TextBlobBuilder()
        builder.allocRunPos(run.font.sized(run.size), [glyph], [skia.Point(0, 0)])
        target.drawTextBlob(builder.make(), 0, 0, paint)
        target.restore()
    target.drawPath(path, paint)
