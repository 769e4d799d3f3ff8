"""``pipelines.yaml``: the one place for numbers, read strictly into frozen models.

Every mistake in the file is a ``ConfigurationError`` that names file, line, what was expected and,
for a misspelt name, the nearest valid one.
"""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
from pydantic import ValidationError

from curation import storage
from curation.configuration import program
from curation.configuration.models import Bound, Lines, Pipeline, Stage, Synthetic, resolved
from curation.configuration.program import Program
from curation.signals.signal import OWN_PACKAGES
from curation.strict_yaml.fields import Fields, expected_one_of, shown
from curation.strict_yaml.lines import MAXIMUM_BYTES, ConfigurationError, Node, parse

__all__ = [
    "COMMON_COLUMNS",
    "FILE_NAME",
    "Bound",
    "ConfigurationError",
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
# What the file calls the fields of our models that go by another name there.
_KEYS = {"near_duplicate_radius": "near_duplicate.radius", "synthetic": "synthetic.from"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def shipped_path() -> Path:
    """The ``pipelines.yaml`` that came with the project (in a wheel it lies in the package)."""
    package = Path(__file__).resolve().parents[1]
    inside = package / FILE_NAME
    return inside if inside.is_file() else package.parent / FILE_NAME


def load(path: str | None, name: str = "curate") -> Pipeline:
    """Read one pipeline of stages; ``None`` means ``./pipelines.yaml`` or else the shipped one.

    Raises ``ConfigurationError`` for anything that is not a whole, consistent configuration.
    """
    return _Reader(*_entry(path, name)).pipeline(name)


def load_any(path: str | None, name: str) -> Pipeline | Program:
    """Read one entry, of stages or of a program. Raises ``ConfigurationError``."""
    fields, node = _entry(path, name)
    if program.KEY in fields.any_mapping(node, repr(name)):
        return program.load(fields, name, node)
    return _Reader(fields, node).pipeline(name)


def _entry(path: str | None, name: str) -> tuple[Fields, Node]:
    if path is None:
        path = FILE_NAME if Path(FILE_NAME).is_file() else str(shipped_path())
    fields = Fields(path)
    root = fields.mapping(parse(_bytes(path), path), "the file", ("pipelines",))
    pipelines = fields.any_mapping(root["pipelines"], "'pipelines'")
    if name not in pipelines:
        message = f"unknown pipeline {shown(name)}: {expected_one_of(name, pipelines)}"
        fields.fail(root["pipelines"].line, message)
    return fields, pipelines[name]


def check_columns(pipeline: Pipeline, columns: Mapping[str, pa.DataType]) -> None:
    """Check that every ruled or ranking column exists and is a number.

    ``columns`` are those that the signals measure; ``size`` and the duplicate counts are always
    known. Raises ``ConfigurationError`` at the line of the first one that does not fit.
    """
    known = {**COMMON_COLUMNS, **columns}
    numeric = {name for name, kind in known.items() if _is_number(kind)}
    named: list[tuple[str, tuple[str, ...]]] = [
        (column, ("quality", str(index))) for index, column in enumerate(pipeline.quality)
    ]
    for stage in pipeline.stages:
        named += [(column, ("stages", stage.name, "bounds", column)) for column in stage.bounds]
    for column, path in named:
        if column not in known:
            message = f"unknown column {shown(column)}: {expected_one_of(column, numeric)}"
            raise pipeline.error(message, *path)
        if column not in numeric:
            message = f"column {column!r} holds {known[column]}, expected a column of numbers"
            raise pipeline.error(message, *path)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _bytes(path: str) -> bytes:
    try:
        with storage.open_read(path) as stream:
            return stream.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        message = "no such file: name an existing one, or none to use the shipped one"
        raise ConfigurationError(path, None, message) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(path, None, f"cannot be read: {reason}") from None


class _Reader:
    """Turns the nodes of one pipeline into models, and keeps the lines it met on the way."""

    def __init__(self, fields: Fields, node: Node) -> None:
        self.fields = fields
        self.node = node
        self.lines: Lines = {}

    def pipeline(self, name: str) -> Pipeline:
        node = self.node
        required = ("seed", "near_duplicate", "quality", "stages")
        optional = ("keep", "quarantine_limit", "signals", "synthetic")
        found = self.fields.mapping(node, repr(name), required, optional)
        self.lines |= {(key,): child.line for key, child in found.items()}
        near = self.fields.mapping(found["near_duplicate"], "'near_duplicate'", ("radius",))
        self.lines[("near_duplicate_radius",)] = near["radius"].line
        stages = tuple(self.stages(found["stages"]))
        self.check_tightening(stages)
        keep, limit = found.get("keep"), found.get("quarantine_limit")
        synthetic = self.synthetic(found["synthetic"]) if "synthetic" in found else None
        try:
            pipeline = Pipeline(
                name=name,
                seed=self.fields.whole(found["seed"], "'seed'"),
                keep=self.fields.text(keep, "'keep'") if keep else stages[-1].name,
                quarantine_limit=self.fields.number(limit, "'quarantine_limit'") if limit else 0.5,
                near_duplicate_radius=self.fields.whole(near["radius"], "'radius'"),
                quality=tuple(self.names(found["quality"], "quality")),
                signals=tuple(self.modules(found["signals"])) if "signals" in found else (),
                stages=stages,
                synthetic=synthetic,
            )
        except ValidationError as error:
            self.invalid(error, self.lines.get(("keep",), node.line), "keep")
        return pipeline.with_lines(self.fields.file, self.lines)

    def stages(self, node: Node) -> Iterator[Stage]:
        found = self.fields.any_mapping(node, "'stages'")
        if not found:
            self.fields.fail(node.line, "'stages': expected at least one stage")
        for name, child in found.items():
            self.check_name(name, child)
            path = ("stages", name)
            entry = self.fields.mapping(child, f"stage {name!r}", ("resolution", "bounds"))
            resolution = self.fields.whole(entry["resolution"], "'resolution'")
            bounds = {
                column: self.bound(column, bound, (*path, "bounds", column))
                for column, bound in self.fields.any_mapping(entry["bounds"], "'bounds'").items()
            }
            try:
                yield Stage(name=name, resolution=resolution, bounds=bounds)
            except ValidationError as error:
                self.invalid(error, entry["resolution"].line, "resolution")

    def synthetic(self, node: Node) -> Synthetic:
        found = self.fields.mapping(node, "'synthetic'", ("share", "from"))
        self.lines[("synthetic",)] = found["from"].line
        share = self.fields.number(found["share"], "'share'")
        try:
            return Synthetic(share=share, stage=self.fields.text(found["from"], "'from'"))
        except ValidationError as error:
            self.invalid(error, found["share"].line, "share")

    def bound(self, column: str, node: Node, path: tuple[str, ...]) -> Bound:
        self.check_name(column, node)
        found = self.fields.mapping(node, f"the bound on {column!r}", (), ("min", "max"))
        self.lines[path] = node.line
        self.lines |= {(*path, end): child.line for end, child in found.items()}
        ends = {end: self.fields.number(child, repr(end)) for end, child in found.items()}
        try:
            return Bound(**ends)
        except ValidationError as error:
            self.invalid(error, node.line, column)

    def check_name(self, name: str, node: Node) -> None:
        if not _NAME.fullmatch(name):
            message = f"the name {shown(name)}: expected a letter, then letters, digits and _"
            self.fields.fail(node.line, message)

    def check_tightening(self, stages: tuple[Stage, ...]) -> None:
        """Refuse a stage that is looser on a column than an earlier one, or contradicts it."""
        passed: dict[tuple[str, str], tuple[float, str]] = {}
        for stage in stages:
            ends = [
                (column, end, sign, getattr(bound, end))
                for column, bound in stage.bounds.items()
                for end, sign in (("min", 1), ("max", -1))
                if getattr(bound, end) is not None
            ]
            for column, end, sign, value in ends:
                place = f"stage {stage.name!r}: {column}.{end} {value:g}"
                line = self.lines["stages", stage.name, "bounds", column, end]
                earlier, where = passed.get((column, end), (value, ""))
                if sign * value < sign * earlier:
                    self.fields.fail(
                        line,
                        f"{place} is looser than {earlier:g} of {where}; expected {earlier:g} or "
                        "tighter: a row only gets here by passing the earlier stage",
                    )
                opposite, where = passed.get((column, "max" if sign > 0 else "min"), (value, ""))
                if sign * value > sign * opposite:
                    self.fields.fail(line, f"{place}: none can pass it and {opposite:g} of {where}")
            for column, end, _, value in ends:
                line = self.lines["stages", stage.name, "bounds", column, end]
                passed[column, end] = (value, f"stage {stage.name!r} on line {line}")

    def names(self, node: Node, key: str) -> Iterator[str]:
        for index, child in enumerate(self.fields.items(node, repr(key))):
            self.lines[key, str(index)] = child.line
            yield self.fields.text(child, f"an entry of {key!r}")

    def modules(self, node: Node) -> Iterator[str]:
        for index, name in enumerate(self.names(node, "signals")):
            what = f"signal module {shown(name)}"
            line = self.lines["signals", str(index)]
            if not _MODULE.fullmatch(name) or name.split(".")[0] not in OWN_PACKAGES:
                packages = ", ".join(OWN_PACKAGES)
                self.fields.fail(line, f"{what}: expected an import path inside {packages}")
            if not _module_exists(name):
                self.fields.fail(line, f"{what}: there is no such module")
            yield name

    def invalid(self, error: ValidationError, line: int, subject: str) -> NoReturn:
        """Pass on a model's refusal, at the line of the key it names, else the given one."""
        first = error.errors(include_url=False)[0]
        if first["loc"]:
            subject = str(first["loc"][0])
            line = self.lines.get((subject,), line)
        told = first["msg"].removeprefix("Value error, ").removeprefix("Input should ")
        if first["msg"].startswith("Input should "):
            told = f"expected it to {told}, found {first['input']}"
        self.fields.fail(line, f"{_KEYS.get(subject, subject)!r}: {told}")


def _module_exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
