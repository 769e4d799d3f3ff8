"""``--config file.yaml``: overrides of a preset, where every mistake is told with its line."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, NodeEvent

from curation.failures.errors import UsageError
from train.configuration import PRESETS, Configuration

MAXIMUM_BYTES = 1_000_000


def resolve(preset: str, file: Path | None = None, **overrides: Any) -> Configuration:
    """The preset, overridden by the file and then by the given values that are not None.

    Raises ``UsageError`` naming file, line, key and the nearest valid one; ``OSError`` for a file
    that cannot be read.
    """
    if preset not in PRESETS:
        raise UsageError(f"--preset {preset}: {_expected(preset, PRESETS)}")
    content = PRESETS[preset].model_dump()
    tree = _parse(file) if file else {}
    if file:
        _check_keys(tree, PRESETS[preset], str(file))
    merged = _merge(content, tree)
    merged |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Configuration.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        keys = [part for part in first["loc"] if isinstance(part, str)]
        place = f"{file}:{_line(tree, keys)}: " if file and keys and _line(tree, keys) else ""
        raise UsageError(
            f"{place}{'.'.join(keys)}: {first['msg']}, got {first['input']!r}"
        ) from None


def _parse(file: Path) -> Mapping[str, Any]:
    data = file.read_bytes()
    if len(data) > MAXIMUM_BYTES:
        raise UsageError(f"{file}: expected at most {MAXIMUM_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
                line = event.start_mark.line + 1
                raise UsageError(f"{file}:{line}: anchors and aliases are not allowed")
        tree = YAML(typ="rt", pure=True).load(text)  # refuses duplicate keys, keeps lines
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{file}{line}: not readable as YAML: {error.problem}") from None
    except (YAMLError, ValueError) as error:
        raise UsageError(f"{file}: not readable as YAML: {error}") from None
    if not isinstance(tree, Mapping):
        raise UsageError(f"{file}:1: expected a mapping of settings, such as 'steps: 400'")
    return tree


def _check_keys(tree: Mapping[str, Any], model: BaseModel, file: str, path: str = "") -> None:
    known = [name for name in type(model).model_fields if name != "preset"]
    for key, value in tree.items():
        if key not in known:
            line = _line(tree, [key])
            raise UsageError(f"{file}:{line}: unknown key {path}{key}: {_expected(key, known)}")
        below = getattr(model, key)
        if isinstance(below, BaseModel) and isinstance(value, Mapping):
            _check_keys(value, below, file, f"{path}{key}.")


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _line(tree: Any, keys: list[str]) -> int | None:
    """The 1-based line of the deepest key the file has."""
    line = None
    for key in keys:
        if not isinstance(tree, Mapping) or key not in tree:
            break
        line = int(getattr(tree, "lc").key(key)[0]) + 1  # noqa: B009 - ruamel's, not Mapping's
        tree = tree[key]
    return line


def _expected(name: Any, known: Any) -> str:
    near = get_close_matches(str(name), list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
