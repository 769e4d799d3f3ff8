"""What a section of the page is, and how its cells are written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.figures import interval

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
Cell = Callable[[Row], str]


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and what it says of a row."""

    heading: str
    cell: Cell


@dataclass(frozen=True)
class Table:
    """Rows that a record has under ``rows``; ``title`` where a section has several tables."""

    rows: str
    columns: Sequence[Column]
    title: str = ""


@dataclass(frozen=True)
class Section:
    """What is run, what is taken from it, and how it is read.

    In ``commands``, which are what a user types, ``{data}`` stands for a folder with a
    ``manifest.csv`` and ``{out}`` for an empty folder of the section's own. ``take`` gets that
    folder and gives the rows of every table. ``reads`` says in a sentence or two how to read the
    tables, ``silent`` what they do not say, ``gist`` what of them must be known. ``packages`` are
    those whose versions matter. A command that ends with 1 where a bar is missed is of a section
    that ``judges``.
    """

    name: str
    title: str
    commands: Sequence[str]
    take: Callable[[Path], Tables]
    tables: Sequence[Table]
    reads: str
    silent: str
    gist: Callable[[Tables], str]
    packages: Sequence[str] = ()
    judges: bool = False


def text(key: str) -> Cell:
    """A value as it is."""
    return lambda row: str(row[key])


def number(key: str, form: str = ",") -> Cell:
    """A number in a format; a dash where there is none."""
    return lambda row: "–" if row.get(key) is None else format(row[key], form)


def share(count: str, total: str) -> Cell:
    """``97.1 % (94.8 to 98.4) of 371``, with Wilson's 95 % interval; a dash of nothing."""

    def cell(row: Row) -> str:
        if not row[total]:
            return "–"
        low, high = interval(row[count], row[total])
        of = f"{100 * row[count] / row[total]:.1f} %"
        return f"{of} ({100 * low:.1f} to {100 * high:.1f}) of {row[total]:,}"

    return cell
