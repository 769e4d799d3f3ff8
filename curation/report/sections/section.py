"""What a part of the page is that is there where a run has the columns for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from curation.report import outcome
from curation.report.cards import Thumbnails
from curation.report.nearest import Pick
from curation.report.outcome import Unit


@dataclass(frozen=True)
class Known:
    """What is known before rows are read: ``run.json``, and the columns with their types.

    ``grouped`` are the names of the columns that depend on other rows, ``forecast`` what a plan
    said of the whole input.
    """

    run: Mapping[str, Any]
    measured: pa.Schema
    grouped: Sequence[str] = ()
    forecast: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """The configured stages by name, in order."""
        return outcome.stages(self.run)

    def has(self, name: str, *kinds: str) -> bool:
        """Whether a column is measured, and of one of these kinds (``string``, ...), if any."""
        if name not in self.measured.names:
            return False
        kind = self.measured.field(name).type
        return not pa.types.is_null(kind) and (not kinds or str(kind) in kinds)


class Section(Protocol):
    """A part of the page; its template is ``<anchor>.html`` beside this file."""

    anchor: str
    label: str
    title: str

    @property
    def columns(self) -> Sequence[str]:
        """The measured columns that it reads."""

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Count and pick among a unit's rows; ``groups`` are their grouped columns, if any."""

    def picks(self) -> list[Pick]:
        """The rows to show an image of."""

    def view(self, thumbnails: Thumbnails) -> Any:
        """What the template prints; None: there is nothing to show."""
