"""Writing and reading Parquet tables for tests of the sources."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import sources
from curation.sources import Sample, plan


def write(path: Path, columns: Mapping[str, Any], **options: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path, **options)
    return str(path)


def read_all(*inputs: str, unit_rows: int = 10_000) -> list[Sample]:
    samples = [s for unit in plan.plan(inputs, unit_rows=unit_rows) for s in sources.read(unit)]
    assert len({sample.uri for sample in samples}) == len(samples)
    assert all((sample.data is None) == (sample.error is not None) for sample in samples)
    return samples


def pictures(count: int, size: int = 50) -> list[bytes]:
    return [random.Random(number).randbytes(size) for number in range(count)]
