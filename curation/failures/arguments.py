"""Numbers that a function of ours was given: held to what the option of a command would take."""

from numbers import Integral, Real

from curation.failures.errors import UsageError


def at_least(least: int, **given: float | None) -> None:
    """Raise ``UsageError`` for the first that is no number, or below ``least``; None: not given."""
    for name, number in given.items():
        if number is not None:
            _check(name, number, isinstance(number, Real), f"a number, {least} or more", least)


def integers(least: int, **given: int | None) -> None:
    """The same of whole numbers."""
    for name, number in given.items():
        if number is not None:
            is_whole = isinstance(number, Integral)
            _check(name, number, is_whole, f"a whole number, {least} or more", least)


def _check(name: str, number: float, is_number: bool, expected: str, least: int) -> None:
    if not is_number or isinstance(number, bool) or number < least:
        raise UsageError(f"{name} is {number!r}; expected {expected}")
