"""What quotas pass between the steps of judging, and what that costs: bytes a row and a unit.

``python -m benchmarks.quotas --rows 400000``

The real Beam steps, cut into partitions, on synthetic signals files without duplicates that pass
every bound, so that all rows reach the quotas. Each case is judged once in a process of its own;
the bytes are all that leaves one step for another, less those of the same rows without a quota. The
CPU seconds are the difference likewise: read them as a ratio to those of judging alone.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer

from benchmarks import synthetic_runs
from benchmarks.from_tests import pipeline_text
from curation.output import column_files
from curation.sources import plan

UNIT = 10_000
PARTITION = 20_000
ARGUMENTS = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
ONE = "best: {by: format, count: 100, since: s1}"
ORDERED = "best: {by: format, count: 100, order: clarity, since: s1}"
CASES = {  # categories, and the quotas
    "none": (10, ""),
    "a count in 10 categories": (10, ONE),
    "a count in 1,000 categories": (1000, ONE),
    "a count by a column in 1,000 categories": (1000, ORDERED),
    "two of them": (1000, f"{ONE}, more: {{by: format, fraction: 0.5, since: s1}}"),
}


def write_rows(output: Path, rows: int, categories: int) -> None:
    """Signals files of so many rows, each of one of the categories."""
    names, numbers = [], np.random.default_rng(3).integers(0, 2**64, rows, np.uint64)
    for first in range(0, rows, UNIT):
        names.append(f"{first:016x}")
        table = synthetic_runs.signals_table(numbers[first : first + UNIT], first)
        category = np.random.default_rng(first).integers(0, categories, table.num_rows)
        place = table.schema.get_field_index("format")
        column = pa.array([f"c{number}" for number in category.tolist()], pa.string())
        table = table.set_column(place, table.schema.field(place), column)
        column_files.write(synthetic_runs.columns_of(output).base_path(names[-1]), table)
    plan.write_names(str(output), names)


def count_passed() -> list[int]:
    """From now on the bytes that leave one step of Beam's local runner for another: one number."""
    from apache_beam.runners.portability.fn_api_runner import execution

    total = [0]
    for buffer in (execution.GroupingBuffer, execution.ListBuffer):

        def counted(self: object, data: bytes, append: Any = buffer.append) -> None:
            total[0] += len(data)
            append(self, data)

        buffer.append = counted
    return total


def measure_one(output: str, rows: int, config: str) -> None:
    """In a process of its own: judge once and print what it took."""
    from curation.configuration import loading
    from curation.graphs import judging

    judging.ROWS_PER_PARTITION = PARTITION
    pipeline, passed = loading.load(config, "curate"), count_passed()
    begin = time.process_time()
    judging.judge_units(output, pipeline, ARGUMENTS, rows)
    kept = json.loads(Path(output, "counts.json").read_text())["verdicts"]["kept"]
    print(json.dumps({"cpu": time.process_time() - begin, "bytes": passed[0], "kept": kept}))


def judged(rows: int, categories: int, quotas: str) -> dict[str, Any]:
    """What judging so many rows took."""
    with tempfile.TemporaryDirectory() as name:
        output, config = Path(name) / "out", Path(name) / "pipelines.yaml"
        stages = {"s1": {"size": {"min": 1}}, "s2": {"size": {"min": 1}}}
        config.write_text(pipeline_text(stages, top=[f"quotas: {{{quotas}}}"]))
        write_rows(output, rows, categories)
        call = "from benchmarks.quotas import measure_one as m; "
        call += f"m({str(output)!r}, {rows}, {str(config)!r})"
        command = [sys.executable, "-c", call]
        finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    took: dict[str, Any] = json.loads(finished.stdout)
    return took


def main(rows: Annotated[int, typer.Option(help="Rows of the larger run.")] = 400_000) -> None:
    """Print a table.

    Example: python -m benchmarks.quotas --rows 400000
    """
    print("| quotas | rows | bytes a row | bytes a unit of 10,000 | kept | CPU-s |")
    print("|---|---|---|---|---|---|")
    for count in (rows // 4, rows):
        alone: dict[str, Any] = {}
        for name, (categories, quotas) in CASES.items():
            took = judged(count, categories, quotas)
            alone = alone or took
            more = took["bytes"] - (alone["bytes"] if quotas else 0)
            print(
                f"| {name} | {count:,} | {more / count:.0f} | {more * UNIT / count:,.0f} "
                f"| {took['kept']:,} | {took['cpu']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    typer.run(main)
