"""Cases: an image that was asked for, and what is known of it. All become one Arrow table."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.failures.errors import UsageError

EVALUATION, CASE = "evaluation", "case"
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("origin", pa.string()),
        ("source", pa.string()),
        ("prompt_id", pa.string()),
        ("k", pa.int32()),
        ("prompt", pa.string()),
        ("texts", pa.list_(pa.string())),
        ("read", pa.string()),
        ("score", pa.float64()),
        ("image", pa.string()),
        ("group", pa.string()),
        ("note", pa.string()),
        ("wins", pa.int32()),
        ("losses", pa.int32()),
        ("pick", pa.string()),
        ("rewards", pa.map_(pa.string(), pa.float64())),
        ("missing", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Case:
    """An image ``k`` of the prompt ``prompt_id`` of a ``source``, the name of an evaluation or of a
    file of bad cases (``origin``). ``texts`` are what it was to say, ``read`` what was read, None
    where nobody read; ``image`` a path, empty where there is none. ``wins`` and ``losses`` are
    votes, ``pick`` is keep, reject or empty, ``rewards`` go by their names.
    """

    origin: str
    source: str
    prompt_id: str
    k: int
    prompt: str
    texts: tuple[str, ...] = ()
    read: str | None = None
    score: float = 0.0
    image: str = ""
    group: str = ""
    note: str = ""
    wins: int = 0
    losses: int = 0
    pick: str = ""
    rewards: Mapping[str, float] = field(default_factory=dict)
    missing: bool = False

    @property
    def id(self) -> str:
        """What tells it from all others, in 16 digits."""
        named = json.dumps([self.origin, self.source, self.prompt_id, self.k])
        return hashlib.blake2b(named.encode("utf-8", "replace"), digest_size=8).digest().hex()

    @property
    def of_prompt(self) -> tuple[str, str]:
        """What the images of one prompt by one model have in common."""
        return self.source, self.prompt_id

    def is_right(self, right: float) -> bool:
        """Whether it needs no attribution: it scores enough, and nobody rejects it."""
        return self.score >= right and self.pick != "reject" and not self.missing


def table(cases: Iterable[Case]) -> pa.Table:
    """A row for each."""
    rows = [
        {
            **{each.name: getattr(case, each.name) for each in fields(case)},
            "id": case.id,
            "texts": list(case.texts),
            "rewards": sorted(case.rewards.items()),
        }
        for case in cases
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def write(path: Path, own: pa.Table) -> None:
    """A Parquet file. Raises ``OSError``."""
    with storage.atomic_write(str(path)) as stream:
        pq.write_table(own, stream)


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a table that was written. Raises ``UsageError``."""
    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: not readable ({error}); attribute again") from error
    return rows
