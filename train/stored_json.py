"""The JSON configurations of stored pipelines and checkpoints. Imports nothing heavy."""

import json
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError


def read(path: Path) -> dict[str, Any]:
    """The object in a file. Raises ``UsageError`` where there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable configuration ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: expected a JSON object")
    return content
