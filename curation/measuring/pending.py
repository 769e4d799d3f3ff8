"""Rows that models are still to look at: ``pending/<unit>.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from curation import storage
from curation.output.layout import Layout

Pending = dict[str, list[int]]  # rows by name of model


@dataclass(frozen=True)
class Waiting:
    """Rows by name of model, and how far each may go on by its own columns alone.

    ``limits`` are checks by row, in their order: what decides from there on is not of this row
    alone, or stops it as it is. A row without one may go on to the end.
    """

    rows: Pending
    limits: Mapping[int, int] = field(default_factory=dict)

    @property
    def every(self) -> list[int]:
        """All the rows, each once."""
        return sorted({row for of in self.rows.values() for row in of})


def write(layout: Layout, unit: str, waiting: Waiting) -> None:
    """Say which rows are pending; where none are, there is no file. Raises ``OSError``."""
    if waiting.rows:
        storage.write_bytes(
            layout.pending(unit), json.dumps(vars(waiting), sort_keys=True).encode()
        )
    elif storage.exists(layout.pending(unit)):
        storage.delete([layout.pending(unit)])


def read(layout: Layout, unit: str) -> Waiting:
    """Which rows are pending. Raises ``OSError``."""
    content = json.loads(storage.read_bytes(layout.pending(unit)))
    limits = {int(row): limit for row, limit in content["limits"].items()}
    return Waiting(content["rows"], limits)


def units(output: str) -> list[str]:
    """The units with pending rows, sorted."""
    return Layout(output).units("pending")


def waves(rows: Pending, places: Mapping[str, tuple[int, int]]) -> list[list[str]]:
    """The names of models that look at the same time, in the order of their (stage, wave)."""
    by_place: dict[tuple[int, int], list[str]] = {}
    for name in sorted(rows):
        by_place.setdefault(places[name], []).append(name)
    return [by_place[place] for place in sorted(by_place)]
