"""A font ready to shape, check and draw: HarfBuzz and Skia over the same file.

``font(file)`` loads a face once per process.
"""

from functools import cache

import numpy as np
import skia
import uharfbuzz as hb

from synthesis.fonts.files import FontFile, characters
from synthesis.problems import UsageError

Extents = tuple[float, float, float, float]
_INK_SIZE = 64  # pixels per em at which a glyph is tried for ink
_INK_FLOOR = 96  # of 255: the darkest pixel a glyph must reach at that size


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
        self._extents: dict[int, Extents] = {}
        self._ink: dict[int, bool] = {}

    def sized(self, size: float) -> skia.Font:
        """The Skia font at ``size`` pixels per em: unhinted outlines at quarter-pixel positions."""
        font = skia.Font(self.typeface, size)
        font.setHinting(skia.FontHinting.kNone)
        font.setSubpixel(True)
        font.setLinearMetrics(True)
        font.setEmbeddedBitmaps(False)
        font.setEdging(skia.Font.Edging.kAntiAlias)
        return font

    def extents(self, glyph: int) -> Extents:
        """The outline's bounds (left, top, right, bottom) in ems, y down from the baseline."""
        found = self._extents.get(glyph)
        if found is None:
            box = self.shaper.get_glyph_extents(glyph)
            em = self.units_per_em
            left, top = (box.x_bearing / em, -box.y_bearing / em) if box else (0.0, 0.0)
            width, height = (box.width / em, -box.height / em) if box else (0.0, 0.0)
            found = self._extents[glyph] = (left, top, left + width, top + height)
        return found

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
        shape = (int(bottom - top) + 3, int(right - left) + 3, 4)
        pixels = np.zeros(shape, np.uint8)
        canvas = skia.Surface(pixels).getCanvas()
        builder = skia.TextBlobBuilder()
        builder.allocRunPos(self.sized(_INK_SIZE), [glyph], [skia.Point(1 - left, 1 - top)])
        canvas.drawTextBlob(builder.make(), 0, 0, skia.Paint(Color=skia.ColorBLACK))
        return bool(pixels[..., 3].max() >= _INK_FLOOR)

    def _top_of(self, character: str) -> float:
        glyph = self.shaper.get_nominal_glyph(ord(character))
        box = self.shaper.get_glyph_extents(glyph) if glyph else None
        return -box.y_bearing / self.units_per_em if box else -0.7


@cache
def font(file: FontFile) -> Font:
    """The loaded face, once per process."""
    return Font(file)


@cache
def _manager() -> skia.FontMgr:
    """FreeType alone: files by their path, without asking (or starting) fontconfig."""
    return skia.FontMgr.New_Custom_Empty()
