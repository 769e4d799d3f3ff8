"""A command in this process, as its program runs it: what it prints, and its exit code."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

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
