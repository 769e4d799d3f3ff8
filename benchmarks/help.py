"""CPU seconds until each command has printed its ``--help``, beside an empty Python.

``python -m benchmarks.help --repeats 5``
"""

import os
import resource
import statistics
import subprocess
import sys
from typing import Annotated

import typer

BAR = 0.5  # seconds: a stated property of the interface
MODULES = (
    *(f"curation.command {name}" for name in ("run", "plan", "judge", "report", "explain", "gate")),
    "curation.command",
    *(f"synthesis.{name}" for name in ("render", "proofreading", "template", "fonts")),
    *("synthesis.characters", "train", "infer"),
)


def spent(arguments: list[str]) -> float:
    """User and system CPU seconds of a Python with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, env=os.environ, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(repeats: Annotated[int, typer.Option(help="Runs of each, in turns.")] = 5) -> None:
    """Print the median of each.

    Example: python -m benchmarks.help --repeats 5
    """
    commands = {"an empty Python": ["-c", "pass"]}
    commands |= {f"python -m {name}": ["-m", *name.split(), "--help"] for name in MODULES}
    runs = [{name: spent(each) for name, each in commands.items()} for _ in range(repeats)]
    for name in commands:
        median = statistics.median(run[name] for run in runs)
        print(f"{name:<40}{median:6.2f} s{'   over the bar' if median > BAR else ''}")


if __name__ == "__main__":
    typer.run(main)
