"""Pipelines that are no stages but parts to be made: ``pipelines.yaml`` names their import path.

An entry with the key ``program`` names a class of one of our packages; the other keys are its
settings. What runs it knows nothing else of it, so curation imports none of the others.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from pydantic import BaseModel, ValidationError

from curation.signals.signal import OWN_PACKAGES
from curation.strict_yaml.fields import Fields, shown
from curation.strict_yaml.lines import Node

KEY = "program"
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


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

    def complete(self, output: str, parts: Sequence[str], told: Sequence[str]) -> None:
        """In one worker, once all parts have told, in any order: write what goes with them all."""

    def progress(self, output: str) -> tuple[int, int]:
        """How many files there are to make, and how many are there."""

    def summary(self, output: str) -> Mapping[str, Any]:
        """In the driver, at the end: plain data; ``missing`` counts what could not be made."""

    def as_text(self, summary: Mapping[str, Any]) -> str:
        """A summary for a reader."""


def load(fields: Fields, name: str, node: Node) -> Program:
    """The program an entry names, with its settings. Raises ``ConfigurationError``."""
    found = fields.any_mapping(node, repr(name))
    line = found[KEY].line
    model = _model(fields, line, fields.text(found[KEY], f"{KEY!r}"))
    required = tuple(key for key, field in model.model_fields.items() if field.is_required())
    optional = tuple(key for key in model.model_fields if key not in required)
    settings = fields.mapping(node, repr(name), (KEY, *required), optional)
    try:
        made = model(**{key: _plain(child) for key, child in settings.items() if key != KEY})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = [str(step) for step in first["loc"]]
        at = _line(node, where)
        told = first["msg"].removeprefix("Value error, ")
        fields.fail(at, f"{'.'.join(where) or name!r}: {told[0].lower()}{told[1:]}")
    return cast(Program, made)


def _model(fields: Fields, line: int, path: str) -> type[BaseModel]:
    module, _, name = path.rpartition(".")
    if not _CLASS.fullmatch(path) or path.split(".", maxsplit=1)[0] not in OWN_PACKAGES:
        expected = f"expected the import path of a class inside {', '.join(OWN_PACKAGES)}"
        fields.fail(line, f"{KEY} {shown(path)}: {expected}")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        fields.fail(line, f"{KEY} {shown(path)}: there is no module {error.name}")
    if not (isinstance(found, type) and issubclass(found, BaseModel) and hasattr(found, "plan")):
        fields.fail(line, f"{KEY} {shown(path)}: there is no such program in {module}")
    return found


def _plain(node: Node) -> Any:
    """The node without its lines: a mapping, a tuple or a scalar."""
    if isinstance(node.value, Mapping):
        return {key: _plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return tuple(_plain(child) for child in node.value)
    return node.value


def _line(node: Node, where: Sequence[str]) -> int:
    """The line of what a refusal is about, as deep as the file goes."""
    for step in where:
        if isinstance(node.value, Mapping) and step in node.value:
            node = node.value[step]
        elif isinstance(node.value, tuple) and step.isdigit() and int(step) < len(node.value):
            node = node.value[int(step)]
    return node.line
