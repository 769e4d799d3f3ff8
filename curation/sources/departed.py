"""Rows of the last run into an output that the inputs given now no longer have."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from curation.output import column_files
from curation.output.layout import Layout
from curation.sources.kind import kind
from curation.sources.plan import read_unit
from curation.sources.sample import Part, SourceError, Unit
from curation.sources.scan import folder_of, identity

SHOWN = 3  # inputs in a message


@dataclass(frozen=True)
class Departed:
    """How many of the last run's ``rows`` are gone, by the input (or folder) that they came from.

    ``apart`` are those of its rows that lie in none of the inputs given now, as when these have
    moved or are others; ``gone_apart`` how many of them are gone.
    """

    rows: int
    gone: Counter[str]
    apart: int
    gone_apart: int

    @property
    def is_refused(self) -> bool:
        """Whether most of what lies elsewhere is gone: the inputs are others, and have not moved.

        What is gone from a folder that is given was taken out of it.
        """
        return 2 * self.gone_apart > self.apart

    def as_text(self) -> str:
        """``43 of 44 rows of the last run (photos 43)``."""
        places = [f"{place} {number:,}" for place, number in self.gone.most_common(SHOWN)]
        more = ["..."] if len(self.gone) > SHOWN else []
        rows = f"{self.gone.total():,} of {self.rows:,} rows of the last run"
        return f"{rows} ({', '.join([*places, *more])})"


def departed(
    output: str, units: Sequence[Unit], inputs: Sequence[str], earlier: Sequence[str] = ()
) -> Departed:
    """What the last plan in ``output`` has and the planned ``units`` of the ``inputs`` have not.

    A row is there while its location is, or its name, size and row groups are: it may be edited, or
    its input may move. ``earlier`` are the last run's inputs, where they are known.
    """
    layout, places, contents = Layout(output), _places(units), _contents(units)
    rows = apart = gone_apart = 0
    gone = Counter[str]()
    for unit in _undamaged(entry.path for entry in layout.written("plan")):
        each = 1 if unit.layout == "files" else _rows(layout, unit)
        for part in unit.parts:
            is_gone = _place(part) not in places and _content(part) not in contents
            is_apart = not any(_holds(name, part.path) for name in inputs)
            rows += each
            apart += each if is_apart else 0
            gone_apart += each if is_gone and is_apart else 0
            if is_gone:
                gone[_source(part, earlier)] += each
    return Departed(rows, gone, apart, gone_apart)


def _rows(layout: Layout, unit: Unit) -> int:
    """How many rows a container held; 1 where that is not known."""
    with suppress(column_files.ColumnFileError, OSError):
        return int(column_files.read(layout.ledger(unit.id), ("key",)).num_rows)
    return 1


def _undamaged(paths: Iterable[str]) -> Iterator[Unit]:
    for path in paths:
        with suppress(SourceError):  # it is written anew
            yield read_unit(path)


def _source(part: Part, inputs: Sequence[str]) -> str:
    """The input that holds it, else its folder."""
    return next((name for name in inputs if _holds(name, part.path)), None) or (
        part.path.rpartition("/")[0] or "."
    )


def _holds(name: str, path: str) -> bool:
    """Whether a location lies in an input: a list stands for the folder that it lies in."""
    here, place = identity(name), identity(path)
    folder = folder_of(name)
    if folder is None and kind(name) in ("manifest", "ignored"):
        here = here.rpartition("/")[0]
    elif folder is not None and identity(folder) != here:
        return fnmatchcase(place, here) or fnmatchcase(place, f"{here}/*")
    return place == here or place.startswith(f"{here.rstrip('/')}/")


def _places(units: Iterable[Unit]) -> set[int]:
    """The hashes of all locations: a plan may hold many millions of names."""
    return {_place(part) for unit in units for part in unit.parts}


def _contents(units: Iterable[Unit]) -> set[int]:
    return {_content(part) for unit in units for part in unit.parts}


def _place(part: Part) -> int:
    return hash(identity(part.path))


def _content(part: Part) -> int:
    return hash((part.key, part.size, part.groups))
