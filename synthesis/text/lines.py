"""Units no line may part, and lines filled with them. All lengths are in ems."""

import math
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from synthesis.fonts.face import Font
from synthesis.text import scripts
from synthesis.text.breaking import inside_words, opportunities
from synthesis.text.clusters import Cluster
from synthesis.text.shaping import shape

_NO_INK = -math.inf
_HEADING = 60  # characters: longer lines are no headings, and may part Chinese words
Breaks = Callable[[str, str], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Unit:
    """Clusters no line may part; ``width`` is without the blanks at its end, ``advance`` with.

    ``tracking``, added after every cluster, is in both. ``base`` is the level of its paragraph:
    1 for text that runs right to left. ``parts_word``: a line that ends with it parts a word.
    ``rise`` and ``fall`` are how far its ink is above and below the baseline, or right and left of
    a column's middle; ``-inf`` for blanks.
    """

    clusters: tuple[Cluster, ...]
    tracking: float
    advance: float
    width: float
    rise: float
    fall: float
    base: int = 0
    parts_word: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Units set side by side, ``tracking`` between clusters.

    ``last`` marks a line that ends where the text itself breaks or ends.
    """

    units: tuple[Unit, ...]
    last: bool
    tracking: float

    @property
    def base(self) -> int:
        """The level of the line's paragraph."""
        return self.units[0].base if self.units else 0

    @property
    def clusters(self) -> list[Cluster]:
        """The clusters of all units in order."""
        return [cluster for unit in self.units for cluster in unit.clusters]

    @property
    def text(self) -> str:
        """What the line shows, without the blanks at its end."""
        return "".join(cluster.text for cluster in self.clusters).rstrip()

    @property
    def width(self) -> float:
        """From the first cluster's start to the last one's end, blank halves not counted."""
        if not self.units:
            return 0.0
        before = sum(unit.advance for unit in self.units[:-1])
        return before + self.units[-1].width - indent(self.units[0])


def rise(units_of_line: Iterable[Unit]) -> float:
    """How far the ink of a line is above its baseline (see ``Unit``); 0 without ink."""
    highest = max([unit.rise for unit in units_of_line], default=_NO_INK)
    return 0.0 if highest == _NO_INK else highest


def fall(units_of_line: Iterable[Unit]) -> float:
    """How far the ink of a line is below its baseline (see ``Unit``); 0 without ink."""
    lowest = max([unit.fall for unit in units_of_line], default=_NO_INK)
    return 0.0 if lowest == _NO_INK else lowest


def indent(unit: Unit) -> float:
    """How far a line beginning with this unit moves back: an opening mark's blank half."""
    return unit.clusters[0].leading


def units(
    fonts: Font | Sequence[Font],
    text: str,
    language: str,
    tracking: float,
    breaks: Breaks = opportunities,
    *,
    columns: bool = False,
) -> list[list[Unit]]:
    """The units of every line the text itself has; ``columns`` for vertical setting.

    ``tracking`` is added to every advance, but not in scripts whose letters join. ``breaks``
    tells where a line may end. Raises ``UnrenderableError``.
    """
    if tracking and any(scripts.script_of(character) in scripts.JOINED for character in {*text}):
        tracking = 0.0
    units_of_lines = []
    for line in text.split("\n"):
        clusters: tuple[Cluster, ...] = ()
        if line:
            clusters = shape(fonts, line, language, ligatures=tracking == 0, columns=columns)
        base = scripts.base_level(language, line)
        ends = {*breaks(line, language), len(line)}
        by_character = len(line) <= _HEADING or language.startswith("ja")
        inside = inside_words(line, language) if by_character else frozenset()
        several = _between(clusters, ends)
        units_of_lines.append(
            [_unit(some, tracking, base, end in inside, columns) for end, some in several]
        )
    return units_of_lines


def _between(
    clusters: Iterable[Cluster], ends: Container[int]
) -> Iterator[tuple[int, tuple[Cluster, ...]]]:
    """The clusters in groups, each of which ends at one of the offsets ``ends``, after its end."""
    pending: list[Cluster] = []
    place = 0
    for cluster in clusters:
        pending.append(cluster)
        place += len(cluster.text)
        if place in ends:
            yield place, tuple(pending)
            pending = []


def _unit(
    clusters: tuple[Cluster, ...], tracking: float, base: int, parts_word: bool, columns: bool
) -> Unit:
    advance = sum([cluster.advance + tracking for cluster in clusters])
    width = advance
    for cluster in reversed(clusters):
        width -= tracking
        if cluster.ink is not None:
            width -= cluster.trailing
            break
        width -= cluster.advance
    rise, fall = _reach(clusters, columns)
    return Unit(clusters, tracking, advance, max(width, 0.0), rise, fall, base, parts_word)


def _reach(clusters: Iterable[Cluster], columns: bool) -> tuple[float, float]:
    rise = fall = _NO_INK
    for cluster in clusters:
        if cluster.ink:
            left, top, right, bottom = cluster.ink
            up, down = (right, -left) if columns else (-top, bottom)
            rise = up if up > rise else rise
            fall = down if down > fall else fall
    return rise, fall


class Measured(NamedTuple):
    """A line of the text's own, and where each unit would begin and end if it were never broken."""

    units: Sequence[Unit]
    pens: Sequence[float]
    ends: Sequence[float]


def measured(text: Iterable[Sequence[Unit]]) -> tuple[Measured, ...]:
    """The text's own lines, measured once to be filled at many sizes."""
    own = []
    for units in text:
        pens = [0.0, *accumulate([unit.advance for unit in units])]
        ends = [pen + unit.width for pen, unit in zip(pens, units, strict=False)]
        own.append(Measured(units, pens, ends))
    return tuple(own)


def breaks_at(line: Measured, measure: float) -> list[int] | None:
    """Where lines no wider than ``measure`` end, each as full as it can be, as numbers of units.

    ``None`` if a unit is wider.
    """
    units, pens, ends = line.units, line.pens, line.ends
    breaks: list[int] = []
    start = 0
    while start < len(units):
        end = bisect_right(ends, pens[start] + indent(units[start]) + measure, start)
        if end == start:
            return None
        breaks.append(end)
        start = end
    return breaks


def fill(lines: Iterable[Measured], measure: float) -> list[Line] | None:
    """Lines no wider than ``measure``, each as full as it can be; ``None`` if a unit is wider."""
    filled: list[Line] = []
    for line in lines:
        ends = breaks_at(line, measure)
        if ends is None:
            return None
        filled += [
            line_of(line.units[start:end], last=end == len(line.units))
            for start, end in pairwise([0, *ends])
        ]
        if not ends:
            filled.append(line_of((), last=True))
    return filled


def line_of(units_of_line: Sequence[Unit], *, last: bool) -> Line:
    """The units as a line."""
    tracking = units_of_line[0].tracking if units_of_line else 0.0
    return Line(tuple(units_of_line), last, tracking)
