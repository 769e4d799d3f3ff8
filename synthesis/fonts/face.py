"""A font ready to shape, check and render: HarfBuzz and Skia over the same file.

``font(file)`` is the face of that file, once per process.
"""

from functools import cache, cached_property

import numpy as np
import skia
import uharfbuzz as hb
from numpy.typing import NDArray

from synthesis.fonts.files import FontFile, characters
from synthesis.fonts.typefaces import typeface

Extents = tuple[float, float, float, float]
_NOWHERE = (0.0, 0.0, 0.0, 0.0)
_LARGE, _MARGIN = 256, 128  # pixels: the em at which a rendered glyph is measured, room around it
_HALF = 128  # of 255
_FULL_SQUARE = "国"
_USUAL_MIDDLE = 0.38
_USUAL_STEM = 0.06


class Font:
    """One face, loaded when first used. Lengths are in ems: times the size they are pixels."""

    def __init__(self, file: FontFile) -> None:
        self.file = file
        self._extents: dict[int, Extents] = {}

    @cached_property
    def typeface(self) -> skia.Typeface:
        """What Skia renders with. Raises ``UsageError`` if it cannot."""
        return typeface(self.file)

    @cached_property
    def shaper(self) -> hb.Font:
        """What HarfBuzz shapes with."""
        return hb.Font(hb.Face(hb.Blob.from_file_path(self.file.path), self.file.index))

    @cached_property
    def units_per_em(self) -> int:
        """Units of the font's design in an em."""
        return int(self.shaper.face.upem)

    @cached_property
    def characters(self) -> frozenset[int]:
        """The code points it may be used for."""
        return characters(self.file)

    @cached_property
    def cap_height(self) -> float:
        """The height of an H above the baseline."""
        return -self._top_of("H")

    @cached_property
    def has_colours(self) -> bool:
        """Whether Skia renders its glyphs in colours of their own."""
        face = self.shaper.face
        return bool(face.has_color_layers or face.has_color_paint or face.has_color_png)

    @cached_property
    def middle(self) -> float:
        """From the baseline up to the middle of a hanzi's square, in ems."""
        glyph = self.shaper.get_nominal_glyph(ord(_FULL_SQUARE))
        if not glyph:
            return _USUAL_MIDDLE
        _, top, _, bottom = self.extents(glyph)
        return -(top + bottom) / 2

    @cached_property
    def stem(self) -> float:
        """The mean width of strokes in ems: twice the area of a 国 or an n over its outline."""
        known = (self.shaper.get_nominal_glyph(ord(character)) for character in (_FULL_SQUARE, "n"))
        ink = self._rendered(next(filter(None, known), 0)).astype(float) / 255
        outline = np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum()
        return float(2 * ink.sum() / outline / _LARGE) if outline else _USUAL_STEM

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
        extents = self._extents.get(glyph)
        if extents is None:
            if self._is_bitmap(glyph):
                extents = self._measure_bitmap(glyph)
            else:
                extents = self._measure(self._outlines.getPath(glyph))
            self._extents[glyph] = extents
        return extents

    def has_ink(self, glyph: int) -> bool:
        """Whether the glyph has a bitmap, or an outline with an area."""
        return self.extents(glyph) != _NOWHERE

    @cached_property
    def _outlines(self) -> skia.Font:
        return self.sized(self.units_per_em)

    def _measure(self, path: skia.Path | None) -> Extents:
        """The bounds of the outline; of 527,068 glyphs of 300 faces none has some and no ink."""
        box = None if path is None or path.isEmpty() else path.computeTightBounds()
        if box is None or box.isEmpty():
            return _NOWHERE
        em = self.units_per_em
        return box.left() / em, box.top() / em, box.right() / em, box.bottom() / em

    def outline(self, glyph: int) -> skia.Path | None:
        """The glyph's outline at one unit per em, ``None`` if it is a bitmap in colours."""
        if self._is_bitmap(glyph):
            return None
        path = self._outlines.getPath(glyph)
        if path is not None:
            path.transform(skia.Matrix.Scale(1 / self.units_per_em, 1 / self.units_per_em))
        return path

    def _is_bitmap(self, glyph: int) -> bool:
        face = self.shaper.face
        return self.has_colours and bool(
            face.has_color_png
            or face.glyph_has_color_paint(glyph)
            or face.get_glyph_color_layers(glyph)
        )

    def _measure_bitmap(self, glyph: int) -> Extents:
        """The bounds of the pixels that a glyph in colours covers by half or more."""
        rows, columns = np.nonzero(self._rendered(glyph) >= _HALF)
        if not len(rows):
            return _NOWHERE
        return (
            float(columns.min() - _MARGIN) / _LARGE,
            float(rows.min() - _MARGIN) / _LARGE - 1,
            float(columns.max() + 1 - _MARGIN) / _LARGE,
            float(rows.max() + 1 - _MARGIN) / _LARGE - 1,
        )

    def _rendered(self, glyph: int) -> NDArray[np.uint8]:
        """(H, W) uint8 coverage of a large glyph, its pen a margin from the left."""
        side = 3 * _MARGIN + _LARGE
        pixels = np.zeros((side, side, 4), np.uint8)
        builder = skia.TextBlobBuilder()
        point = skia.Point(_MARGIN, _MARGIN + _LARGE)
        builder.allocRunPos(self.sized(_LARGE), [glyph], [point])
        canvas = skia.Surface(pixels).getCanvas()
        canvas.drawTextBlob(builder.make(), 0, 0, skia.Paint(Color=skia.ColorBLACK))
        return np.ascontiguousarray(pixels[..., 3])

    def _top_of(self, character: str) -> float:
        glyph = self.shaper.get_nominal_glyph(ord(character))
        box = self.shaper.get_glyph_extents(glyph) if glyph else None
        return -box.y_bearing / self.units_per_em if box else -0.7


@cache
def font(file: FontFile) -> Font:
    """The face, once per process."""
    return Font(file)
