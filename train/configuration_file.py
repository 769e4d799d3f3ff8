"""Presets, and ``--config file.yaml`` that overrides one: every mistake is told with its line.

A preset is a file in ``train/presets``, of what differs from the defaults of ``Configuration``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from curation.failures.errors import UsageError
from curation.strict_yaml import bind, expected_one_of, explained, read
from train.configuration import Configuration

_FOLDER = Path(__file__).with_name("presets")


def resolve(preset: str, file: Path | None = None, **overrides: Any) -> Configuration:
    """The preset, overridden by the file and then by the given values that are not None.

    Raises ``UsageError`` naming file, line, key and the nearest valid one, or the wrong override.
    """
    configuration = shipped(preset)
    if file is not None:
        configuration = over(configuration, file)
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Configuration.model_validate(configuration.model_dump() | given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--{first['loc'][0]}: {explained(first)}") from None


def presets() -> list[str]:
    """The names of all presets."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def shipped(preset: str) -> Configuration:
    """A preset as it is. Raises ``UsageError`` with the nearest name where there is none."""
    if preset not in presets():
        raise UsageError(f"--preset {preset}: {expected_one_of(preset, presets())}")
    document = read(str(_FOLDER / f"{preset}.yaml"))
    return bind(document, Configuration, {"preset": preset})


def over(preset: Configuration, file: Path) -> Configuration:
    """A configuration, overridden by the file. Raises ``UsageError`` as ``resolve``."""
    document = read(str(file))
    if document.known(("preset",)):
        document.fail(("preset",), "'preset': chosen by --preset alone; remove this line")
    return bind(document, Configuration, _same_parts(preset.model_dump(), document.value))


def _same_parts(base: dict[str, Any], over: Any) -> dict[str, Any]:
    """The preset without the settings of parts for which the file chooses others, and without the
    mixes (such as ``data.tasks``) for which it names shares.
    """
    if not isinstance(over, Mapping):
        return base
    kept = dict(base)
    for key, value in base.items():
        own = over.get(key)
        if not isinstance(value, Mapping) or not isinstance(own, Mapping):
            continue
        if own.get("name", value.get("name")) != value.get("name"):
            del kept[key]
        else:
            mixes = {name for name in own if isinstance(value.get(name), Mapping)}
            kept[key] = {name: each for name, each in value.items() if name not in mixes}
    return kept
