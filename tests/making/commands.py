"""A command in this process, as its program runs it, and scripts in processes of their own."""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from curation.failures.commands import guarded


@dataclass(frozen=True)
class Ended:
    """How a command ended; what is a bug is raised instead."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All it printed."""
        return self.stdout + self.stderr


def invoke(app: typer.Typer, arguments: Sequence[str]) -> Ended:
    """Run an application with these arguments, under the name of its module."""
    callback = app.registered_commands[0].callback
    name = callback.__module__.removesuffix(".__main__") if callback else ""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = guarded(name, lambda **options: app(list(arguments), **options))
    return Ended(code, out.getvalue(), err.getvalue())


def wait_for(condition: Callable[[], object], seconds: float = 240) -> None:
    """Return once the condition holds; so many seconds are too long, on a busy machine too."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} seconds in vain"
        time.sleep(0.01)


def lines_of_datasets(script: str, path: Path, scratch: Path) -> list[str]:
    """What a script prints that uses Hugging Face's ``datasets``, with nothing fetched.

    It is given ``path`` and a folder for the cache, inside of ``scratch``.
    """
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(scratch / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(scratch / "cache")],
        env=os.environ | offline,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
