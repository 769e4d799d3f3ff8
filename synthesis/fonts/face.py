"""A font ready to shape, check and draw: HarfBuzz and Skia over the same file.

``font(file)`` loads a face once per process.
"""

from functools import cache, cached_property

import numpy as np
import skia
import uharfbuzz as hb
from numpy.typing import NDArray

from synthesis.fonts.files import FontFile, characters
from synthesis.problems import UsageError

Extents = tuple[float, float, float, float]
_INK_SIZE = 64  # pixels per em at which a glyph is tried for ink
_INK_FLOOR = 96  # of 255: the darkest pixel a glyph must reach at that size
_COLOUR_SIZE = 256  # pixels per em at which a colour glyph is measured
_HALF = 128  # of 255
_FULL_SQUARE = "国"
_USUAL_MIDDLE = 0.38


class Font:
    """One loaded face. Lengths are in ems: multiply by the size in pixels."""

    def __init__(self, file: FontFile) -> None:
        self.file = file
        self.typeface = _manager().makeFromFile(file.path, file.index)
        if self.typeface is None:
            raise UsageError(f"{file.path}: Skia cannot load face {file.index}")
        self.shaper = hb.Font(hb.Face(hb.Blob.from_file_path(file.path), file.index))
        self.units_per_em = self.shaper.face.upem
        self.characters = characters(file)
        self.cap_height = -self._top_of("H")
        self.has_colours = _has_colours(self.shaper.face)
        self._extents: dict[int, Extents] = {}
        self._ink: dict[int, bool] = {}

    @cached_property
    def middle(self) -> float:
        """From the baseline up to the middle of a hanzi's square, in ems."""
        glyph = self.shaper.get_nominal_glyph(ord(_FULL_SQUARE))
        if not glyph:
            return _USUAL_MIDDLE
        _, top, _, bottom = self.extents(glyph)
        return -(top + bottom) / 2

    def sized(self, size: float) -> skia.Font:
        """The Skia font at ``size`` pixels per em: unhinted outlines at quarter-pixel positions."""
        font = skia.Font(self.typeface, size)
        font.setHinting(skia.FontHinting.kNone)
        font.setSubpixel(True)
        font.setBaselineSnap(False)
        font.setLinearMetrics(True)
        font.setEmbeddedBitmaps(False)
        font.setEdging(skia.Font.Edging.kAntiAlias)
        return font

    def extents(self, glyph: int) -> Extents:
        """The bounds of the outline itself (left, top, right, bottom) in ems, y down."""
        found = self._extents.get(glyph)
        if found is None:
            found = self._extents[glyph] = self._measure(glyph)
        return found

    def outline(self, glyph: int) -> skia.Path | None:
        """The glyph's outline at one unit per em, ``None`` if it is a picture in colours."""
        if self._is_picture(glyph):
            return None
        path = self.sized(self.units_per_em).getPath(glyph)
        if path is not None:
            path.transform(skia.Matrix.Scale(1 / self.units_per_em, 1 / self.units_per_em))
        return path

    def _is_picture(self, glyph: int) -> bool:
        face = self.shaper.face
        return self.has_colours and bool(
            face.has_color_png
            or face.glyph_has_color_paint(glyph)
            or face.get_glyph_color_layers(glyph)
        )

    def _measure(self, glyph: int) -> Extents:
        if self._is_picture(glyph):
            return self._measure_picture(glyph)
        em = self.units_per_em
        path = self.sized(em).getPath(glyph)
        box = path.computeTightBounds() if path is not None else skia.Rect.MakeEmpty()
        return box.left() / em, box.top() / em, box.right() / em, box.bottom() / em

    def _measure_picture(self, glyph: int) -> Extents:
        """The bounds of the pixels that a glyph in colours covers by half or more."""
        margin = _COLOUR_SIZE // 2
        pixels = np.zeros((3 * margin + _COLOUR_SIZE, 3 * margin + _COLOUR_SIZE, 4), np.uint8)
        origin = (margin, margin + _COLOUR_SIZE)
        self._draw_alone(pixels, glyph, _COLOUR_SIZE, origin)
        rows, columns = np.nonzero(pixels[..., 3] >= _HALF)
        if not len(rows):
            return 0.0, 0.0, 0.0, 0.0
        return (
            float(columns.min() - origin[0]) / _COLOUR_SIZE,
            float(rows.min() - origin[1]) / _COLOUR_SIZE,
            float(columns.max() + 1 - origin[0]) / _COLOUR_SIZE,
            float(rows.max() + 1 - origin[1]) / _COLOUR_SIZE,
        )

    def has_ink(self, glyph: int) -> bool:
        """Whether the glyph, drawn, darkens any pixel (tried once, then remembered)."""
        found = self._ink.get(glyph)
        if found is None:
            found = self._ink[glyph] = self._try_ink(glyph)
        return found

    def _try_ink(self, glyph: int) -> bool:
        left, top, right, bottom = (value * _INK_SIZE for value in self.extents(glyph))
        if right <= left or bottom <= top:
            return False
        pixels = np.zeros((int(bottom - top) + 3, int(right - left) + 3, 4), np.uint8)
        self._draw_alone(pixels, glyph, _INK_SIZE, (1 - left, 1 - top))
        return bool(pixels[..., 3].max() >= _INK_FLOOR)

    def _draw_alone(
        self, pixels: NDArray[np.uint8], glyph: int, size: int, origin: tuple[float, float]
    ) -> None:
        builder = skia.TextBlobBuilder()
        builder.allocRunPos(self.sized(size), [glyph], [skia.Point(*origin)])
        canvas = skia.Surface(pixels).getCanvas()
        canvas.drawTextBlob(builder.make(), 0, 0, skia.Paint(Color=skia.ColorBLACK))

    def _top_of(self, character: str) -> float:
        glyph = self.shaper.get_nominal_glyph(ord(character))
        box = self.shaper.get_glyph_extents(glyph) if glyph else None
        return -box.y_bearing / self.units_per_em if box else -0.7


def _has_colours(face: hb.Face) -> bool:
    """Whether Skia draws the face's glyphs in colours of their own."""
    return bool(face.has_color_layers or face.has_color_paint or face.has_color_png)


@cache
def font(file: FontFile) -> Font:
    """The loaded face, once per process."""
    return Font(file)


@cache
def _manager() -> skia.FontMgr:
    """FreeType alone: files by their path, without asking (or starting) fontconfig."""
    return skia.FontMgr.New_Custom_Empty()
