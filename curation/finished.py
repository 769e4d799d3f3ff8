"""What a run left behind: ``run.json``, which every command over a finished run starts from."""

import json
from typing import Any

from curation import storage
from curation.layout import Layout
from curation.sources.sample import SourceError


class OutcomeError(SourceError):
    """A run whose files do not hold together; the message names the file and what to do."""


def read_run(output: str) -> dict[str, Any]:
    """``run.json``. Raises ``OutcomeError`` when absent or not JSON."""
    path = Layout(output).run
    try:
        content = json.loads(storage.read_bytes(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OutcomeError(
            f"{path}: not there, so no run has finished in {output}; check --output, or run first: "
            f"beam run --input FOLDER --output {output}"
        ) from error
    except ValueError as error:
        raise OutcomeError(f"{path}: not JSON ({error}); run `beam run` again") from error
    if not isinstance(content, dict):
        raise OutcomeError(f"{path}: expected an object; run `beam run` again")
    return content
