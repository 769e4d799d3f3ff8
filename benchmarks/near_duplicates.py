"""CPU seconds and memory of the near-duplicate join of a million 64-bit hashes, mirrored ones
included, radius 4.

``python -m benchmarks.near_duplicates --units 100 --rows 10000``

Measured three times, each in a process of its own: the pure join; the real Beam steps on stored
signals (all units measured already), from reading the hashes to the written edges; and the
baseline, every hash against every other with numpy's population count on 20,000 of them,
multiplied by the ratio of pairs. The join's pairs on those 20,000 are compared with the baseline's.
Start-up, Beam's import included, is left out of the seconds but not of the memory.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import synthetic_runs
from curation.groupings.duplicates import near
from curation.output import column_files

BAR_SECONDS, BAR_MEGABYTES = 10.0, 300.0
RADIUS = 4
SAMPLE = 20_000


def all_pairs(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every pair of distinct tokens within the radius, by comparing each with all later ones."""
    pairs = []
    for place, own in enumerate(hashes[:-1]):
        later = hashes[place + 1 :]
        close = later[near.apart(later, own) <= RADIUS]
        pairs += [(min(own, other), max(own, other)) for other in close]
    return near.sorted_edges([np.array(pairs, np.uint64).reshape(-1, 2)])


def measure_one(what: str, output: str, units: list[str], rows: int, config: str) -> None:
    """In a process of its own: do it once and print what it took."""
    measured = synthetic_runs.columns_of(Path(output))
    if what == "steps":
        from curation.configuration import loading
        from curation.graphs import judging
        from curation.sources import plan

        pipeline = loading.load(config, "curate")
        arguments = ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]
        column_files.read(measured.base_path(units[0]), ("phash",))
        plan.write_names(output, units)
    else:
        numbers = column_files.read_all([measured.base_path(unit) for unit in units], ("phash",))
        hashes = near.distinct(near.tokens(numbers.column("phash").to_numpy()))
    begin, start = time.process_time(), time.perf_counter()
    if what == "join":
        edges = len(near.join(hashes, RADIUS))
    elif what == "steps":
        judging.judge_units(output, pipeline, arguments, rows)
        edges = column_files.read_all(measured.layout.near_parts(), ("a", "b")).num_rows
    else:
        sample = near.distinct(np.random.default_rng(1).choice(hashes, SAMPLE, replace=False))
        pairs = all_pairs(sample)
        edges = len(pairs)
        if not np.array_equal(pairs, near.join(sample, RADIUS)):
            raise SystemExit("the join and the comparison of all pairs differ")
    figures = {
        "cpu": time.process_time() - begin,
        "wall": time.perf_counter() - start,
        "found": edges,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }
    print(json.dumps(figures))


def main(
    units: Annotated[int, typer.Option(help="Signals files.")] = 100,
    rows: Annotated[int, typer.Option(help="Rows in each of them.")] = 10_000,
) -> None:
    """Print the figures.

    Example: python -m benchmarks.near_duplicates --units 100 --rows 10000
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        output = work / "out"
        config, _ = synthetic_runs.pipeline(work, 0.1)
        names = synthetic_runs.write_signals(output, units, rows)
        figures = {}
        for what in ("join", "steps", "baseline"):
            call = "from curation import importing; importing.less(['run']); "  # as ``beam`` does
            call += f"from benchmarks.near_duplicates import measure_one as m; m({what!r}, "
            call += f"{str(output)!r}, {names!r}, {units * rows}, {config!r})"
            finished = subprocess.run(
                [sys.executable, "-c", call], check=True, stdout=subprocess.PIPE, text=True
            )
            figures[what] = json.loads(finished.stdout)
    if figures["join"]["found"] != figures["steps"]["found"]:
        raise SystemExit(f"the steps and the pure join found different pairs: {figures}")
    times = (units * rows / SAMPLE) ** 2
    bar = f"(bar {BAR_SECONDS:.0f} s, {BAR_MEGABYTES:.0f} MB)"
    for what, label in (("join", "pure join"), ("steps", "Beam steps, files to files")):
        figure = figures[what]
        print(
            f"{label}: {units * rows} hashes, {figure['found']} pairs, {figure['cpu']:.2f} CPU-s, "
            f"{figure['wall']:.2f} s wall, peak of the process {figure['peak']:.0f} MB {bar}"
        )
    figure = figures["baseline"]
    print(
        f"baseline, all pairs of {SAMPLE} in numpy: {figure['cpu']:.1f} CPU-s, "
        f"so {figure['cpu'] * times:.0f} CPU-s for {units * rows}; same pairs found as by the join"
    )


if __name__ == "__main__":
    typer.run(main)
