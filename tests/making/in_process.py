"""Runs whose models look in the process of the test, so that it may know what they were asked."""

import contextlib
from collections.abc import Iterator, Sequence

import pytest

from curation.measuring import asking
from curation.measuring.here import Here


def ask_here(patch: pytest.MonkeyPatch) -> None:
    """Let no other process look."""
    patch.setattr(asking, "borrowed", borrowed)


@contextlib.contextmanager
def borrowed(_modules: Sequence[str]) -> Iterator[Here]:
    """In place of ``asking.borrowed``."""
    yield Here()
