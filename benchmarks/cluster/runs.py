"""What is run on a cluster and beside it: the input, ``beam run``, and what Spark shuffled."""

import contextlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.cluster import processes
from benchmarks.curation import unique
from benchmarks.from_tests import pipeline_text

# Bounds that make kept, dropped and quarantined rows of any mixed collection. No rule on near-
# duplicates, so that most images are written; they are looked for and listed all the same.
CONFIG = pipeline_text(
    {
        "s1": {"short_side": {"min": 64}, "exact_better": {"max": 0}},
        "s2": {"clarity": {"min": 0.1}, "luma": {"min": 0.01, "max": 0.99}},
    },
    quarantine_limit=0.5,
)
PATIENCE = 3600.0  # seconds after which a run counts as hanging


@dataclass(frozen=True)
class Job:
    """A ``beam run``: its input folder, configuration and how many rows a unit has."""

    folder: Path
    config: Path
    unit_rows: int

    def start(self, output: Path, arguments: Sequence[str]) -> psutil.Popen:
        """Start it; what it says goes to ``<output>.log``."""
        command = [sys.executable, "-m", "curation.command", "run", "--input", str(self.folder)]
        command += ["--output", str(output), "--config", str(self.config), "--json"]
        command += ["--unit-rows", str(self.unit_rows), *arguments]
        return processes.start(command, log_of(output))

    def finish(self, output: Path, arguments: Sequence[str]) -> float:
        """Run to the end; the seconds taken. Raises ``ClusterError`` when the run fails."""
        begin = time.perf_counter()
        process = self.start(output, arguments)
        finished(process, output)
        return time.perf_counter() - begin


def log_of(output: Path) -> Path:
    """Where the run of this output says what it has to say."""
    return output.with_suffix(".log")


def finished(process: psutil.Popen, output: Path) -> None:
    """Wait for the end of a run. Raises ``ClusterError`` when it failed or takes too long."""
    try:
        code = process.wait(timeout=PATIENCE)
    except psutil.TimeoutExpired:
        code = f"none after {PATIENCE:.0f} s"
    finally:
        processes.end([process])
    if code != 0:
        log = log_of(output).read_text(errors="replace")[-3000:]
        raise processes.ClusterError(f"{output.name}: exit code {code}:\n{log}")


def local(workers: int = 2) -> list[str]:
    """The options of a run in worker processes of this machine."""
    return ["--workers", str(workers), "--direct_running_mode=multi_processing"]


def make_input(data: Path, folder: Path, count: int) -> int:
    """``count`` files of the photographs below ``data``; their bytes altogether.

    Of every 20 files one is broken (from ``data/../bad``, else cut off) and one has the bytes
    of another.
    """
    photographs = [
        path.read_bytes()
        for path in sorted(data.iterdir())
        if path.suffix.lower() in (".jpg", ".jpeg")
    ]
    broken = [path.read_bytes() for path in sorted((data.parent / "bad").glob("*"))]
    broken = broken or [photograph[: len(photograph) // 3] for photograph in photographs[:20]]
    total = 0
    for number in range(count):
        kind = number % 20
        source = number - 2 if kind == 8 else number
        content = unique(photographs[source % len(photographs)], source)
        if kind == 7:
            content = broken[number // 20 % len(broken)]
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        total += len(content)
    return total


@dataclass(frozen=True)
class Step:
    """What one of Spark's stages shuffled."""

    job: int
    name: str
    tasks: int
    written: int
    read: int


def shuffled(events: Path, after: float = 0.0) -> list[Step]:
    """What each stage wrote for and read from shuffles, of the jobs logged since ``after``."""
    logs = sorted(path for path in events.iterdir() if path.stat().st_mtime >= after)
    return [step for number, log in enumerate(logs) for step in _steps(number, log)]


def _steps(job: int, log: Path) -> list[Step]:
    names: dict[int, str] = {}
    tasks: dict[int, int] = {}
    written: dict[int, int] = {}
    read: dict[int, int] = {}
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["Event"] == "SparkListenerStageSubmitted":
                stage = event["Stage Info"]
                names[stage["Stage ID"]] = stage["Stage Name"].split(" at ")[0]
            elif event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                stage_id, metrics = event["Stage ID"], event["Task Metrics"]
                reads = metrics["Shuffle Read Metrics"]
                tasks[stage_id] = tasks.get(stage_id, 0) + 1
                written[stage_id] = (
                    written.get(stage_id, 0)
                    + metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                )
                read[stage_id] = (
                    read.get(stage_id, 0) + reads["Remote Bytes Read"] + reads["Local Bytes Read"]
                )
    return [Step(job, names[key], tasks[key], written[key], read[key]) for key in sorted(tasks)]


def finished_units(output: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every measured unit's file: neither changes unless it is written again."""
    states = {}
    for path in (output / "signals").rglob("*.parquet"):
        with contextlib.suppress(FileNotFoundError):
            state = path.stat()
            states[f"{path.parent.name}/{path.name}"] = (state.st_ino, state.st_mtime_ns)
    return states
