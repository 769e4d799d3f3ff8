"""What a grouping is: columns of a row that depend on other rows, and are ruled like any.

Each unit of a run is summed up, summaries merge in any order to one of the whole, and with that the
rows of a unit get their columns. Only summaries travel, never an image. They are Arrow tables, as
they are stored and sent as such, and should be about as large as there are different categories.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from curation.signals.signal import Column, Settings

PASSED = "stages_passed"  # in ``reads``: how many stages a row passes by rules on signals alone


@runtime_checkable
class Grouping(Protocol):
    """Columns that depend on other rows. Its ``version`` is raised whenever values change.

    ``reads`` are measured columns, ``PASSED``, or columns of duplicates: those only while all rows
    are judged in one process. ``options`` are what may be set for it in ``pipelines.yaml``,
    ``settings`` all that values depend on, as plain data. ``refers`` is that of its ``columns``
    which holds the id of the row that stands for another, if it has such a one: ledgers repeat it
    where one of the other columns drops a row.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def reads(self) -> Sequence[str]: ...
    @property
    def columns(self) -> Mapping[str, Column]: ...
    @property
    def options(self) -> type[Settings]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def refers(self) -> str | None: ...

    def with_options(self, options: Any) -> "Grouping":
        """The grouping with what is set, an instance of ``options``."""

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        """What the whole must know of a unit, whose rows (N) have the columns ``reads``."""

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        """The summary of the rows of both; the same in any order."""

    def measure(self, unit: str, rows: pa.Table, summary: pa.Table) -> pa.Table:
        """The ``columns`` of the unit's N rows, by the summary of all units."""


@runtime_checkable
class Concluding(Protocol):
    """A grouping that makes something of the summary of all units once, for ``measure`` to use."""

    def conclude(self, summary: pa.Table) -> pa.Table:
        """What ``measure`` is given in place of the summary of all units."""


@runtime_checkable
class Telling(Protocol):
    """A grouping that has something to say of the whole: a run notes it, and ``beam judge``."""

    def notes(self, summary: pa.Table) -> Sequence[str]:
        """Sentences, by what ``measure`` is given."""


def notes(grouping: Grouping, summary: pa.Table) -> list[str]:
    """What the grouping says of the whole, by what ``measure`` is given; with its name."""
    said = grouping.notes(summary) if isinstance(grouping, Telling) else ()
    return [f"{grouping.name}: {sentence}" for sentence in said]


def concluded(grouping: Grouping, summary: pa.Table) -> pa.Table:
    """What ``measure`` is given, by the summary of all units."""
    return grouping.conclude(summary) if isinstance(grouping, Concluding) else summary
