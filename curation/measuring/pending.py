"""Rows that models are still to look at: ``pending/<unit>.json``, rows by name of model."""

import json
from collections.abc import Mapping, Sequence

from curation import storage
from curation.output.layout import Layout

Pending = dict[str, list[int]]


def write(layout: Layout, unit: str, rows: Pending) -> None:
    """Say which rows are pending; where none are, there is no file. Raises ``OSError``."""
    if rows:
        storage.write_bytes(layout.pending(unit), json.dumps(rows, sort_keys=True).encode())
    elif storage.exists(layout.pending(unit)):
        storage.delete([layout.pending(unit)])


def read(layout: Layout, unit: str) -> Pending:
    """Which rows are pending. Raises ``OSError``."""
    rows: Pending = json.loads(storage.read_bytes(layout.pending(unit)))
    return rows


def units(output: str) -> list[str]:
    """The units with pending rows, sorted."""
    return Layout(output).units("pending")


def waves(pending: Pending, places: Mapping[str, tuple[int, int]]) -> list[Sequence[str]]:
    """The names of models that share a read, in the order of their (stage, wave)."""
    by_place: dict[tuple[int, int], list[str]] = {}
    for name in sorted(pending):
        by_place.setdefault(places[name], []).append(name)
    return [by_place[place] for place in sorted(by_place)]
