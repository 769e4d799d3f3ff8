"""``pipelines.yaml``: stages and their bounds, read strictly into frozen models.

The file is the one place for numbers. Every mistake in it is a ``ConfigurationError`` that names
file, line, what was expected and, for a misspelt name, the nearest valid one.
"""

import importlib.util
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, NoReturn

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from curation import storage
from curation.signal import OWN_PACKAGES
from curation.yaml_lines import MAXIMUM_BYTES, ConfigurationError, Node, parse

__all__ = [
    "FILE_NAME",
    "Bound",
    "ConfigurationError",
    "Pipeline",
    "Stage",
    "check_columns",
    "load",
    "resolved",
    "shipped_path",
]

FILE_NAME = "pipelines.yaml"
GROUP_COLUMNS: Mapping[str, pa.DataType] = {
    "size": pa.int64(),
    "exact_better": pa.int64(),
    "near_better": pa.int64(),
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)

Finite = Annotated[float, Field(allow_inf_nan=False)]
Lines = dict[tuple[str, ...], int]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bound(_Frozen):
    """The inclusive range a column's value must lie in; a missing end is open."""

    min: Finite | None = None
    max: Finite | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "Bound":
        if self.min is None and self.max is None:
            raise ValueError("expected 'min', 'max' or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value can pass")
        return self


class Stage(_Frozen):
    """A named set of bounds on columns, in written order; ``resolution`` is in pixels per side."""

    name: str
    resolution: Annotated[int, Field(ge=1, le=65_536)]
    bounds: Mapping[str, Bound]


class Pipeline(_Frozen):
    """Ordered stages and what surrounds them; a row reaches a stage by passing all before it.

    ``keep`` is the stage a row must pass to be kept. ``quarantine_limit`` is the fraction (0..1) of
    inputs above which a run counts as failed. ``near_duplicate_radius`` is a Hamming distance in
    bits of a 64-bit hash. ``quality`` are the columns that rank duplicates, best (largest) first.
    ``signals`` are import paths of further signal modules.
    """

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    keep: str
    quarantine_limit: Annotated[float, Field(ge=0, le=1)]
    near_duplicate_radius: Annotated[int, Field(ge=0, le=16)]
    quality: tuple[str, ...]
    signals: tuple[str, ...]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    _file: str = PrivateAttr(default=FILE_NAME)
    _lines: Lines = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _keep_is_a_stage(self) -> "Pipeline":
        names = [stage.name for stage in self.stages]
        if self.keep not in names:
            raise ValueError(f"'keep': unknown stage {self.keep!r}: {_expected(self.keep, names)}")
        return self

    def error(self, message: str, *path: str) -> ConfigurationError:
        """An error at the line of a key of this pipeline, such as ``"stages", "s1", "bounds"``."""
        return ConfigurationError(self._file, self._lines.get(path), message)


def shipped_path() -> Path:
    """The ``pipelines.yaml`` that came with the project (inside the package in a wheel)."""
    package = Path(__file__).resolve().parent
    inside = package / FILE_NAME
    return inside if inside.is_file() else package.parent / FILE_NAME


def load(path: str | None, name: str = "curate") -> Pipeline:
    """Read one pipeline; ``None`` means ``./pipelines.yaml`` or else the shipped one.

    Raises ``ConfigurationError`` for anything that is not a whole, consistent configuration.
    """
    if path is None:
        path = FILE_NAME if Path(FILE_NAME).is_file() else str(shipped_path())
    return _read(_bytes(path), path, name)


def resolved(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as plain JSON-able data in the shape of the file (stages in their order)."""
    return {
        "seed": pipeline.seed,
        "keep": pipeline.keep,
        "quarantine_limit": pipeline.quarantine_limit,
        "near_duplicate": {"radius": pipeline.near_duplicate_radius},
        "quality": list(pipeline.quality),
        "signals": list(pipeline.signals),
        "stages": {
            stage.name: {
                "resolution": stage.resolution,
                "bounds": {
                    column: bound.model_dump(exclude_none=True)
                    for column, bound in stage.bounds.items()
                },
            }
            for stage in pipeline.stages
        },
    }


def check_columns(pipeline: Pipeline, columns: Mapping[str, pa.DataType]) -> None:
    """Check that every ruled or ranking column exists and is a number.

    ``columns`` are those that the signals measure; ``size`` and the duplicate counts are always
    known. Raises ``ConfigurationError`` at the line of the first one that does not fit.
    """
    known = {**GROUP_COLUMNS, **columns}
    numeric = {name: kind for name, kind in known.items() if _is_number(kind)}
    ruled = [
        (column, ("stages", stage.name, "bounds", column))
        for stage in pipeline.stages
        for column in stage.bounds
    ]
    ranking = [(column, ("quality", str(index))) for index, column in enumerate(pipeline.quality)]
    for column, path in [*ranking, *ruled]:
        if column not in known:
            message = f"unknown column {column!r}: {_expected(column, numeric)}"
            raise pipeline.error(message, *path)
        if column not in numeric:
            message = f"column {column!r} holds {known[column]}, expected a column of numbers"
            raise pipeline.error(message, *path)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _expected(given: str, valid: Iterable[str]) -> str:
    names = sorted(valid)
    folded = {name.casefold(): name for name in reversed(names)}
    near = get_close_matches(given.casefold()[:200], folded, n=1, cutoff=0.5)
    hint = f"; did you mean {folded[near[0]]!r}?" if near else ""
    return f"expected one of {', '.join(names)}{hint}" if names else "there are none"


def _bytes(path: str) -> bytes:
    try:
        with storage.open_read(path) as stream:
            return stream.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        message = "no such file: name an existing one, or leave the option out for the shipped one"
        raise ConfigurationError(path, None, message) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(path, None, f"cannot be read: {reason}") from None


def _read(data: bytes, file: str, name: str) -> Pipeline:
    reader = _Reader(file)
    root = reader.mapping(parse(data, file), ("pipelines",), "the file")
    pipelines = reader.mapping(root["pipelines"], None, "'pipelines'")
    if name not in pipelines:
        message = f"unknown pipeline {name!r}: {_expected(name, pipelines)}"
        raise ConfigurationError(file, root["pipelines"].line, message)
    return reader.pipeline(name, pipelines[name])


class _Reader:
    """Turns nodes into models, refusing what does not fit at its line, and keeps the line map."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: Lines = {}

    def fail(self, line: int, message: str) -> NoReturn:
        raise ConfigurationError(self.file, line, message)

    def pipeline(self, name: str, node: Node) -> Pipeline:
        self.lines[()] = node.line
        required = ("seed", "near_duplicate", "quality", "stages")
        optional = ("keep", "quarantine_limit", "signals")
        found = self.mapping(node, required, repr(name), optional)
        for key, value in found.items():
            self.lines[(key,)] = value.line
        near = self.mapping(found["near_duplicate"], ("radius",), "'near_duplicate'")
        self.lines[("near_duplicate_radius",)] = near["radius"].line
        stages = tuple(self.stages(found["stages"]))
        self.check_tightening(stages)
        fields = {
            "name": name,
            "seed": self.whole(found["seed"], "'seed'"),
            "keep": self.text(found["keep"], "'keep'") if "keep" in found else stages[-1].name,
            "quarantine_limit": self.number(
                found.get("quarantine_limit", Node(0, 0.5)), "'quarantine_limit'"
            ),
            "near_duplicate_radius": self.whole(near["radius"], "'radius'"),
            "quality": tuple(self.names(found["quality"], "quality")),
            "signals": tuple(self.modules(found.get("signals", Node(0, ())))),
            "stages": stages,
        }
        try:
            pipeline = Pipeline(**fields)
        except ValidationError as error:
            self.invalid(error, node.line)
        pipeline._file, pipeline._lines = self.file, self.lines
        return pipeline

    def stages(self, node: Node) -> Iterator[Stage]:
        found = self.mapping(node, None, "'stages'")
        if not found:
            self.fail(node.line, "'stages': expected at least one stage")
        for name, child in found.items():
            if not _NAME.fullmatch(name):
                self.fail(child.line, f"stage name {name[:80]!r}: expected letters, digits and _")
            path = ("stages", name)
            self.lines[path] = child.line
            entry = self.mapping(child, ("resolution", "bounds"), f"stage {name!r}")
            self.lines[(*path, "resolution")] = entry["resolution"].line
            resolution = self.whole(entry["resolution"], "'resolution'")
            bounds = self.mapping(entry["bounds"], None, "'bounds'")
            built = {
                column: self.bound(column, bound, (*path, "bounds", column))
                for column, bound in bounds.items()
            }
            try:
                yield Stage(name=name, resolution=resolution, bounds=built)
            except ValidationError as error:
                self.invalid(error, entry["resolution"].line)

    def bound(self, column: str, node: Node, path: tuple[str, ...]) -> Bound:
        if not _NAME.fullmatch(column):
            self.fail(node.line, f"column name {column[:80]!r}: expected letters, digits and _")
        self.lines[path] = node.line
        found = self.mapping(node, (), f"the bound on {column!r}", ("min", "max"))
        for end, value in found.items():
            self.lines[(*path, end)] = value.line
        values = {end: self.number(value, f"{end!r}") for end, value in found.items()}
        try:
            return Bound(**values)
        except ValidationError as error:
            self.fail(node.line, f"{column!r}: {_first(error)}")

    def check_tightening(self, stages: tuple[Stage, ...]) -> None:
        """No stage may be looser than, or contradict, an earlier one on the same column."""
        tightest: dict[tuple[str, str], tuple[float, Stage]] = {}
        for stage in stages:
            for column, bound in stage.bounds.items():
                for end, sign in (("min", 1.0), ("max", -1.0)):
                    value = getattr(bound, end)
                    if value is None:
                        continue
                    earlier, owner = tightest.get((column, end), (value, stage))
                    if sign * value < sign * earlier:
                        self.conflict(stage, owner, column, end, f"looser than {earlier:g}", end)
                    other = "max" if end == "min" else "min"
                    opposite, owner = tightest.get((column, other), (value, stage))
                    if owner is not stage and sign * value > sign * opposite:
                        reason = f"no value can pass it and {other} {opposite:g}"
                        self.conflict(stage, owner, column, end, reason, other)
                    tightest[column, end] = (value, stage)

    def conflict(
        self, stage: Stage, owner: Stage, column: str, end: str, reason: str, other: str
    ) -> NoReturn:
        line = self.lines["stages", stage.name, "bounds", column, end]
        first = self.lines["stages", owner.name, "bounds", column, other]
        value = getattr(stage.bounds[column], end)
        self.fail(
            line,
            f"stage {stage.name!r}: {column}.{end} {value:g} is {reason} of stage "
            f"{owner.name!r} on line {first}: a later stage may only tighten",
        )

    def mapping(
        self,
        node: Node,
        required: tuple[str, ...] | None,
        what: str,
        optional: tuple[str, ...] = (),
    ) -> Mapping[str, Node]:
        """The node as a mapping; ``required`` None allows any keys."""
        if not isinstance(node.value, Mapping):
            self.wrong(node, what, "a mapping")
        if required is None:
            return node.value
        valid = (*required, *optional)
        for key, child in node.value.items():
            if key not in valid:
                self.fail(child.line, f"unknown key {key[:80]!r}: {_expected(key, valid)}")
        for key in required:
            if key not in node.value:
                self.fail(node.line, f"{what}: expected the key {key!r}, which is missing")
        return node.value

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        if not isinstance(node.value, tuple):
            self.wrong(node, what, "a list")
        return node.value

    def text(self, node: Node, what: str) -> str:
        if not isinstance(node.value, str):
            self.wrong(node, what, "a name")
        return node.value

    def whole(self, node: Node, what: str) -> int:
        if not isinstance(node.value, int) or isinstance(node.value, bool):
            self.wrong(node, what, "a whole number")
        return node.value

    def number(self, node: Node, what: str) -> float:
        value = node.value
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.wrong(node, what, "a number")
        if not math.isfinite(value):
            self.fail(node.line, f"{what}: expected a finite number, found one beyond 1.8e308")
        return float(value)

    def names(self, node: Node, key: str) -> Iterator[str]:
        for index, child in enumerate(self.items(node, repr(key))):
            self.lines[key, str(index)] = child.line
            yield self.text(child, f"an entry of {key!r}")

    def modules(self, node: Node) -> Iterator[str]:
        for name, child in zip(
            self.names(node, "signals"), self.items(node, "'signals'"), strict=True
        ):
            if not _MODULE.fullmatch(name) or name.split(".")[0] not in OWN_PACKAGES:
                packages = ", ".join(OWN_PACKAGES)
                self.fail(
                    child.line,
                    f"signal module {name[:80]!r}: expected an import path within {packages}",
                )
            if not _exists(name):
                self.fail(child.line, f"signal module {name!r}: there is no such module")
            yield name

    def wrong(self, node: Node, what: str, expected: str) -> NoReturn:
        self.fail(node.line, f"{what}: expected {expected}, found {_found(node)}")

    def invalid(self, error: ValidationError, line: int) -> NoReturn:
        location = tuple(str(part) for part in error.errors()[0]["loc"])[:1]
        if not location and "keep" in _first(error):
            location = ("keep",)
        key = location[0] if location else ""
        prefix = f"{key!r}: " if key and key != "keep" else ""
        self.fail(self.lines.get(location, line), prefix + _first(error))


def _first(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ")


def _found(node: Node) -> str:
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text {value[:80]!r}"
    if isinstance(value, tuple | Mapping):
        return "a list" if isinstance(value, tuple) else "a mapping"
    return f"{str(value).lower() if isinstance(value, bool) else value}"


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False
