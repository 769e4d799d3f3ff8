"""``pipelines.yaml``: the one place for numbers, read strictly into frozen models.

Every mistake in the file is a ``ConfigurationError`` that names file, line, what was expected and,
for a misspelt name, the nearest valid one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.configuration import program, tightening
from curation.configuration.models import (
    Bound,
    NearDuplicate,
    Pipeline,
    Stage,
    Synthetic,
    resolved,
)
from curation.configuration.program import Program
from curation.signals import discovery
from curation.strict_yaml import (
    KEY,
    ConfigurationError,
    Document,
    Frozen,
    bind,
    expected_one_of,
    read,
    shown,
)

__all__ = [
    "COMMON_COLUMNS",
    "FILE_NAME",
    "Bound",
    "ConfigurationError",
    "NearDuplicate",
    "Pipeline",
    "Stage",
    "Synthetic",
    "check_columns",
    "load",
    "load_any",
    "resolved",
    "shipped_path",
]

FILE_NAME = "pipelines.yaml"
COMMON_COLUMNS: Mapping[str, pa.DataType] = {  # ruled, but measured by no signal
    "size": pa.int64(),
    "exact_better": pa.int64(),
    "near_better": pa.int64(),
}


class _File(Frozen):
    pipelines: dict[str, Any]


def shipped_path() -> Path:
    """The ``pipelines.yaml`` that came with the project (in a wheel it lies in the package)."""
    package = Path(__file__).resolve().parents[1]
    inside = package / FILE_NAME
    return inside if inside.is_file() else package.parent / FILE_NAME


def load(path: str | None, name: str = "curate") -> Pipeline:
    """Read one pipeline of stages; ``None`` means ``./pipelines.yaml`` or else the shipped one.

    Raises ``ConfigurationError`` for anything that is not a whole, consistent configuration.
    """
    return _pipeline(_entry(path, name), name)


def load_any(path: str | None, name: str) -> Pipeline | Program:
    """Read one entry, of stages or of a program. Raises ``ConfigurationError``."""
    entry = _entry(path, name)
    if isinstance(entry.value, dict) and program.KEY in entry.value:
        return program.load(entry)
    return _pipeline(entry, name)


def _pipeline(entry: Document, name: str) -> Pipeline:
    pipeline = bind(entry, Pipeline, {KEY: name})
    tightening.check(pipeline, lambda: _scaling(pipeline))
    return pipeline


def _scaling(pipeline: Pipeline) -> set[str]:
    signals = discovery.discover(pipeline.signals)
    return {name for entry in signals for name, of in entry.columns.items() if of.scales}


def _entry(path: str | None, name: str) -> Document:
    if path is None:
        path = FILE_NAME if Path(FILE_NAME).is_file() else str(shipped_path())
    document = read(path, absent="name an existing one, or none to use the shipped one")
    pipelines = bind(document, _File).pipelines
    if name not in pipelines:
        message = f"unknown pipeline {shown(name)}: {expected_one_of(name, pipelines)}"
        document.fail(("pipelines",), message)
    return document.at("pipelines", name)


def check_columns(pipeline: Pipeline, columns: Mapping[str, pa.DataType]) -> None:
    """Check that every ruled or ranking column exists and is a number.

    ``columns`` are those that the signals measure; ``size`` and the duplicate counts are always
    known. Raises ``ConfigurationError`` at the line of the first one that does not fit.
    """
    known = {**COMMON_COLUMNS, **columns}
    numeric = {name for name, kind in known.items() if _is_number(kind)}
    categories = {name for name, kind in known.items() if _is_category(kind)}
    named: list[tuple[str, tuple[str | int, ...]]] = [
        (column, ("quality", index)) for index, column in enumerate(pipeline.quality)
    ]
    for stage in pipeline.stages:
        for column, bound in stage.bounds.items():
            path: tuple[str | int, ...] = ("stages", stage.name, "bounds", column)
            if bound.among is None:
                named.append((column, path))
            elif column in known and column not in categories:
                message = f"column {column!r} holds {known[column]}, expected categories for 'in'"
                raise pipeline.error(message, *path)
            elif column not in known:
                message = f"unknown column {shown(column)}: {expected_one_of(column, categories)}"
                raise pipeline.error(message, *path)
    for column, path in named:
        if column not in known:
            message = f"unknown column {shown(column)}: {expected_one_of(column, numeric)}"
            raise pipeline.error(message, *path)
        if column not in numeric:
            message = f"column {column!r} holds {known[column]}, expected a column of numbers"
            raise pipeline.error(message, *path)


def _is_category(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
