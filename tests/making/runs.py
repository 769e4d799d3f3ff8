"""Runs of the real pipeline for tests, each in a process forked from one that has Beam loaded."""

import hashlib
import multiprocessing
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from making.pipelines import WITHOUT_MODELS

from curation.configuration import loading
from curation.output import column_files
from curation.output.layout import Layout

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "curation.graphs.measuring",
        "curation.graphs.judging",
        "curation.graphs.writing",
        "curation.run",
    ]
)
SAME_BYTES = ("shards", "ledger", "signals", "groups")


def carry_out(
    inputs: list[str], output: str, arguments: list[str], unit_rows: int, **more: Any
) -> None:
    """In a child process: one run with the pipeline above, and what else a ``Request`` may have."""
    from curation.request import Request
    from curation.run import run

    config = Path(output).parent / "pipelines.yaml"
    if not config.exists():
        config.write_text(WITHOUT_MODELS, encoding="utf-8")
    pipeline = loading.load(str(config), "curate")
    told = (tuple(inputs), output, tuple(arguments), unit_rows)
    run(Request("curate", pipeline, *told, **more))


def start(inputs: list[Path], output: Path, *, workers: int = 2, unit_rows: int = 8) -> BaseProcess:
    """Start a run in a forked process."""
    arguments = [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]
    names = [str(path) for path in inputs]
    process = CONTEXT.Process(target=carry_out, args=(names, str(output), arguments, unit_rows))
    process.start()
    return process


def finish(inputs: list[Path], output: Path, *, workers: int = 2, unit_rows: int = 8) -> None:
    """Run to the end; fails the test if the run fails."""
    process = start(inputs, output, workers=workers, unit_rows=unit_rows)
    process.join()
    assert process.exitcode == 0


def digests(output: Path, folders: tuple[str, ...] = SAME_BYTES) -> dict[str, str]:
    """SHA-256 of every result file, by its path below the output."""
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted((output / folder).rglob("*"))
        if path.is_file()
    }


def ledger_rows(output: Path) -> list[dict]:
    """All rows of the ledger, sorted by key."""
    layout = Layout(str(output))
    rows = [
        row
        for unit in layout.units("ledger")
        for row in column_files.read(layout.ledger(unit)).to_pylist()
    ]
    return sorted(rows, key=lambda row: row["key"])


def run_in_process(folder: Path, output: Path, **more: Any) -> dict[str, str]:
    """One run in this process; key -> verdict."""
    arguments = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
    carry_out([str(folder)], str(output), arguments, 8, **more)
    return {row["key"]: row["verdict"] for row in ledger_rows(output)}
