"""Which family the network in a checkpoint's folder is of. Imports nothing heavy."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import SerializeAsAny, TypeAdapter, ValidationError

from curation.strict_yaml import choice, defined, files
from train.models.family import Family

PACKAGE = "train.models"
Choice = Annotated[SerializeAsAny[Family], choice("train.models.family.Family", usual="qwen_image")]
_CHOICE: TypeAdapter[Family] = TypeAdapter(Choice)


def of_folder(folder: Path) -> Family:
    """The family, with its settings, of the network stored in ``folder/transformer``.

    Raises ``FileNotFoundError`` where there is none, ``ValueError`` where no family of ours knows
    it.
    """
    path = folder / "transformer" / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder}: no checkpoint here; expected transformer/")
    content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a JSON object")
    family = _own(content) or _recognised(content)
    if family is None:
        known = ", ".join(files(PACKAGE, Family))
        raise ValueError(
            f"{path}: a {content.get('_class_name')} is of none of our families: {known}"
        )
    return family


def _own(content: Mapping[str, Any]) -> Family | None:
    """Of a network that a family of ours stored in its own way."""
    if "name" not in content:
        return None
    settings = {key: value for key, value in content.items() if not key.startswith("_")}
    try:
        return _CHOICE.validate_json(json.dumps(settings))
    except ValidationError as error:
        raise ValueError(f"transformer/config.json: {error.errors()[0]['msg']}") from None


def _recognised(content: Mapping[str, Any]) -> Family | None:
    base: type = Family  # abstract, which mypy takes for a mistake
    for name in files(PACKAGE, base):
        with suppress(ValueError):  # a file there that is no family, or not yet
            kind: type[Family] = defined(name, base, PACKAGE)
            if family := kind.recognised(content):
                return family
    return None
