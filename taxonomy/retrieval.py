"""Rows that a search chose: what they are searched by, and the category that limits no such row.

Named by ``signals: [taxonomy.signals, taxonomy.retrieval]``. A quota that goes by ``cut_limited``
or ``domain_limited`` in place of ``cut`` or ``domain`` leaves rows free that ``python -m
taxonomy.retrieve`` chose: they pass every other rule as any row does, and no quota drops them.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
from pydantic import field_validator

from curation import storage
from curation.networks.weights import MissingModelError
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, Settings, signal
from taxonomy import benchmarks

LONGEST = 2_000  # characters of a row's captions that are searched


@signal(
    tier="model",
    version=1,
    columns={
        "search_text": Column(
            pa.string(), "text", "what keywords are looked for in", in_shards=False
        )
    },
    reads=(CAPTIONS,),
)
def search_text() -> Measure:
    """All captions of a row, one a line."""

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        said = ([text for of in row.captions.values() for text in of] for row in rows)
        return [{"search_text": "\n".join(dict.fromkeys(of))[:LONGEST]} for of in said]

    return measure


class Retrieved(Settings):
    """``rows`` is a file that ``python -m taxonomy.retrieve`` wrote; empty: none was retrieved."""

    rows: str = ""

    @field_validator("rows")
    @classmethod
    def _is_there(cls, path: str) -> str:
        if path:
            benchmarks.files(path)
        return path

    def identity(self) -> dict[str, Any]:
        """What the file holds, wherever it lies."""
        return {"rows": benchmarks.digest([self.rows] if self.rows else [])}


def _check(settings: Retrieved) -> None:
    _queries(settings.rows, str(settings.identity()))


@signal(
    tier="model",
    version=1,
    columns={
        "retrieved_by": Column(pa.string(), "a query", "what it was retrieved for, if it was"),
        "cut_limited": Column(
            pa.string(), "WordNet number or name", "cut; null of rows that were retrieved"
        ),
        "domain_limited": Column(
            pa.string(), "category", "domain; null of rows that were retrieved"
        ),
    },
    settings=Retrieved,
    reads=("cut", "domain", "search_text"),  # the last so that what quotas stop can be searched
    check=_check,
)  # fmt: skip
def retrieved(settings: Retrieved) -> Measure:
    """Which rows were retrieved, by their ids. Raises ``MissingModelError``."""
    queries = _queries(settings.rows, str(settings.identity()))

    def measured(row: Row) -> dict[str, Any]:
        query = queries.get(row.id)
        cut, domain = (None, None) if query else (row.columns["cut"], row.columns["domain"])
        return {"retrieved_by": query, "cut_limited": cut, "domain_limited": domain}

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [measured(row) for row in rows]

    return measure


@lru_cache(maxsize=1)
def _queries(path: str, _identity: str) -> Mapping[str, str]:
    """The query of each id in a file. Raises ``MissingModelError``."""
    try:
        lines = storage.read_bytes(path).decode().splitlines() if path else []
        entries = [json.loads(line) for line in lines if line.strip()]
        return {entry["id"]: entry["retrieved_by"] for entry in entries}
    except (ValueError, KeyError, TypeError) as error:
        what = f"needs a file of rows as taxonomy.retrieve writes: {path}: {error!r}"
        raise MissingModelError(what) from None
