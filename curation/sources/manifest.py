"""Lists of images: each row of a JSONL, ``metadata.csv`` or ``metadata.parquet`` names one.

A list is confined to the input's folders and its own: see ``confines``.
"""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from curation import storage
from curation.sources import annotation, edits, listings
from curation.sources.confines import Confines
from curation.sources.fields import KEY, USUAL, Columns
from curation.sources.files import storable
from curation.sources.image_names import PATH, Role
from curation.sources.kind import portable
from curation.sources.listings import path_field
from curation.sources.sample import UNKNOWN_SIZE, Part, SourceError


@dataclass(frozen=True)
class Manifest:
    """A list at ``path``, whose name and keys are relative to the folder ``root`` of the input.

    ``names`` collects the fields of its rows.
    """

    path: str
    name: str
    root: str = ""
    confines: Confines = field(default_factory=Confines)
    columns: Columns = USUAL
    names: set[str] = field(default_factory=set)

    @property
    def folder(self) -> str:
        """The folder it lies in, to which its paths are relative."""
        return self.path.rpartition("/")[0] if storage.is_remote(self.path) else _folder(self.path)


def _folder(path: str) -> str:
    return os.path.dirname(path) or "."


def read_parts(manifest: Manifest) -> Iterator[Part]:
    """The parts a list names, in its order; a row that names none becomes a part with an error.

    Paths are relative to the list's folder, absolute, or remote.
    """
    for number, row in listings.rows(manifest.path, manifest.columns):
        try:
            if isinstance(row, ValueError):
                raise row
            yield _part(manifest, number, row)
        except ValueError as error:
            yield _failed(manifest, number, f"unreadable: {_where(manifest, number)}: {error}")


def _where(manifest: Manifest, number: int) -> str:
    return f"{manifest.name} line {number}"


def _failed(manifest: Manifest, number: int, reason: str, **known: Any) -> Part:
    place = f"#{number}"
    path, key = manifest.path + place, manifest.name + place
    return Part(path, UNKNOWN_SIZE, key, error=reason, **known)


def _part(manifest: Manifest, number: int, row: dict[str, Any]) -> Part:
    """Raises ``ValueError`` for a row that names no image."""
    manifest.names.update(row)
    name = path_field(row)
    if name is None or not isinstance(row[name], str):
        raise ValueError(f'expected a "path" (or one of {", ".join(PATH[1:])})')
    inputs = listings.input_fields(row, name)
    paths = {name, KEY[0], *(field for field, _ in inputs)}
    said = {field: value for field, value in row.items() if field not in paths}
    described = ((listings.origin(manifest.path), _as_json(said)),)
    image = _looked_up(manifest, row[name])
    if image.refusal:
        return _failed(manifest, number, image.refusal, described=described)
    given = row.get(KEY[0])
    key = str(given) if given is not None else _key(manifest, row[name], image.path)
    stamps = (image.times,) if image.times else ()
    part = Part(
        image.path, image.size, key, described=described, error=image.problem, stamps=stamps
    )
    return _with_inputs(part, manifest, row, inputs) if inputs else part


class _LookedUp(NamedTuple):
    """Where a name leads: why it must not be read (``refusal``), or cannot (``problem``)."""

    path: str
    size: int
    times: tuple[int, ...]
    problem: str | None
    refusal: str | None


def _looked_up(manifest: Manifest, written: str) -> _LookedUp:
    path = _resolve(manifest, written)
    size, times, problem = _state(path)
    try:
        refusal = manifest.confines.refusal(path, manifest.folder)
    except SourceError:
        refusal = "outside: it leads into the output of this run"
    if problem and storage.is_remote(path):
        refusal = None
    return _LookedUp(path, size, times, problem, refusal)


def _with_inputs(
    part: Part, manifest: Manifest, row: dict[str, Any], fields: list[tuple[str, Role]]
) -> Part:
    """The result of an edit with what it was made from; what is wrong with one spoils it whole."""
    named = [(role, row[name]) for name, role in fields if row[name] not in (None, "", [])]
    names = [name for _, value in named for name in (value if isinstance(value, list) else [value])]
    if not names:
        said = annotation.from_json(part.described[0][1], "", manifest.columns)
        is_edit = any(caption.text.strip() for caption in said.caption_instruction or ())
        return replace(part, error=part.error or edits.LACKS_INPUT) if is_edit else part
    error = part.error or edits.gap(role for role, _ in named)
    inputs: list[_LookedUp] = []
    for number, name in enumerate(names, 1):
        if not isinstance(name, str) or not name:
            return replace(part, error=error or f"unreadable: input {number}: expected a path")
        image = _looked_up(manifest, name)
        inputs.append(image)
        if problem := image.refusal or image.problem:
            shown = storable(portable(name)).rpartition("/")[2]
            error = error or edits.named(problem, f"input {number}", shown)
    return replace(
        part,
        inputs=tuple((image.path, image.size) for image in inputs),
        stamps=part.stamps + tuple(image.times for image in inputs if image.times),
        error=error,
    )


def _as_json(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, default=_as_text)


def _as_text(value: Any) -> str:
    """What JSON does not know: bytes for text, dates and decimals as they are written."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _resolve(manifest: Manifest, written: str) -> str:
    if storage.is_remote(written):
        return written
    if storage.is_remote(manifest.path):
        return storage.join(manifest.folder, written)
    return os.path.normpath(os.path.join(os.path.dirname(manifest.path), written))


def _key(manifest: Manifest, written: str, path: str) -> str:
    """The path relative to the input, below the list's folder as it is written.

    No key tells where on a machine something lies (``portable``).
    """
    if portable(written) == written:
        folder, slash, _ = manifest.name.rpartition("/")
        return folder + slash + written
    if storage.is_remote(path):
        place = path.removeprefix(f"{manifest.root}/")
    else:
        place = os.path.relpath(path, manifest.root or ".")
    return portable(place)


def _state(path: str) -> tuple[int, tuple[int, ...], str | None]:
    """Size in bytes, times, what is wrong. Remote files are not asked: a request each is dear."""
    if storage.is_remote(path):
        refusal = storage.refusal(path)
        return UNKNOWN_SIZE, (), f"unreadable: {refusal}" if refusal else None
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return UNKNOWN_SIZE, (), None
    except (OSError, ValueError) as error:
        return UNKNOWN_SIZE, (), f"unreadable: {error}"
    if not stat.S_ISREG(state.st_mode):
        return UNKNOWN_SIZE, (), "unreadable: not a regular file"
    return state.st_size, storage.times(state), None
