"""Killed while models look at images: what is written of them is not asked for again."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded, make_folder
from making.places import ROOT
from making.runs import digests


def killed(root: Path, last: int) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "making.killed_model", str(root), str(last)]
    return subprocess.run(command, env=environment, cwd=root, check=False).returncode


def seen(root: Path) -> dict[str, Any]:
    """What is kept of the model's columns, by id."""
    paths = (root / "out" / "signals").glob("score-*/*.parquet")
    tables = [pq.read_table(path, columns=["id", "score"]) for path in paths]
    return {row["id"]: row["score"] for table in tables for row in table.to_pylist()}


def test_no_finished_batch_is_asked_for_again_after_kill_9(tmp_path: Path) -> None:
    for name in ("killed", "spared"):
        make_folder(tmp_path / name / "in", 8)
    assert killed(tmp_path / "killed", 2) == -signal.SIGKILL
    assert killed(tmp_path / "killed", 99) == 0
    batches = (tmp_path / "killed" / "asked.txt").read_text().splitlines()
    assert killed(tmp_path / "spared", 99) == 0
    once = (tmp_path / "spared" / "asked.txt").read_text().splitlines()
    assert len(once) > 3
    assert batches[:2] == once[:2]
    finished = {row for batch in batches[:2] for row in batch.split()}
    assert finished.isdisjoint(row for batch in batches[3:] for row in batch.split())
    assert sorted(set(" ".join(batches).split())) == sorted(" ".join(once).split())
    assert (scores := seen(tmp_path / "killed")) == seen(tmp_path / "spared")
    assert len(scores) == len(" ".join(once).split())


@pytest.mark.drill
def test_a_killed_run_goes_on_taking_over_what_was_seen_of_other_units(tmp_path: Path) -> None:
    """Those that are asked about are the new images alone."""
    pictures = [encoded(drawing(seed)) for seed in range(10)]

    def put(name: str, numbers: range) -> None:
        folder = tmp_path / name / "in"
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            (folder / f"{number}.jpg").write_bytes(pictures[number])

    put("killed", range(5))
    put("spared", range(10))
    assert killed(tmp_path / "killed", 99) == 0
    first = (tmp_path / "killed" / "asked.txt").read_text().splitlines()
    put("killed", range(5, 10))
    assert killed(tmp_path / "killed", len(first) + 1) == -signal.SIGKILL
    assert killed(tmp_path / "killed", 99) == 0
    batches = (tmp_path / "killed" / "asked.txt").read_text().splitlines()
    assert set(" ".join(batches[len(first) :]).split()).isdisjoint(" ".join(first).split())
    assert killed(tmp_path / "spared", 99) == 0
    assert seen(tmp_path / "killed") == seen(tmp_path / "spared")
    outputs = [tmp_path / name / "out" for name in ("killed", "spared")]
    assert digests(outputs[0], ("shards", "ledger")) == digests(outputs[1], ("shards", "ledger"))
