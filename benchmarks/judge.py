"""CPU seconds of ``beam judge`` over a million stored rows, beside merely reading the columns.

``python -m benchmarks.judge --units 100 --rows 10000``

The rows are synthetic: one in 33 shares its hash with another, one in 33 is up to four bits away
from another's; every bound of S1 and S2 but NSFW is applied, before and after with another one for
clarity. The baseline in the same process: pyarrow reads the same columns of the same files.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from benchmarks import synthetic_runs
from curation.inspect import rejudge
from curation.judging import rules
from curation.measuring import choosing
from curation.output.layout import Layout

SECONDS, MEGABYTES = 0.7, 250  # the bars, for a million rows
PARENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def timed(action: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median (CPU, wall) seconds."""
    cpu, wall = [], []
    for _ in range(repeats):
        begin, start = time.process_time(), time.perf_counter()
        action()
        cpu.append(time.process_time() - begin)
        wall.append(time.perf_counter() - start)
    return statistics.median(cpu), statistics.median(wall)


def main(
    units: Annotated[int, typer.Option(help="Signals files.")] = 100,
    rows: Annotated[int, typer.Option(help="Rows in each of them.")] = 10_000,
    repeats: int = 5,
) -> None:
    """Print the figures.

    Example: python -m benchmarks.judge --units 100 --rows 10000
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        output, layout = work / "out", Layout(str(work / "out"))
        _, before = synthetic_runs.pipeline(work, 0.05)
        config, after = synthetic_runs.pipeline(work, 0.1)
        measured = synthetic_runs.columns_of(output)
        names = synthetic_runs.write_signals(output, units, rows)
        synthetic_runs.finish(output, names, before)
        signals = choosing.chosen(after)
        checks = rules.checks(after, signals.tiers)
        read = {check.column for check in checks} - set(signals.duplicates.columns)
        needed = sorted(read | {"reason", "phash", *after.quality})

        def baseline() -> None:
            for unit in names:
                pq.read_table(measured.base_path(unit), columns=needed)
                pq.read_table(layout.ledger(unit), columns=["verdict"])

        comparison = rejudge.compare(str(output), config)
        plain = timed(baseline, repeats)
        judged = timed(lambda: rejudge.compare(str(output), config), repeats)
        peak = peak_of("curation.command", "judge", "--output", str(output), "--config", config)
    print(
        f"{units * rows} rows, kept {comparison.before['kept']} -> {comparison.after['kept']}: "
        f"{judged[0]:.2f} CPU-s, {judged[1]:.2f} s wall (bar {SECONDS} s); pyarrow reads the same "
        f"columns in {plain[0]:.2f} CPU-s, {plain[1]:.2f} s wall; the whole command has a peak of "
        f"{peak} MB (bar {MEGABYTES} MB)"
    )


def peak_of(*arguments: str) -> int:
    """The peak memory of a command, in MB, seen by a process that is small itself."""
    command = [sys.executable, "-c", PARENT, sys.executable, "-m", *arguments]
    return int(subprocess.run(command, check=True, capture_output=True).stdout) // 1024


if __name__ == "__main__":
    typer.run(main)
