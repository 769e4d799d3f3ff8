"""Killing parts of a cluster in the middle of a run."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from benchmarks.cluster import processes, runs
from benchmarks.cluster.processes import ClusterError
from benchmarks.cluster.spark import Cluster


def until_measured(process: psutil.Popen, output: Path, units: int, limit: float = 300.0) -> None:
    """Wait until so many units are measured. Raises ``ClusterError`` when that never comes."""
    end = time.monotonic() + limit
    while len(runs.finished_units(output)) < units:
        if process.poll() is not None or time.monotonic() > end:
            log = runs.log_of(output).read_text(errors="replace")[-2000:]
            raise ClusterError(f"{output.name}: never measured {units} units:\n{log}")
        time.sleep(0.02)


def kill(victims: Sequence[psutil.Process]) -> int:
    """kill -9; how many there were."""
    hit = 0
    for victim in victims:
        with contextlib.suppress(psutil.Error):
            victim.kill()
            hit += 1
    return hit


def kill_executor(cluster: Cluster) -> str:
    """Kill one of Spark's executors; the cluster starts another."""
    victims = cluster.executors()[:1]
    return f"{kill(victims)} executor"


def kill_pool(cluster: Cluster) -> str:
    """Kill a pool and its Python workers, then start it again as a supervisor would.

    The pool is one that has workers, if any has.
    """
    at_work = [number for number in range(cluster.workers) if cluster.harnesses(number)]
    number = at_work[0] if at_work else 0
    killed = kill([cluster.running[f"pool{number}"], *cluster.harnesses(number)])
    cluster.running[f"pool{number}"].wait(timeout=10)
    cluster.start_pool(number)
    return f"a pool and {killed - 1} Python worker"


def kill_starting_pool(cluster: Cluster) -> str:
    """Kill a pool once it starts a Python worker, before that answers, and start it again."""
    end = time.monotonic() + 60
    while not any(map(cluster.harnesses, range(cluster.workers))) and time.monotonic() < end:
        time.sleep(0.05)
    return kill_pool(cluster)


def disturbed(
    cluster: Cluster, job: runs.Job, output: Path, units: int, fault: Callable[[Cluster], str]
) -> str:
    """A run with ``fault`` after ``units`` units; what was hit, and when.

    Raises ``ClusterError`` when the run does not end well.
    """
    process = job.start(output, cluster.arguments())
    try:
        until_measured(process, output, units)
        done = len(runs.finished_units(output))
        happened = fault(cluster)
        runs.finished(process, output)
    finally:
        processes.end([process])
    return f"{happened}, at {done} finished units"


def driver_killed(cluster: Cluster, job: runs.Job, output: Path, units: int) -> tuple[int, int]:
    """Kill ``beam run`` and the job server, Spark's driver, and start again.

    Returns how many units were finished by then, and how many of those the second run repeated.
    Raises ``ClusterError`` when the second run fails.
    """
    process = job.start(output, cluster.arguments())
    try:
        until_measured(process, output, units)
        kill([*processes.family(process), cluster.running["job_server"]])
        process.wait(timeout=10)
    finally:
        processes.end([process])
    cluster.running["job_server"].wait(timeout=10)
    end = time.monotonic() + 60
    while cluster.executors() and time.monotonic() < end:  # they write until they notice
        time.sleep(0.2)
    before = runs.finished_units(output)
    cluster.start_job_server()
    job.finish(output, cluster.arguments())
    after = runs.finished_units(output)
    return len(before), sum(after.get(name) != state for name, state in before.items())
