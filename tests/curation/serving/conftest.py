"""A finished run of some thirty images of all ends, with vectors, and the site over it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.asgi_client import Client
from making.collection import make_folder
from making.runs import run_in_process

from curation.networks.serving import Access
from curation.output import column_files
from curation.output.measured import PROBLEM
from curation.serving.run_rows import Rows
from curation.serving.site import Site
from curation.shard.picks import Recorder

CONFIG = """
pipelines:
  curate:
    seed: 1
    keep: s2
    quarantine_limit: 0.9
    quality: [pixels, size]
    quotas:
      few: {by: format, count: 10, since: s2}
    stages:
      s1:
        resolution: 256
        bounds: {short_side: {min: 100}, exact_better: {max: 0}, near_better: {max: 0},
                 format: {in: [JPEG, PNG, WEBP]}}
      s2:
        resolution: 256
        bounds: {clarity: {min: 0.3}, luma: {min: 0.02, max: 0.99}, full_sharpness: {min: 0.05}}
        captions: {raw: {length: {min: 2, max: 99}, validity: {in: [valid, boilerplate]}}}
      s5:
        resolution: 640
        bounds: {clarity: {min: 0.35}, full_sharpness: {min: 0.6}, format: {in: [JPEG, PNG]}}
"""
EVIL = "<img src=x onerror=alert(1)>&\"'.jpg"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run ``out``, made of the images in ``in``."""
    root = tmp_path_factory.mktemp("served")
    make_folder(root / "in", 14)
    shutil.copy(root / "in" / "0002.jpg", root / "in" / "zz.jpg")
    (root / "in" / "0004.jpg").rename(root / "in" / EVIL)
    (root / "in" / "0004.txt").rename((root / "in" / EVIL).with_suffix(".txt"))
    (root / "pipelines.yaml").write_text(CONFIG)
    run_in_process(root / "in", root / "out")
    _add_vectors(Rows(str(root / "out")))
    return root


def _add_vectors(rows: Rows) -> None:
    """What a model would have seen: vectors of the rows that could be read, but one."""
    for seed, unit in enumerate(rows.units):
        base = pq.read_table(rows.measured.base_path(unit))
        reasons = base["reason"].to_pylist()
        seen = [row for row, reason in enumerate(reasons) if reason is None and row != 3]
        vectors = np.random.default_rng(seed).normal(size=(len(seen), 16)).astype(np.float32)
        columns = {
            "row": pa.array(seen, pa.int32()),
            "id": base["id"].take(pa.array(seen)),
            PROBLEM: pa.nulls(len(seen), pa.string()),
            "embedding": pa.array(vectors.tolist(), pa.list_(pa.float32())),
        }
        table = pa.table(columns).replace_schema_metadata(base.schema.metadata)
        column_files.write(rows.measured.model_path("embedding", unit), table)


@pytest.fixture(scope="session")
def rows(made: Path) -> Rows:
    return Rows(str(made / "out"))


@pytest.fixture
def site(rows: Rows, tmp_path: Path) -> Iterator[Site]:
    recorder = Recorder(tmp_path / "picks.jsonl")
    yield Site(rows, recorder)
    recorder.close()


@pytest.fixture
def client(site: Site) -> Client:
    from curation.serving.application import application

    return Client(application(site, Access()))


@pytest.fixture
def number_of(rows: Rows) -> Callable[[str], int]:
    """The number of the row with a key."""
    keys = rows.column("key").to_pylist()
    return keys.index
