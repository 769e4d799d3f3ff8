"""``pipelines.yaml``: the one place for numbers, read strictly into frozen models.

Every mistake in the file is a ``ConfigurationError`` that names file, line, what was expected and,
for a misspelt name, the nearest valid one.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation import storage
from curation.configuration import program, tightening
from curation.configuration.models import (
    Bound,
    NearDuplicate,
    Pipeline,
    Quota,
    Stage,
    resolved,
)
from curation.configuration.program import Program
from curation.signals import captions, discovery
from curation.strict_yaml import (
    KEY,
    ConfigurationError,
    Document,
    Frozen,
    bind,
    expected_one_of,
    parse,
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
    "Quota",
    "Stage",
    "check_columns",
    "load",
    "load_all",
    "load_any",
    "of_run",
    "origin",
    "resolved",
    "shipped_path",
]

FILE_NAME = "pipelines.yaml"
DEFAULT = "curate"
_LISTS = "`beam signals` lists them"
EXTENDS = "extends"  # another entry, of the same file or the shipped one, that this one changes
SHARES = (  # of a whole, which those of another entry are not added to
    ("quotas", "*", "share"),
    ("quotas", "*", "also", "*"),
    ("settings", "*", "targets", "*"),
    ("settings", "*", "languages"),
)
COMMON_COLUMNS: Mapping[str, pa.DataType] = {  # ruled, but measured by no signal
    "size": pa.int64(),
}
QUOTA_COLUMNS: Mapping[str, pa.DataType] = {"synthetic": pa.bool_()}  # quotas may go by, as well


class _File(Frozen):
    pipelines: dict[str, Any]


def shipped_path() -> Path:
    """The ``pipelines.yaml`` that came with the project (in a wheel it lies in the package)."""
    package = Path(__file__).resolve().parents[1]
    inside = package / FILE_NAME
    return inside if inside.is_file() else package.parent / FILE_NAME


def origin(pipeline: Pipeline) -> str | None:
    """The user's file that it was read from, from the root on; None for the shipped one."""
    file = pipeline.file
    if file is None or storage.is_remote(file):
        return file
    absolute = Path(file).resolve()
    return None if absolute == shipped_path() else str(absolute)


def load(path: str | None, name: str = "curate") -> Pipeline:
    """Read one pipeline of stages; ``None`` means ``./pipelines.yaml`` or else the shipped one.

    Raises ``ConfigurationError`` for anything that is not a whole, consistent configuration.
    """
    return _pipeline(*_entry(path, name))


def of_run(path: str, name: str, configuration: Mapping[str, Any]) -> Pipeline:
    """The pipeline of a finished run, as its ``run.json`` at ``path`` holds it: signals that were
    left out and rows that were excluded are settled in it. Raises ``ConfigurationError``.
    """
    return _pipeline(parse(json.dumps(configuration).encode(), path), name)


def load_any(path: str | None, name: str) -> Pipeline | Program:
    """Read one entry, of stages or of a program. Raises ``ConfigurationError``."""
    entry, name = _entry(path, name)
    if isinstance(entry.value, dict) and program.KEY in entry.value:
        return program.load(entry)
    return _pipeline(entry, name)


def load_all(path: str | None) -> list[Pipeline]:
    """All pipelines of stages that a file has. Raises ``ConfigurationError``."""
    document = _document(path)
    pipelines = bind(document, _File).pipelines
    entries = {name: _extended(document, pipelines, name, ()) for name in pipelines}
    is_program = {name: program.KEY in (entry.value or ()) for name, entry in entries.items()}
    return [_pipeline(entry, name) for name, entry in entries.items() if not is_program[name]]


def _pipeline(entry: Document, name: str) -> Pipeline:
    pipeline = bind(entry, Pipeline, {KEY: name}, besides=(EXTENDS, program.KEY))
    tightening.check(pipeline, lambda: _scaling(pipeline))
    return pipeline


def _scaling(pipeline: Pipeline) -> set[str]:
    signals = discovery.discover(pipeline.signals)
    return {name for entry in signals for name, of in entry.columns.items() if of.scales}


def _entry(path: str | None, name: str) -> tuple[Document, str]:
    """The entry that is meant, and what it is called."""
    document = _document(path)
    pipelines = bind(document, _File).pipelines
    if name == DEFAULT and name not in pipelines and len(pipelines) == 1:
        (name,) = pipelines  # whatever it is called, nothing else can be meant
    if name not in pipelines:
        known = expected_one_of(name, pipelines)
        message = f"unknown pipeline {shown(name)}: {known}"
        if name == DEFAULT:
            message += f" ({DEFAULT!r} is meant where none is named)"
        if path is None:
            message += "; another file is named by --config"
        document.fail(("pipelines",), message)
    return _extended(document, pipelines, name, ()), name


def _document(path: str | None) -> Document:
    if path is None:
        path = FILE_NAME if Path(FILE_NAME).is_file() else str(shipped_path())
    document = read(path, absent="name an existing one, or none to use the shipped one")
    if isinstance(document.value, dict) and "stages" in document.value:
        document.fail(
            ("stages",), "'stages': expected under a name, as pipelines: {NAME: {stages: ...}}"
        )
    return document


def _extended(
    document: Document, pipelines: Mapping[str, Any], name: str, before: tuple[str, ...]
) -> Document:
    """An entry over the one that it extends, and so on; ``before`` are those it is extended by.

    What no other entry of the file is called is one of the shipped file, which an entry of the same
    name may extend, too.
    """
    entry = document.at("pipelines", name)
    extended = entry.value.get(EXTENDS) if isinstance(entry.value, dict) else None
    if extended is None:
        return entry
    others = [other for other in pipelines if other not in (*before, name)]
    if extended in others:
        base = _extended(document, pipelines, extended, (*before, name))
    else:
        shipped, installed = _installed(document)
        valid = [*others, *(other for other in installed if other not in (*before, *others))]
        if extended not in valid:
            beside = f", nor of {shipped.file}" if installed else ""
            message = f"{EXTENDS}: {shown(str(extended))} is no other pipeline of this file{beside}"
            entry.fail((EXTENDS,), f"{message}: {expected_one_of(str(extended), valid)}")
        base = _extended(shipped, installed, extended, ())
    return entry.without(EXTENDS).over(base, SHARES)


def _installed(document: Document) -> tuple[Document, Mapping[str, Any]]:
    """The shipped file and its entries; of these none where it is the ``document``."""
    path = shipped_path()
    if not storage.is_remote(document.file) and Path(document.file).resolve() == path:
        return document, {}
    shipped = read(str(path))
    return shipped, bind(shipped, _File).pipelines


def check_columns(pipeline: Pipeline, columns: Mapping[str, pa.DataType]) -> None:
    """Check that every column that a rule, a quota or a ranking names exists and fits.

    ``columns`` are those that signals measure and groupings make; ``size`` is always known.
    Raises ``ConfigurationError`` at the line of the first one that does not fit.
    """
    known = {**COMMON_COLUMNS, **columns}
    for column, path, wanted in _named(pipeline):
        there = {**known, **QUOTA_COLUMNS} if path[0] == "quotas" else known
        fits, what = wanted
        fitting = {name for name, kind in there.items() if fits(kind)}
        if column not in there and path[0] == "stages":
            _refuse_of_captions(pipeline, column, path)
        if column not in there:
            message = f"unknown column {shown(column)}: {_known_column(pipeline, column, fitting)}"
            raise pipeline.error(message, *path)
        if column not in fitting:
            message = f"column {column!r} holds {there[column]}, expected {what}"
            raise pipeline.error(message, *path)
    for stage in pipeline.stages:
        for column, bound in stage.bounds.items():
            if unfit := bound.refusal_of_categories(known[column]):
                path = ("stages", stage.name, "bounds", column)
                raise pipeline.error(f"'{'.'.join(path)}.in': {unfit}", *path)
    for quota in pipeline.quotas:
        if quota.name in known or quota.name == "captions":
            message = f"quota {quota.name!r} has the name of a column; expected another name"
            raise pipeline.error(message, "quotas", quota.name)


def _known_column(pipeline: Pipeline, name: str, fitting: Iterable[str]) -> str:
    """What to write in place of a column that is not there."""
    modules = discovery.offering(lambda entry: name in entry.columns, pipeline.signals)
    if modules:
        return f"it is measured by {modules[0]}, which is to be named in 'signals'"
    return expected_one_of(name, fitting, _LISTS)


def _refuse_of_captions(pipeline: Pipeline, name: str, path: "_Path") -> None:
    """A bound on what is measured of captions stands elsewhere."""
    splits = [split for split in captions.SPLITS if name in captions.known(split)]
    if splits:
        where = f"captions: {{{splits[0]}: {{{name}: ...}}}}"
        message = f"{name!r} is measured of captions: expected beside 'bounds', under {where}"
        raise pipeline.error(message, *path)


_Path = tuple[str | int, ...]
_Wanted = tuple[Callable[[pa.DataType], bool], str]


def _named(pipeline: Pipeline) -> Iterator[tuple[str, _Path, _Wanted]]:
    """The columns that are named, where, and of which type they must be."""
    numbers: _Wanted = (_is_number, "a column of numbers")
    anything: _Wanted = (lambda _: True, "a column")
    categories: _Wanted = (_is_category, "categories for 'in'")
    for index, column in enumerate(pipeline.quality):
        yield column, ("quality", index), numbers
    for stage in pipeline.stages:
        for column, bound in stage.bounds.items():
            wanted = numbers if bound.among is None else categories
            yield column, ("stages", stage.name, "bounds", column), wanted
    for kind, instead in pipeline.edits.items():
        for which in ("image", "inputs"):
            for column, bound in getattr(instead, which).items():
                wanted = numbers if isinstance(bound, Bound) and not bound.among else anything
                yield column, ("edits", kind, which, column), wanted
    for quota in pipeline.quotas:
        yield quota.by, ("quotas", quota.name, "by"), (_is_category, "categories")
        for column in quota.also or ():
            yield column, ("quotas", quota.name, "also", column), (_is_category, "categories")
        if quota.order:
            yield quota.order, ("quotas", quota.name, "order"), numbers


def _is_category(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
