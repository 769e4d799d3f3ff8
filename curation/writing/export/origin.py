"""Of which run an export is: no other's may take its place without being asked.

A file in the export names the run's folder and has a digest of its path, never the path: exports
travel.
"""

import json
import os
from collections.abc import Sequence

from curation import storage
from curation.failures.errors import UsageError
from curation.output import mark

NAME = ".inkstone.export"


def settle(to: str, output: str, stale: Sequence[str]) -> None:
    """Keep that ``to`` is of the run ``output``; ``stale`` are files there that would go.

    Raises ``UsageError`` where they are of another run, or nobody knows of which, ``OSError``.
    """
    path, own = storage.join(to, NAME), _of(output)
    known = _read(path)
    if stale and known.get("path") != own["path"]:
        of = known.get("run", "one that an earlier version exported")
        raise UsageError(
            f"{to}: holds the export of another run, {of} (files such as"
            f" {storage.name_of(stale[0])}); export {output} to another folder, or remove this one"
        )
    if known != own:
        storage.write_bytes(path, json.dumps(own, ensure_ascii=False).encode())


def _of(output: str) -> dict[str, str]:
    path = output.rstrip("/") if storage.is_remote(output) else os.path.realpath(output)
    return {"run": storage.name_of(path), "path": mark.text_digest(path, 16)}


def _read(path: str) -> dict[str, str]:
    """What an export says of itself; empty where it says nothing."""
    if not storage.exists(path):
        return {}
    try:
        content = json.loads(storage.read_bytes(path))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
