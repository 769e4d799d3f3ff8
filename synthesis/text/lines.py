"""Lines from clusters: greedy filling of a measure, and balancing. All lengths in ems."""

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

from synthesis.fonts.face import Font
from synthesis.text import scripts
from synthesis.text.breaking import opportunities
from synthesis.text.clusters import Cluster
from synthesis.text.shaping import shape
from synthesis.text.spacing import SQUEEZE

Breaks = Callable[[str, str], Iterable[int]]
_NEAR = 0.5  # of the measure: how far from even ends line ends are first sought
_WIDE_MARKS = frozenset("“”‘’—…·")  # as wide as hanzi in Chinese fonts


@dataclass(frozen=True, slots=True)
class Unit:
    """Clusters no line may part; ``width`` is without the blanks at its end, ``advance`` with.

    ``tracking``, added after every cluster, is in both. ``base`` is the level of its paragraph:
    1 for text that runs right to left.
    """

    clusters: tuple[Cluster, ...]
    tracking: float
    advance: float
    width: float
    base: int = 0


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
        return [one for unit in self.units for one in unit.clusters]

    @property
    def text(self) -> str:
        """What the line shows, without the blanks at its end."""
        return "".join(one.text for one in self.clusters).rstrip()

    @property
    def width(self) -> float:
        """From the first cluster's start to the last one's end, blank halves not counted."""
        if not self.units:
            return 0.0
        before = sum(unit.advance for unit in self.units[:-1])
        return before + self.units[-1].width - indent(self.units[0])


def indent(unit: Unit) -> float:
    """How far a line beginning with this unit moves back: an opening mark's blank half."""
    return SQUEEZE if unit.clusters[0].blank == "before" else 0.0


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
    if tracking and any(scripts.script_of(one) in scripts.JOINED for one in {*text}):
        tracking = 0.0
    found = []
    for line in text.split("\n"):
        clusters: tuple[Cluster, ...] = ()
        if line:
            clusters = shape(fonts, line, language, ligatures=tracking == 0, columns=columns)
        base = scripts.base_level(language, line)
        ends = {*breaks(line, language), len(line)}
        found.append([_unit(some, tracking, base) for some in _between(clusters, ends)])
    return found


def _between(clusters: Iterable[Cluster], ends: Container[int]) -> Iterator[tuple[Cluster, ...]]:
    """The clusters in groups, each of which ends at one of the offsets ``ends``."""
    pending: list[Cluster] = []
    place = 0
    for cluster in clusters:
        pending.append(cluster)
        place += len(cluster.text)
        if place in ends:
            yield tuple(pending)
            pending = []


def _unit(clusters: tuple[Cluster, ...], tracking: float, base: int) -> Unit:
    advance = sum(one.advance + tracking for one in clusters)
    width = advance
    for one in reversed(clusters):
        width -= tracking
        if one.ink is not None:
            width -= SQUEEZE if one.blank == "after" else 0.0
            break
        width -= one.advance
    return Unit(clusters, tracking, advance, max(width, 0.0), base)


def fill(lines: Sequence[Sequence[Unit]], measure: float) -> list[Line] | None:
    """Lines no wider than ``measure``, each as full as it can be; ``None`` if a unit is wider."""
    found: list[Line] = []
    for hard_line in lines:
        start, pen = 0, 0.0
        for place, unit in enumerate(hard_line):
            if place > start and pen + unit.width > measure:
                found.append(_line(hard_line[start:place], last=False))
                start, pen = place, 0.0
            if place == start:
                pen = -indent(unit)
            if pen + unit.width > measure:
                return None
            pen += unit.advance
        found.append(_line(hard_line[start:], last=True))
    return found


def _line(units_of_line: Sequence[Unit], *, last: bool) -> Line:
    tracking = units_of_line[0].tracking if units_of_line else 0.0
    return Line(tuple(units_of_line), last, tracking)


def balance(lines: Sequence[Sequence[Unit]], measure: float) -> list[Line]:
    """As many lines as ``fill`` gives, but as even in width as they can be.

    Every line the text itself has is balanced on its own. Raises ``ValueError`` when a unit is
    wider than the measure.
    """
    found: list[Line] = []
    for hard_line in lines:
        filled = fill([hard_line], measure)
        if filled is None:
            raise ValueError(f"a unit is wider than the measure of {measure} em")
        if len(filled) == 1:
            found += filled
            continue
        starts = _even_starts(hard_line, measure, len(filled))
        for start, end in pairwise([*starts, len(hard_line)]):
            found.append(_line(hard_line[start:end], last=end == len(hard_line)))
    return found


def _even_starts(hard_line: Sequence[Unit], measure: float, count: int) -> list[int]:
    """Where ``count`` lines start so that the sum of their squared widths is the least.

    Lines ends are first sought near those of perfectly even lines.
    """
    pens = [0.0, *accumulate(unit.advance for unit in hard_line)]
    near = _starts_near(hard_line, pens, measure, count, _NEAR * measure)
    return near or _starts_near(hard_line, pens, measure, count, pens[-1])


def _starts_near(
    hard_line: Sequence[Unit], pens: Sequence[float], measure: float, count: int, most: float
) -> list[int]:
    """As above, with ends at most ``most`` from even ones; empty if there is no such way."""
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}  # end of a line: cost and starts
    for number in range(1, count + 1):
        even = pens[-1] * number / count
        first = bisect_left(pens, even - most) - 1
        reached: dict[int, tuple[float, list[int]]] = {}
        for start, (cost, starts) in best.items():
            left = pens[start] + indent(hard_line[start]) if start < len(hard_line) else 0.0
            for end in range(max(start, first), len(hard_line)):
                width = pens[end] - left + hard_line[end].width
                if width > measure or pens[end] > even + most:
                    break
                total = cost + width * width
                if end + 1 not in reached or total < reached[end + 1][0]:
                    reached[end + 1] = (total, [*starts, start])
        best = reached
    return best[len(hard_line)][1] if len(hard_line) in best else []


def stretch_points(clusters: Sequence[Cluster]) -> list[int]:
    """The places after which a justified line of clusters may be widened: not in words."""
    end = len(clusters)
    while end and clusters[end - 1].ink is None:
        end -= 1
    letters = [_is_letter(one.text) for one in clusters[:end]]
    return [place for place, (one, next_) in enumerate(pairwise(letters)) if not (one and next_)]


@lru_cache(maxsize=1 << 14)
def _is_letter(text: str) -> bool:
    """Whether a cluster is of a script with spaces, or a mark that clings to such letters."""
    wide = unicodedata.east_asian_width(text[0]) in {"W", "F"}
    return not text.isspace() and not wide and text[0] not in _WIDE_MARKS
