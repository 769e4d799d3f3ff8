"""A run on a real Spark cluster of this machine ends with the bytes of a local one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.cluster import faults, parts, processes, runs
from benchmarks.cluster.spark import Cluster
from tests.making.runs import digests, ledger_rows

psutil = pytest.importorskip("psutil")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
LARGEST_SHUFFLE = 1000  # bytes per picture, of small pictures with over 5,000 bytes each


@pytest.fixture(scope="module")
def found() -> parts.Parts:
    """The parts of a cluster, or a reason to skip; never a download."""
    try:
        return parts.find()
    except parts.PartsError as error:
        pytest.skip(f"no Spark cluster: {error}")


@pytest.fixture(scope="module")
def job(found: parts.Parts, tmp_path_factory: pytest.TempPathFactory) -> runs.Job:
    """60 files: textured pictures, copies, a black one, broken ones."""
    work = tmp_path_factory.mktemp("spark")
    generator = np.random.default_rng(5)
    pictures = work / "pictures"
    pictures.mkdir()
    for number in range(20):
        coarse = Image.fromarray(generator.integers(0, 256, (24, 24, 3), np.uint8))
        large = coarse.resize((288, 288), Image.Resampling.NEAREST)
        large.save(pictures / f"{number:02}.jpg", quality=70)
    Image.new("RGB", (288, 288)).save(pictures / "black.jpg")
    (work / "pipelines.yaml").write_text(runs.CONFIG)
    runs.make_input(pictures, work / "input", 60)
    return runs.Job(work / "input", work / "pipelines.yaml", 8)


@pytest.fixture(scope="module")
def wanted(job: runs.Job) -> Path:
    """The output of a local run in worker processes."""
    output = job.config.parent / "local"
    job.finish(output, runs.local())
    return output


@pytest.fixture(scope="module")
def cluster(found: parts.Parts, wanted: Path) -> Iterator[Cluster]:
    with Cluster(found, wanted.parent / "cluster") as running:
        yield running


def test_spark_ends_with_the_bytes_of_a_local_run_and_shuffles_no_picture(
    cluster: Cluster, job: runs.Job, wanted: Path
) -> None:
    output = wanted.parent / "spark"
    job.finish(output, cluster.arguments())
    rows = ledger_rows(output)
    assert {row["verdict"] for row in rows} == {"kept", "dropped", "quarantined"}
    assert rows == ledger_rows(wanted)
    assert digests(output) == digests(wanted)
    assert "shards/manifest.json" in digests(wanted)
    sizes = [path.stat().st_size for path in job.folder.rglob("*.jpg")]
    assert np.median(sizes) > 5 * LARGEST_SHUFFLE
    steps = runs.shuffled(cluster.events)
    written = sum(step.written for step in steps)
    assert 0 < written < LARGEST_SHUFFLE * len(sizes)


def test_a_killed_executor_changes_no_byte(cluster: Cluster, job: runs.Job, wanted: Path) -> None:
    output = wanted.parent / "executor"
    told = faults.disturbed(cluster, job, output, 2, faults.kill_executor)
    assert told.startswith("1 executor")
    assert json.loads((output / "run.json").read_text())["counts"]["in"] == 60
    there = digests(output)  # what it was writing then may stay: hidden, and never read
    results = {name: digest for name, digest in there.items() if not name.endswith(".partial")}
    assert results == digests(wanted)


def test_leaving_the_cluster_ends_every_process(found: parts.Parts, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Cluster(found, tmp_path / "cluster", workers=1) as one:
        everyone = [process for root in one.roots() for process in processes.family(root)]
        assert len(everyone) >= 4
        raise KeyboardInterrupt
    assert not [process for process in everyone if process.is_running()]


def test_missing_parts_are_told_at_once_without_any_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(parts.PartsError, match="no java"):
        parts.find()
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\n")
    os.chmod(java, 0o755)
    with pytest.raises(parts.PartsError, match="make spark"):
        parts.find()
