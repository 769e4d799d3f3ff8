"""The same collection locally and on a real Spark cluster: bytes, CPU, shuffle, and kills.

``python -m benchmarks.spark --data ../shared/data/photos --count 3000`` (after ``make spark``)

Starts a standalone Spark of two workers on this machine (see ``benchmarks/cluster``), runs
``beam run`` locally in two worker processes and on the cluster, and compares every byte of ledger,
groups, signals, shards and manifest. CPU seconds are those of all processes, Java's included,
beyond a run over one picture. Baselines: the local run for Spark (bar 1.5), a bare
``multiprocessing.Pool`` with the same reads, decodes and signals for the local run (bar 1.3). Then
an executor, the worker pool and the driver are killed in runs of their own. Everything started is
ended by its process id, whatever happens.
"""

import json
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cluster import faults, parts, processes, runs
from benchmarks.cluster.spark import Cluster
from benchmarks.kills import digests

Spent = dict[str, float]


def metered(
    begin: Callable[[], processes.psutil.Popen], output: Path, others: Cluster | None
) -> Spent:
    """CPU seconds by program of one run and, with a cluster, of all its processes meanwhile."""
    started: list[processes.psutil.Popen] = []
    meter = processes.Meter(lambda: [*started, *(others.roots() if others else [])])
    with meter.measuring():
        started.append(begin())
        runs.finished(started[0], output)
        if others:
            _idle(others)
    return meter.by_kind()


def _idle(cluster: Cluster) -> None:
    """Wait until the job's executors and Python workers are gone."""
    end = time.monotonic() + 20
    pools = range(cluster.workers)
    while any([cluster.executors(), *map(cluster.harnesses, pools)]) and time.monotonic() < end:
        time.sleep(0.2)


def python_of(spent: Spent) -> float:
    """What the Python processes of these spent."""
    return sum(seconds for name, seconds in spent.items() if name.startswith("python"))


class Comparison:
    """One collection and its runs below a folder."""

    def __init__(self, data: Path, work: Path, count: int, unit_rows: int) -> None:
        self.work, self.count = work, count
        config = work / "pipelines.yaml"
        config.write_text(runs.CONFIG)
        self.bytes = runs.make_input(data, work / "input", count)
        runs.make_input(data, work / "input-one", 1)
        self.all = runs.Job(work / "input", config, unit_rows)
        self.one = runs.Job(work / "input-one", config, unit_rows)
        self.wanted: dict[str, str] = {}
        self.failures = 0

    def run(self, name: str, job: runs.Job, arguments: list[str], cluster: Cluster | None) -> Spent:
        """A metered run from an empty folder."""
        output = self.work / name
        shutil.rmtree(output, ignore_errors=True)
        return metered(lambda: job.start(output, arguments), output, cluster)

    def bare(self, job: runs.Job) -> Spent:
        """The pool without Beam."""
        output = self.work / "bare"
        command = [sys.executable, "-m", "benchmarks.cluster.bare", str(job.folder)]
        command += [str(job.unit_rows), "2"]
        return metered(lambda: processes.start(command, runs.log_of(output)), output, None)

    def same(self, name: str) -> str:
        """Compare a run's bytes with the local run's."""
        results = digests(self.work / name)
        differing = sum(results.get(key) != self.wanted.get(key) for key in results | self.wanted)
        self.failures += differing > 0
        if differing:
            return f"{differing} of {len(self.wanted)} files DIFFER"
        return f"all {len(self.wanted)} files equal, byte for byte"

    def per_image(self, job: Spent, start: Spent, of: Callable[[Spent], float]) -> float:
        """CPU milliseconds per image beyond start-up."""
        return (of(job) - of(start)) * 1000 / (self.count - 1)


def total(spent: Spent) -> float:
    """CPU seconds of all programs."""
    return sum(spent.values())


def compare_cpu(comparison: Comparison, cluster: Cluster, repeats: int) -> None:
    """Print CPU per image of the pool, the local run and the cluster, and the shuffled bytes."""
    job, image = comparison.all, comparison.one
    bare, local, spark, python = [], [], [], []
    for _ in range(repeats):
        start = comparison.bare(image)
        bare.append(comparison.per_image(comparison.bare(job), start, total))
        start = comparison.run("one", image, runs.local(), None)
        local_start = total(start)
        spent = comparison.run("local", job, runs.local(), None)
        local.append(comparison.per_image(spent, start, total))
        comparison.wanted = digests(comparison.work / "local")
        start = comparison.run("one", image, cluster.arguments(), cluster)
        begin = time.time()
        spent = comparison.run("spark", job, cluster.arguments(), cluster)
        spark.append(comparison.per_image(spent, start, total))
        python.append(comparison.per_image(spent, start, python_of))
        print(
            f"start-up: local {local_start:.1f} CPU-s, Spark {total(start):.1f} CPU-s (of it "
            f"Python {python_of(start):.1f}); the whole on Spark {total(spent):.1f}"
        )
        print(f"Spark against local: {comparison.same('spark')}", flush=True)
    middle = statistics.median
    print(
        f"bare pool {middle(bare):.2f} ms, local {middle(local):.2f} ms, Spark {middle(spark):.2f} "
        f"ms, its Python {middle(python):.2f} ms of CPU per image beyond start-up"
    )
    ratios = [a / b for a, b in zip(spark, local, strict=True)]
    alone = [a / b for a, b in zip(python, local, strict=True)]
    overhead = [a / b for a, b in zip(local, bare, strict=True)]
    print(
        f"Spark / local {middle(ratios):.2f} (bar 1.5; Python alone {middle(alone):.2f}), "
        f"local / bare pool {middle(overhead):.2f} (bar 1.3)",
        flush=True,
    )
    print_shuffle(runs.shuffled(cluster.events, begin), comparison)


def print_shuffle(steps: list[runs.Step], comparison: Comparison) -> None:
    """A table of what the last run shuffled, from Spark's event log."""
    print("job  step                   tasks  written B  read B  written B per image")
    for step in steps:
        print(
            f"{step.job:3}  {step.name:22} {step.tasks:5} {step.written:10} {step.read:7} "
            f"{step.written / comparison.count:20.2f}"
        )
    written = sum(step.written for step in steps)
    print(
        f"shuffled {written} B, {written / comparison.count:.2f} B per image of on average "
        f"{comparison.bytes / comparison.count:.0f} B: {written / comparison.bytes:.5%}"
    )


def kill_things(comparison: Comparison, cluster: Cluster) -> None:
    """An executor, a pool, one whose worker just starts, the driver; each in a run of its own."""
    job, third = (
        comparison.all,
        max(1, len(list((comparison.work / "local/signals").rglob("*.parquet"))) // 3),
    )
    for name, units, fault in (
        ("executor", third, faults.kill_executor),
        ("pool", third, faults.kill_pool),
        ("starting pool", 0, faults.kill_starting_pool),
    ):
        begin = time.perf_counter()
        try:
            happened = faults.disturbed(cluster, job, comparison.work / name, units, fault)
            happened += f": {comparison.same(name)}"
        except processes.ClusterError as error:
            comparison.failures += 1
            happened = f"the run FAILED: {error}"
        print(f"killed {name}: {happened} ({time.perf_counter() - begin:.0f} s)", flush=True)
    done, repeated = faults.driver_killed(cluster, job, comparison.work / "driver", third)
    comparison.failures += repeated > 0
    print(
        f"killed driver at {done} finished units: second run repeated {repeated} of them, "
        f"{comparison.same('driver')}",
        flush=True,
    )


def main(
    data: Annotated[Path, typer.Option(help="Folder of JPEG photographs.")] = Path(
        "../shared/data/photos"
    ),
    count: Annotated[int, typer.Option(min=40, help="Files of the collection.")] = 3000,
    unit_rows: Annotated[int, typer.Option(help="Rows between two resume points.")] = 256,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements of CPU; the median.")] = 1,
    job_server_jar: Annotated[
        Path | None, typer.Option(help="Beam's Spark job server (default: what make spark found).")
    ] = None,
    kills: Annotated[bool, typer.Option(help="Also kill executor, pool and driver.")] = True,
    keep: Annotated[Path | None, typer.Option(help="Keep logs and outputs here.")] = None,
) -> None:
    """Print the figures; exit code 1 if any run ends with other bytes.

    Example: python -m benchmarks.spark --count 300
    """
    # A plain kill of this program, too, has to unwind and end the cluster.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        jar = parts.find(job_server_jar)
    except parts.PartsError as error:
        print(f"not run: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    print(f"Spark {parts.SPARK_VERSION}, job server {jar.origin}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        work = (keep or Path(name)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        comparison = Comparison(data, work, count, unit_rows)
        with Cluster(jar, work / "cluster") as cluster:
            compare_cpu(comparison, cluster, repeats)
            counts = json.loads((work / "local" / "run.json").read_text())["counts"]
            verdicts = {key: counts[key] for key in ("in", "kept", "dropped", "quarantined")}
            print(f"ledger: {verdicts}", flush=True)
            if kills:
                kill_things(comparison, cluster)
    if comparison.failures:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
