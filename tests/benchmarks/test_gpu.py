"""The check of GPU paths: its code runs on a CPU, judged by nobody, and says what it lacks."""

import sys

import pytest
import torch

from benchmarks import gpu, gpu_measuring, gpu_paths
from benchmarks.gpu_measuring import CPU, GPU, Row
from curation.failures.errors import UsageError


def test_all_of_it_runs_on_a_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    rows = gpu.table(CPU, 3600)
    assert capsys.readouterr().out.splitlines() == [str(row) for row in rows]
    verdicts = {row.name: row.verdict for row in rows}
    assert set(verdicts.values()) == {"ran", "not run"}
    names = " ".join(verdicts)
    for part in ("pass_by_pass", "bf16", "compiled", "MFU", "recompute block", "pinned"):
        assert part in names
    refused = {row.name: row.why for row in rows if row.verdict == "not run"}
    for kernel in ("varlen", "flex"):
        assert "needs a CUDA GPU" in refused[f"attention {kernel}"]
    apart = [float(row.value) for row in rows if row.name.startswith("pass_by_pass in bf16")]
    assert len(apart) == 2
    assert max(apart) < 0.02


def test_without_a_gpu_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main() == 2
    assert capsys.readouterr().err.startswith("benchmarks.gpu: no CUDA GPU here; run it on")


def test_a_check_that_breaks_or_comes_too_late_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(place):
        raise RuntimeError("out of memory")
        yield

    def lacks(place):
        raise UsageError("needs another GPU")
        yield

    def misses(place):
        yield gpu_measuring.most("time", 1.4, 1.35)

    checks = {"breaks": breaks, "lacks": lacks, "misses": misses}
    monkeypatch.setattr(gpu_paths, "CHECKS", checks)
    assert [(row.name, row.verdict, row.why) for row in gpu.table(GPU, 3600)] == [
        ("breaks", "fail", "RuntimeError: out of memory"),
        ("lacks", "not run", "needs another GPU"),
        ("time", "fail", ""),
    ]
    assert gpu.table(CPU, 3600)[2] == Row("time", "1.4", "<= 1.35", "ran")
    assert {row.verdict for row in gpu.table(GPU, -1)} == {"not run"}
    assert "the time is over" in capsys.readouterr().out
