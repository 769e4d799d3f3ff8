"""CPU seconds of what ``beam serve`` does over a million rows: opening, counting, sorting, moving a
bound, hashes alike.

``python -m benchmarks.serving --units 1954 --rows 512``

The rows are synthetic, as in ``benchmarks.judge``; 512 is how many a unit has where none says else.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import synthetic_runs
from curation.serving.asked import Asked
from curation.serving.run_rows import Rows
from curation.serving.site import Site
from curation.shard.picks import Recorder

MEGABYTE = 1e6


def timed(what: str, action: Callable[[], Any]) -> Any:
    """Print what an action takes, and return what it gives."""
    begin, start = time.process_time(), time.perf_counter()
    value = action()
    cpu, wall = time.process_time() - begin, time.perf_counter() - start
    print(f"{what:<44}{cpu:>8.2f} CPU-s{wall:>8.2f} s")
    return value


def memory() -> float:
    """What the process holds, in MB."""
    said = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    return int(said) * 1024 / MEGABYTE


def main(
    units: Annotated[int, typer.Option(help="Files of each kind.")] = 1954,
    rows: Annotated[int, typer.Option(help="Rows in each of them.")] = 512,
    repeats: int = 2,
) -> None:
    """Print the figures.

    Example: python -m benchmarks.serving --units 1954 --rows 512
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        _, bounds = synthetic_runs.pipeline(work, 0.05)
        names = synthetic_runs.write_signals(work / "out", units, rows)
        synthetic_runs.finish(work / "out", names, bounds)
        held: Rows = timed("open", lambda: Rows(str(work / "out")))
        site = Site(held, Recorder(work / "picks.jsonl"))
        before = memory()
        timed("bounds for the first time", lambda: site.trials.trial(()))
        print(f"what rules read stays in memory: {memory() - before:,.0f} MB")
        print(f"{len(held):,} rows")
        for number in range(repeats):
            asked = {
                "count by a number": Asked(where=f"clarity < 0.3{number}"),
                "count by two columns of text": Asked(
                    where=f"verdict = 'dropped' AND key LIKE '%7{number}.jpg'"
                ),
                "sort by a number": Asked(where=f"luma > 0.0{number}", order="clarity DESC"),
                "counts by rule": Asked(where=f"entropy > 0.{number}"),
                "alike by hash": Asked(near=number, by="phash"),
                "a moved bound": Asked(moved=f"s2.clarity.min:0.2{number}", would="lost"),
            }
            for what, of in asked.items():
                timed(f"{what}, time {number + 1}", lambda of=of: site.selection(of).numbers)
        numbers = site.selection(Asked()).numbers
        timed("what stopped all rows", lambda: site.fallen(numbers))


if __name__ == "__main__":
    typer.run(main)
