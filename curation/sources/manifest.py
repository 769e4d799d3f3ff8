"""JSONL manifests: one JSON object a line names a picture and says what is known of it."""

import json
import os
import stat
from collections.abc import Iterator
from typing import Any

from curation import storage
from curation.sources.sample import UNKNOWN_SIZE, Part

PATHS = ("path", "image", "file_name")


def read_parts(manifest: str, name: str) -> Iterator[Part]:
    """The parts a manifest lists, in its order; a malformed line becomes a part with an error.

    Paths are relative to the manifest's folder, absolute, or remote. ``name`` is the manifest's
    name relative to the input, used in the key of a malformed line.
    """
    with storage.open_read(manifest) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _part(manifest, name, number, line)


def is_manifest(path: str) -> bool:
    """Whether the first line that is a JSON object names a picture."""
    with storage.open_read(path) as stream:
        for line in stream:
            try:
                row = _parse(line)
            except ValueError:
                continue
            return any(isinstance(row.get(field), str) for field in PATHS)
    return False


def _parse(line: bytes) -> dict[str, Any]:
    # surrogateescape: a file name in another encoding still opens the file it names
    try:
        row = json.loads(line.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(row, dict):
        raise ValueError(f"a JSON object expected, not {type(row).__name__}")
    return row


def _part(manifest: str, name: str, number: int, line: bytes) -> Part:
    try:
        row = _parse(line)
        field = next((field for field in PATHS if row.get(field)), None)
        if field is None or not isinstance(row[field], str):
            raise ValueError(f'expected a "path" (or one of {", ".join(PATHS[1:])})')
    except ValueError as error:
        place = f"#{number}"
        reason = f"unreadable: {name} line {number}: {error}"
        return Part(manifest + place, UNKNOWN_SIZE, name + place, error=reason)
    written = row.pop(field)
    key = row.pop("key", None)
    described = json.dumps(row, sort_keys=True)
    path = _resolve(manifest, written)
    size, times, problem = _state(path)
    return Part(
        path,
        size,
        key=str(key) if key is not None else written,
        described=(described,),
        error=problem,
        stamps=(times,) if times else (),
    )


def _resolve(manifest: str, written: str) -> str:
    if storage.is_remote(written):
        return written
    if storage.is_remote(manifest):
        return storage.join(manifest.rsplit("/", 1)[0], written)
    return os.path.normpath(os.path.join(os.path.dirname(manifest), written))


def _state(path: str) -> tuple[int, tuple[int, ...], str | None]:
    """Size in bytes, times, what is wrong. Remote files are not asked: a request each is dear."""
    if storage.is_remote(path):
        refusal = storage.refusal(path)
        return UNKNOWN_SIZE, (), f"unreadable: {refusal}" if refusal else None
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return UNKNOWN_SIZE, (), None
    except (OSError, ValueError) as error:
        return UNKNOWN_SIZE, (), f"unreadable: {error}"
    if not stat.S_ISREG(found.st_mode):
        return UNKNOWN_SIZE, (), "unreadable: not a regular file"
    return found.st_size, storage.times(found), None
