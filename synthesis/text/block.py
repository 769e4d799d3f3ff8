"""A text set in a frame: what every mode draws, and where its boxes come from.

``fit`` finds the largest size, ``at`` takes a given one; ``drawing.draw(canvas, block.runs, ink)``
draws the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from synthesis.drawing import Run
from synthesis.fonts.face import Extents, Font, font
from synthesis.fonts.files import FontFile
from synthesis.problems import UnrenderableError
from synthesis.sample import TextBox, upright_quad
from synthesis.text import breaking, layout, lines
from synthesis.text.layout import Frame, PlacedLine, Setting


@dataclass(frozen=True)
class Typography:
    """How texts are set: ``faces`` in order of preference, ``tracking`` in ems between clusters.

    Lines end anywhere the language allows; with ``phrases`` after punctuation only, for headings;
    with ``halves`` in the middle of the text only; without ``wrap`` where the text itself breaks.
    """

    language: str
    faces: tuple[FontFile, ...]
    setting: Setting
    tracking: float = 0.0
    phrases: bool = False
    halves: bool = False
    wrap: bool = True


@dataclass(frozen=True)
class Block:
    """A text at its place: ``size`` in pixels per em, lines in reading order, runs to draw."""

    text: str
    size: int
    lines: tuple[PlacedLine, ...]
    runs: tuple[Run, ...]

    @property
    def box(self) -> Extents:
        """The bounds (left, top, right, bottom) of all ink, in pixels."""
        return layout.bounds([line.box for line in self.lines])

    def boxes(self) -> tuple[TextBox, ...]:
        """Boxes in reading order: the block, then each line before its glyphs."""
        found = [TextBox(self.text, upright_quad(*self.box), "block")]
        for line in self.lines:
            found.append(TextBox(line.text, upright_quad(*line.box), "line"))
            found += [TextBox(one.text, upright_quad(*one.box), "glyph") for one in line.clusters]
        return tuple(found)


def fit(text: str, typography: Typography, frame: Frame, sizes: range) -> Block:
    """The text at the largest of ``sizes`` (pixels per em, ascending) that fits the frame.

    Raises ``UnrenderableError``: ``does_not_fit``, or why no face can draw it.
    """
    face, units = _units(text, typography)
    size = layout.largest_size(units, frame, typography.setting.leading, sizes, wrap=typography.wrap)
    if size is None:
        raise UnrenderableError("does_not_fit", f"at {sizes[0]} px in {frame}")
    return _placed(text, face, units, typography, frame, size)


def at(text: str, typography: Typography, frame: Frame, size: int) -> Block:
    """The text at ``size``; raises ``UnrenderableError`` as ``fit`` does."""
    return fit(text, typography, frame, range(size, size + 1))


def _placed(
    text: str,
    face: Font,
    units: Sequence[Sequence[lines.Unit]],
    typography: Typography,
    frame: Frame,
    size: int,
) -> Block:
    placed = layout.place(face, units, frame, typography.setting, size, frame.width / size)
    return Block(text, size, tuple(placed), tuple(layout.runs(face, size, placed)))


def _units(text: str, typography: Typography) -> tuple[Font, list[list[lines.Unit]]]:
    breaks = breaking.phrases if typography.phrases else breaking.opportunities
    breaks = breaking.halves if typography.halves else breaks
    problem: UnrenderableError | None = None
    for file in typography.faces:
        face = font(file)
        try:
            told = (typography.language, typography.tracking, breaks)
            return face, lines.units(face, text, *told)
        except UnrenderableError as error:
            problem = problem or error
    raise problem or UnrenderableError("no_font")
