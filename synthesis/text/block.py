"""A text set in a frame: what every mode renders, and where its boxes come from.

``fit`` finds the largest size, ``at`` takes a given one; ``raster.render(canvas, block.runs, ink)``
renders the result.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from synthesis.fonts.face import Extents, font
from synthesis.fonts.files import FontFile
from synthesis.raster import Run
from synthesis.sample import Quad, TextBox, upright_quad
from synthesis.text import breaking, layout, lines, placing, words
from synthesis.text.clusters import bounds
from synthesis.text.layout import Frame, Setting
from synthesis.text.lines import Measured
from synthesis.text.placing import PlacedLine, quad_around
from synthesis.text.quotes import with_corner_brackets
from synthesis.unrenderable import UnrenderableError


@dataclass(frozen=True)
class Typography:
    """How texts are set: ``faces`` in order of preference, ``tracking`` in ems between clusters.

    What the first face lacks is rendered by the next that has it; emoji need a face in colours.
    ``vertical`` sets columns from right to left.

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
    vertical: bool = False


@dataclass(frozen=True)
class Block:
    """A text at its place: ``size`` in pixels per em, lines in reading order, runs to render.

    ``text`` is what is rendered, as ``shown`` tells it.
    """

    text: str
    size: int
    lines: tuple[PlacedLine, ...]
    runs: tuple[Run, ...]

    @cached_property
    def box(self) -> Extents:
        """The bounds (left, top, right, bottom) of all ink, in pixels."""
        return bounds([line.box for line in self.lines])

    @property
    def faces(self) -> tuple[FontFile, ...]:
        """The faces that render it, in the order they first occur."""
        return tuple(dict.fromkeys(run.font.file for run in self.runs))

    def boxes(self) -> tuple[TextBox, ...]:
        """Boxes in reading order, each before those it holds: block, line, word, glyph.

        A word is what stands between blanks in scripts that have them (see ``words``).
        """
        boxes = [TextBox(self.text, self._quad(), "block")]
        for line in self.lines:
            boxes.append(TextBox(line.text, line.quad(self.size), "line"))
            for word, clusters in words.of(line):
                if word:
                    boxes.append(TextBox(word, quad_around(clusters, self.size), "word"))
                boxes += [TextBox(cluster.text, cluster.quad, "glyph") for cluster in clusters]
        return tuple(boxes)

    def _quad(self) -> Quad:
        if all(line.is_level for line in self.lines):
            return upright_quad(*self.box)
        return quad_around([cluster for line in self.lines for cluster in line.clusters], self.size)


def fit(text: str, typography: Typography, frame: Frame, sizes: range) -> Block:
    """The text at the largest of ``sizes`` (pixels per em, ascending) that fits the frame.

    Raises ``UnrenderableError``: ``does_not_fit``, or why no face can render it.
    """
    size = largest(text, typography, frame, sizes)
    measure = (frame.height if typography.vertical else frame.width) / size
    text, how = shown(text, typography), typography.setting
    placed = layout.place(
        _lines(text, typography), frame, how, size, measure, columns=typography.vertical
    )
    placed = [line for line in placed if line.clusters]
    if not placed:
        raise UnrenderableError("no_ink", repr(text))
    return Block(text, size, tuple(placed), tuple(placing.runs(size, placed)))


def largest(text: str, typography: Typography, frame: Frame, sizes: range) -> int:
    """The size that ``fit`` would set the text at; raises ``UnrenderableError`` as it does."""
    own = _lines(shown(text, typography), typography)
    manner = {"wrap": typography.wrap, "columns": typography.vertical}
    size = layout.largest_size(own, frame, typography.setting.leading, sizes, **manner)
    if size is None:
        raise UnrenderableError("does_not_fit", f"at {sizes[0]} px in {frame}")
    return size


def at(text: str, typography: Typography, frame: Frame, size: int) -> Block:
    """The text at ``size``; raises ``UnrenderableError`` as ``fit`` does."""
    return fit(text, typography, frame, range(size, size + 1))


def shown(text: str, typography: Typography) -> str:
    """The text as it is rendered: Chinese columns have corner brackets where rows have quotes."""
    if typography.vertical and typography.language.startswith("zh"):
        return with_corner_brackets(text)
    return text


def _lines(text: str, how: Typography) -> tuple[Measured, ...]:
    breaks = breaking.phrases if how.phrases else breaking.opportunities
    breaks = breaking.halves if how.halves else breaks
    return _measured(text, how.language, how.faces, how.tracking, breaks, how.vertical)


@lru_cache(maxsize=8)  # one text is tried in several frames, and by phrases
def _measured(
    text: str,
    language: str,
    faces: tuple[FontFile, ...],
    tracking: float,
    breaks: lines.Breaks,
    columns: bool,
) -> tuple[Measured, ...]:
    if not faces:
        raise UnrenderableError("no_font")
    fonts = [font(file) for file in faces]
    units = lines.units(fonts, text, language, tracking, breaks, columns=columns)
    return lines.measured(units)
