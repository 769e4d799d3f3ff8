"""CPU seconds and peak memory of near join and judging when the hashes are skewed.

``python -m benchmarks.skew --rows 1000000 --cluster 5000``; the memory of each step at two sizes a
factor ten apart: ``python -m benchmarks.skew --rows 1000000 --limit 20000 --sizes``

The real Beam steps on synthetic signals files, each case in a process of its own, start-up left out
of the seconds but not of the memory: ``plain`` hashes; ``blank``, half of the rows have one hash,
each a content of its own; ``cluster``, so many distinct hashes up to four bits from one of them.
``partitions`` says into how many the rows were cut: 1 is the single step of up to
``ROWS_PER_PARTITION`` rows. The local runner keeps what is shuffled in memory, so with several its
peak is that of the runner, which on a cluster is on disk. ``--sizes`` therefore prints what each
step held at most for one of its elements: what it was given, and allocated in Python or Arrow.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray

from benchmarks import synthetic_runs
from curation.groupings.duplicates import near
from curation.output import column_files
from curation.output.layout import Layout
from curation.sources import plan

UNIT = 10_000
ARGUMENTS = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]


def hashes(case: str, count: int, cluster: int) -> NDArray[np.uint64]:
    """(count,) hashes of a case, in random order."""
    random, numbers = np.random.default_rng(5), synthetic_runs.hashes(count)
    if case == "blank":
        numbers[random.permutation(count)[: count // 2]] = numbers[0]
    if case == "cluster":
        flips = np.uint64(1) << random.integers(0, 64, (2 * cluster, 4)).astype(np.uint64)
        close = near.distinct(numbers[0] ^ np.bitwise_or.reduce(flips, axis=1))
        close = random.permutation(close)[:cluster]
        numbers[random.permutation(count)[: len(close)]] = close
    return numbers


def weight(element: object) -> int:
    """Bytes of the batches in an element."""
    if isinstance(element, bytes):
        return len(element)
    if isinstance(element, str) or not hasattr(element, "__iter__"):
        return 0
    return sum(map(weight, element))


def meter_steps(peaks: dict[str, int]) -> None:
    """From now on note in ``peaks`` what every step of judging holds for one element, in bytes."""
    from curation.graphs import judging, near_duplicates

    pools: list[pa.MemoryPool] = []  # what was allocated in one may live longer than the step

    def metered(name: str, process: Callable[..., Any]) -> Callable[..., Any]:
        def noting(self: Any, element: Any) -> Iterator[Any]:
            arrow = pa.proxy_memory_pool(pa.system_memory_pool())
            pools.append(arrow)
            pa.set_memory_pool(arrow)
            tracemalloc.start()
            yielded = list(process(self, element) or ())
            held = tracemalloc.get_traced_memory()[1] + arrow.max_memory() + weight(element)
            tracemalloc.stop()
            peaks[name] = max(peaks.get(name, 0), held)
            yield from yielded

        return noting

    for name, step in (vars(near_duplicates) | vars(judging)).items():
        if (
            isinstance(step, type)
            and issubclass(step, near_duplicates.CopiesStep)
            and "process" in vars(step)
        ):
            step.process = metered(name, step.process)  # type: ignore[method-assign]


def measure_one(output: str, rows: int, limit: int, config: str, steps: bool) -> None:
    """In a process of its own: judge once and print what it took."""
    from curation.configuration import loading
    from curation.graphs import judging

    peaks: dict[str, int] = {}
    if steps:
        meter_steps(peaks)
    judging.ROWS_PER_PARTITION = limit
    pipeline = loading.load(config, "curate")
    begin = time.process_time()
    judging.judge_units(output, pipeline, ARGUMENTS, rows)
    cpu = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    edges = column_files.read_all(Layout(output).near_parts(), ("a", "b")).num_rows
    print(json.dumps({"cpu": cpu, "peak": peak, "edges": edges, "steps": peaks}))


def judged(case: str, rows: int, cluster: int, limit: int, *, steps: bool = False) -> None:
    """Write the signals of a case, judge them and print a line."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        output = work / "out"
        config, _ = synthetic_runs.pipeline(work, 0.1)
        numbers, names = hashes(case, rows, cluster), []
        for first in range(0, rows, UNIT):
            names.append(f"{first:016x}")
            table = synthetic_runs.signals_table(numbers[first : first + UNIT], first)
            column_files.write(synthetic_runs.columns_of(output).base_path(names[-1]), table)
        plan.write_names(str(output), names)
        call = "from benchmarks.skew import measure_one as m; "
        call += f"m({str(output)!r}, {rows}, {limit}, {config!r}, {steps})"
        finished = subprocess.run(
            [sys.executable, "-c", call], check=True, stdout=subprocess.PIPE, text=True
        )
    figures = json.loads(finished.stdout)
    print(
        f"{case}: {rows} rows, {1 + rows // limit} partitions, {figures['edges']} edges: "
        f"{figures['cpu']:.1f} CPU-s, peak of the process {figures['peak']:.0f} MB",
        flush=True,
    )
    for step, held in figures["steps"].items():
        print(f"  {step}: at most {held / 1e6:.2f} MB for one element", flush=True)


def main(
    rows: Annotated[int, typer.Option(help="Rows of each case.")] = 1_000_000,
    cluster: Annotated[int, typer.Option(help="Distinct hashes of the cluster.")] = 5_000,
    limit: Annotated[int, typer.Option(help="Rows of a partition.")] = 2_000_000,
    sizes: Annotated[bool, typer.Option(help="Plain rows, a tenth and all of them.")] = False,
) -> None:
    """Print the figures.

    Example: python -m benchmarks.skew --rows 1000000
    """
    if sizes:
        for count in (rows // 10, rows):
            judged("plain", count, cluster, limit, steps=True)
        return
    for case in ("plain", "blank", "cluster"):
        judged(case, rows, cluster, limit)


if __name__ == "__main__":
    typer.run(main)
