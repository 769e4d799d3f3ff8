"""A program's command line: the same look, messages and exit codes for all of ours.

Exit codes: 0 fine, 1 bug, 2 wrong usage or configuration, 3 too much quarantined or missing, or a
ledger that does not add up, 4 disk or input/output, 130 interrupted (143: by SIGTERM).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import typer

from curation.failures import interruption
from curation.failures.exit_codes import exit_code_of
from curation.failures.interruption import Interruption


def application(**options: Any) -> typer.Typer:
    """A typer application without completion and colours, and with Python's own tracebacks."""
    return typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **options
    )


def main(name: str, command: Callable[..., Any]) -> NoReturn:
    """Run an application as a program: its exit code, or what a signal to end makes of it."""
    interruption.carry_out(name, partial(guarded, name, command))


def guarded(name: str, command: Callable[..., Any]) -> int:
    """Run an application; turn what it raises into a message and an exit code.

    Raises what is a bug, and ``Interruption``.
    """
    try:
        result = command(standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except Interruption:
        raise
    except BaseException as error:
        code, message = exit_code_of(error)
        if message is None:
            raise
        typer.echo(f"{name}: {message}", err=True)
        return code
    return result if isinstance(result, int) else 0
