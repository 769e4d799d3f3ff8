"""What a run left behind: ``run.json``, which every command over a finished run starts from."""

import hashlib
import json
from typing import Any

from curation import storage
from curation.output.layout import Layout
from curation.sources.sample import SourceError

REMEDY = "the same `beam run` with --verify writes it again"


class OutcomeError(SourceError):
    """A run whose files do not hold together; the message names the file and what to do."""


def read_run(output: str) -> dict[str, Any]:
    """``run.json``. Raises ``OutcomeError`` when absent or not as the run left it."""
    layout = Layout(output)
    path = layout.run
    try:
        data = storage.read_bytes(path)
        content = json.loads(data)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OutcomeError(
            f"{path}: not there, so no run has finished in {output}; check the path, or run first: "
            f"beam run --input FOLDER --output {output}"
        ) from error
    except ValueError as error:
        raise OutcomeError(f"{path}: not JSON ({error}); {REMEDY}") from error
    if not isinstance(content, dict):
        raise OutcomeError(f"{path}: expected an object; {REMEDY}")
    left = success(layout)
    if left and left.get("run") != digest(data):
        raise OutcomeError(f"{path}: not as the run left it; {REMEDY}")
    return content


def success(layout: Layout) -> dict[str, Any]:
    """What a finished run says of itself; empty without one, or where that is damaged."""
    if not storage.exists(layout.success):
        return {}
    try:
        content = json.loads(storage.read_bytes(layout.success))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def digest(run: bytes) -> str:
    """That of ``run.json``, by which ``success`` knows it."""
    return hashlib.sha256(run).hexdigest()


def inputs(layout: Layout) -> list[str]:
    """The inputs of the last run that came so far as to say them; empty where none did."""
    names = _object(layout.run).get("inputs")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def forecast(layout: Layout) -> dict[str, Any]:
    """What a plan said of the whole input; empty where the run is no plan's."""
    return _object(layout.forecast)


def _object(path: str) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    try:
        content = json.loads(storage.read_bytes(path))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
