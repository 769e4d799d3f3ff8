"""The matrix of the rules that overlap, as the page prints it."""

from dataclasses import dataclass

from curation.report import text
from curation.report.outcome import Bound
from curation.report.overlap import Overlap


@dataclass(frozen=True)
class Cell:
    """How much of the row's rule another stops as well; ``part`` is in per cent."""

    label: str
    part: int
    title: str


@dataclass(frozen=True)
class OverlapRow:
    """A rule, the rows it would drop, those it alone would, and a cell for each rule."""

    number: int
    name: str
    count: int
    alone: int
    cells: tuple[Cell, ...]


def overlap_rows(overlap: Overlap) -> list[OverlapRow]:
    """The matrix of the rules that stop most rows."""
    shown = overlap.shown
    return [
        OverlapRow(
            place,
            _name(overlap.bounds[row]),
            int(overlap.together[row, row]),
            int(overlap.alone[row]),
            tuple(_cell(overlap, row, column) for column in shown),
        )
        for place, row in enumerate(shown, 1)
    ]


def _name(bound: Bound) -> str:
    return f"{bound.stage} {bound.rule}"


def _cell(overlap: Overlap, row: int, column: int) -> Cell:
    both, total = int(overlap.together[row, column]), int(overlap.together[row, row])
    if row == column:
        return Cell("", 0, "")
    first, other = _name(overlap.bounds[row]), _name(overlap.bounds[column])
    title = f"of {text.count(total)} beyond {first}, {text.count(both)} are beyond {other}"
    share = text.share(both, total).removesuffix(" %")
    return Cell(share if both else "–", round(100 * both / total), title)
