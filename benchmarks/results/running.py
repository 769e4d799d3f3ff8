"""Carrying out a section: its commands, one after another, and a record of what they gave."""

import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.results import records
from benchmarks.results.records import Record
from benchmarks.results.section import Section
from curation.failures.errors import UsageError

ROOT = Path(__file__).parents[2]
DATA = "../shared/data"
MADE = ("benchmarks/results/records", "docs/results.md")  # what a run itself changes
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def commands(section: Section, data: str = DATA) -> list[str]:
    """What a user types at the root of the repository."""
    places = {"data": data, "out": f"runs/results/{section.name}"}
    return [command.format(**places) for command in section.commands]


def run(section: Section, data: str) -> Record:
    """Carry out the commands in an empty folder and take their figures.

    Raises ``UsageError`` where one fails.
    """
    out = ROOT / "runs" / "results" / section.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    asked = commands(section, data)
    date, commit, before = datetime.now(UTC).date().isoformat(), _commit(), os.getloadavg()[0]
    began = _seconds_of_children()
    for command in asked:
        print(f"$ {command}", flush=True)
        _carry_out(command, (0, 1) if section.judges else (0,))
    seconds = _seconds_of_children() - began
    tables = section.take(out)
    return Record(
        section.name,
        date,
        commit,
        asked,
        records.machine(),
        (round(before, 1), round(os.getloadavg()[0], 1)),
        round(seconds),
        {name: metadata.version(name) for name in section.packages},
        tables,
    )


def _carry_out(command: str, codes: Sequence[int]) -> None:
    words = shlex.split(command)
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, *words[1:]] if words[0] == "python" else words
    done = subprocess.run(words, cwd=ROOT, env=environment, check=False)
    if done.returncode not in codes:
        raise UsageError(f"{command}: ended with {done.returncode}; no record is written")


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--", ".", *(f":!{path}" for path in MADE))
    return git("rev-parse", "--short=8", "HEAD") + ("+" if changed else "")


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
