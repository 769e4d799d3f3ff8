"""Numbers that a function of ours was given: held to what the option of a command would take."""

from curation.failures.errors import UsageError


def at_least(least: int, **given: float | None) -> None:
    """Raise ``UsageError`` for the first number below ``least``; None is not given."""
    for name, number in given.items():
        if number is not None and number < least:
            raise UsageError(f"{name} is {number}; expected {least} or more")
