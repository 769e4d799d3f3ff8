"""Data Docs: what ``beam gate`` validated, as one page beside the report.

Great Expectations' own pages load styles, scripts and images from other hosts. This one is made of
the same results, and loads nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation import storage
from curation.output.layout import Layout
from curation.report import page

SHARDS_SHOWN = 2_000  # and all in which a promise is broken


@dataclass(frozen=True)
class Validated:
    """A shard: its file, how many rows it holds, how many promises were held against them, and
    which of them are broken.
    """

    file: str
    rows: int
    promises: int
    broken: tuple[str, ...]


def write(
    layout: Layout, run: dict[str, Any], results: Sequence[Any], shards: Sequence[Validated]
) -> None:
    """Write the page of these ``results``, which are ``gate.Expectation``. Raises ``OSError``."""
    environment = page.environment(Path(__file__).parent)
    shown = [of for number, of in enumerate(shards) if number < SHARDS_SHOWN or of.broken]
    text = environment.get_template("data_docs.html").render(
        run=run,
        results=results,
        broken=sum(not of.passed for of in results),
        rows=sum(of.rows for of in shards),
        shards=shown,
        shard_count=len(shards),
    )
    storage.write_bytes(layout.data_docs, text.encode("utf-8", "replace"))
