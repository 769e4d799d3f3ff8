"""Pipelines that are no stages but parts to be made: ``pipelines.yaml`` names their import path.

An entry with the key ``program`` names a class of one of our packages; the other keys are its
settings. What runs it knows nothing else of it, so curation imports none of the others.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from pydantic import BaseModel

from curation.strict_yaml import OWN_PACKAGES, Document, bind, described, is_own, shown

KEY = "program"


class Program(Protocol):
    """Settings (a frozen, strict pydantic model) and what is to be done with them, part by part.

    A part leaves whole files or none, the same ones whoever makes it, and skips those that are
    there: it may be repeated, by a runner or by the next run.
    """

    def plan(self, output: str) -> Sequence[str]:
        """In the driver: the names of all parts, once everything asked for is known to be there."""

    def prepare(self) -> None:
        """In each worker process, before its first part."""

    def carry_out(self, output: str, part: str) -> str:
        """Make one part; what ``complete`` must know of it."""

    def complete(self, output: str, parts: Sequence[str], notes: Sequence[str]) -> None:
        """In one worker, once all parts have told, in any order: write what goes with them all."""

    def progress(self, output: str) -> tuple[int, int]:
        """How many files there are to make, and how many are there."""

    def summary(self, output: str) -> Mapping[str, Any]:
        """In the driver, at the end: plain data; ``missing`` counts what could not be made."""

    def as_text(self, summary: Mapping[str, Any]) -> str:
        """A summary for a reader."""


def load(entry: Document) -> Program:
    """The program an entry names, with its settings. Raises ``ConfigurationError``."""
    return cast(Program, bind(entry.without(KEY), _model(entry)))


def _model(entry: Document) -> type[BaseModel]:
    path = entry.value[KEY]
    if not isinstance(path, str):
        entry.fail((KEY,), f"{KEY!r}: expected text, found {described(path)}")
    module, _, name = path.rpartition(".")
    if not (module and is_own(path)):
        expected = f"expected the import path of a class inside {', '.join(OWN_PACKAGES)}"
        entry.fail((KEY,), f"{KEY} {shown(path)}: {expected}")
    try:
        model = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        entry.fail((KEY,), f"{KEY} {shown(path)}: there is no module {error.name}")
    if not (isinstance(model, type) and issubclass(model, BaseModel) and hasattr(model, "plan")):
        entry.fail((KEY,), f"{KEY} {shown(path)}: there is no such program in {module}")
    return model
