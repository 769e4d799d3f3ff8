"""Better lines than the fullest: even ones, and ones that can be justified. Lengths in ems."""

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise

from synthesis.text.clusters import Cluster
from synthesis.text.lines import Line, Measured, Unit, fill, indent, line_of

MOST_STRETCH = 0.12  # added between hanzi, before lines are broken otherwise
MOST_BLANK = 0.35  # the same where only blanks are widened
_LAST_RESORT = 2.5  # times as much, where nothing else helps
_NEAR = 0.5  # of the measure: how far from even ends line ends are first sought
_ROUNDING = 1e-9
_PARTED_WORD = 12.0  # square ems: two lines may differ by five before a word is parted
_FEWEST = 2  # letters on a last line: a single one with its mark looks forgotten
_BACK = 8  # units by which a justified line may end before the fullest one
Window = Callable[[int], tuple[int, int]]  # of a line's number: its end's first and last unit


def balance(text: Sequence[Measured], measure: float) -> list[Line]:
    """As many lines as ``fill`` gives, but as even in width as they can be.

    Every line the text itself has is balanced on its own. Raises ``ValueError`` when a unit is
    wider than the measure.
    """
    lines: list[Line] = []
    for line in text:
        filled = _filled(line, measure)
        lines += _even(line, measure, filled) if len(filled) > 1 else filled
    return lines


def full(text: Sequence[Measured], measure: float) -> list[Line]:
    """As many lines as ``fill`` gives and nearly as full, none of them a last letter alone.

    Raises ``ValueError`` when a unit is wider than the measure.
    """
    lines: list[Line] = []
    for line in text:
        filled = _filled(line, measure)
        lines += _tight(line, measure, filled) if _is_poor(line, filled) else filled
    return lines


def justify(text: Sequence[Measured], measure: float) -> list[Line]:
    """As many lines as ``fill`` gives, broken so that none must be widened much.

    Raises ``ValueError`` when a unit is wider than the measure.
    """
    lines: list[Line] = []
    for line in text:
        filled = _filled(line, measure)
        poor = _is_poor(line, filled) or any(
            stretch(filled_line, measure, 1.0) is None for filled_line in filled
        )
        lines += _tight(line, measure, filled) if poor else filled
    return lines


def stretch(line: Line, width: float, limit: float = _LAST_RESORT) -> dict[int, float] | None:
    """What is added after which cluster (by its number) to widen a line to ``width``.

    ``None`` if it were more than ``limit`` times what looks well. Last lines stay as they are.
    """
    if line.last or not line.units:
        return {}
    clusters = line.clusters
    points = stretch_points(clusters)
    share = (width - line.width) / len(points) if points else 0.0
    if share <= MOST_STRETCH * limit:
        return dict.fromkeys(points, share)
    only_blanks = all(clusters[place].ink is None for place in points)
    return dict.fromkeys(points, share) if only_blanks and share <= MOST_BLANK * limit else None


def stretch_points(clusters: Sequence[Cluster]) -> list[int]:
    """The places after which a line may be widened: after blanks, and on both sides of hanzi."""
    end = len(clusters)
    while end and clusters[end - 1].ink is None:
        end -= 1
    blank = [cluster.ink is None for cluster in clusters[:end]]
    wide = [_is_wide(cluster.text) for cluster in clusters[:end]]
    return [
        place
        for place in range(end - 1)
        if blank[place] or (not blank[place + 1] and (wide[place] or wide[place + 1]))
    ]


@lru_cache(maxsize=1 << 14)
def _is_wide(text: str) -> bool:
    return unicodedata.east_asian_width(text[0]) in {"W", "F"}


def _filled(line: Measured, measure: float) -> list[Line]:
    filled = fill([line], measure)
    if filled is None:
        raise ValueError(f"a unit is wider than the measure of {measure} em")
    return filled


def _is_poor(line: Measured, filled: Sequence[Line]) -> bool:
    """Whether a line ends within a word, or the last one is a letter alone."""
    if len(filled) < 2:
        return False
    last_start = len(line.units) - len(filled[-1].units)
    return last_start > _latest(line.units) or any(
        filled_line.units[-1].parts_word for filled_line in filled[:-1]
    )


def _latest(units: Sequence[Unit]) -> int:
    """The last unit a last line may begin with."""
    letters = 0
    for place in range(len(units) - 1, -1, -1):
        letters += sum([cluster.text[0].isalnum() for cluster in units[place].clusters])
        if letters >= _FEWEST:
            return place
    return 0


def _even(line: Measured, measure: float, filled: list[Line]) -> list[Line]:
    """As many lines as ``filled`` with the least squared widths, ends sought near even ones."""
    units, pens = line.units, line.pens
    count = len(filled)

    def near(number: int) -> tuple[int, int]:
        even, most = pens[-1] * number / count, _NEAR * measure
        return bisect_left(pens, even - most) - 1, bisect_left(pens, even + most)

    def cost(width: float, _last: bool) -> float:
        return width * width

    starts = _best_starts(line, measure, count, near, cost, _PARTED_WORD)
    if not starts:
        anywhere = (0, len(units))
        starts = _best_starts(line, measure, count, lambda _: anywhere, cost, _PARTED_WORD)
    return _lines(units, starts) or filled


def _tight(line: Measured, measure: float, filled: list[Line]) -> list[Line]:
    """As many lines as ``filled`` with the least squares of what they lack of the measure.

    To keep a word whole they may lack what looks well when it is spread over them.
    """
    units = line.units
    fullest = list(accumulate(len(filled_line.units) for filled_line in filled))

    def before(number: int) -> tuple[int, int]:
        return fullest[number - 1] - 1 - _BACK, fullest[number - 1]

    def cost(width: float, last: bool) -> float:
        return 0.0 if last else (measure - width) ** 2

    most_uneven = min(_PARTED_WORD, (MOST_STRETCH * measure) ** 2)
    return (
        _lines(units, _best_starts(line, measure, len(filled), before, cost, most_uneven)) or filled
    )


def _lines(units: Sequence[Unit], starts: Sequence[int]) -> list[Line]:
    return [
        line_of(units[start:end], last=end == len(units))
        for start, end in pairwise([*starts, len(units)] if starts else [])
    ]


def _best_starts(
    line: Measured,
    measure: float,
    count: int,
    window: Window,
    cost: Callable[[float, bool], float],
    parted_word: float,
) -> list[int]:
    """Where ``count`` lines start at the least cost; empty if the windows allow none."""
    units, pens, ends = line.units, line.pens, line.ends
    latest = _latest(units)
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}  # end of a line: cost and starts
    for number in range(1, count + 1):
        first, last = window(number)
        reached: dict[int, tuple[float, list[int]]] = {}
        for start, (so_far, starts) in best.items():
            if start == len(units) or (number == count and start > latest):
                continue
            left = pens[start] + indent(units[start])
            for end in range(max(start, first), min(last + 1, len(units))):
                width = ends[end] - left
                if width > measure + _ROUNDING:
                    break
                parted = parted_word if units[end].parts_word else 0.0
                total = so_far + cost(width, end + 1 == len(units)) + parted
                if end + 1 not in reached or total < reached[end + 1][0]:
                    reached[end + 1] = (total, [*starts, start])
        best = reached
    return best[len(units)][1] if len(units) in best else []
