"""What a folder of images, or a tar of them, holds: images with their captions, as rows of shards.

- The caption of ``cat.jpg`` is in ``cat.txt`` or ``cat.caption`` beside it, or it is ``caption`` in
  ``cat.json``, as img2dataset has it.
- Or it is ``text``, ``caption`` or ``prompt`` of the line in ``metadata.jsonl`` or ``metadata.csv``
  of its folder that has it as ``file_name``, as Hugging Face's imagefolder has it.
- An edit was made from ``cat.input.jpg`` (``.input2``, ``.input3``), or from the
  ``input_file_name`` of its line; its caption, or ``instruction``, says what is to be done.
"""

import csv
import io
import json
import re
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from curation import shard
from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError

Row = dict[str, Any]
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic")
_METADATA = ("metadata.jsonl", "metadata.csv")
_NAMES = ("file_name", "output_file_name", "edited_file_name", "target_file_name", "image")
_INPUTS = (
    "input_file_names",
    "input_file_name",
    "source_file_name",
    "original_file_name",
    "inputs",
)
_TEXTS = ("text", "caption", "prompt")
_INSTRUCTIONS = ("instruction", "edit_instruction", "edit_prompt", *_TEXTS)
_INPUT = re.compile(r"(.+)\.input(\d?)")
_MOST_INPUTS = 3
_SHOWN = 3


@dataclass
class LeftOut:
    """Images that are not trained on: ``without`` a caption, and those that cannot be read."""

    without: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """A sentence for each kind that there is."""
        if self.without:
            yield f"{len(self.without):,} images without a caption: {_some(self.without)}"
        if self.unreadable:
            yield f"{len(self.unreadable):,} images cannot be read: {_some(self.unreadable)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def is_image(name: str) -> bool:
    """Whether a file is one, by its name."""
    path = PurePosixPath(name)
    return path.suffix.lower() in _IMAGES and not path.name.startswith(".")


class Collection(ABC):
    """Files by their names, with ``/`` between folders; ``place`` is what they are in."""

    def __init__(self, place: str, names: Iterable[str]) -> None:
        self._place, self._names = place, sorted(names)
        self._there = set(self._names)

    @abstractmethod
    def _bytes(self, name: str) -> bytes: ...

    def images(self) -> list[str]:
        """Those that are samples, and no inputs of others."""
        names = [name for name in self._names if is_image(name)]
        inputs = {name for line in self._lines.values() for name in line.inputs}
        return [name for name in names if name not in inputs and not _INPUT.fullmatch(_stem(name))]

    def rows(self, left_out: LeftOut) -> Iterator[Row]:
        """Of all images that have a caption and a header that can be read."""
        for name in self.images():
            said = self._said(name)
            if not said.text:
                left_out.without.append(name)
                continue
            try:
                yield self._row(name, said)
            except PictureError:
                left_out.unreadable.append(name)

    def _row(self, name: str, said: "_Said") -> Row:
        data = self._bytes(name)
        header = decoding.read_header(data)
        inputs = [self._bytes(each) for each in said.inputs]
        for each in inputs:
            decoding.read_header(each)
        caption = [{"text": said.text, "language": None, "origin": said.origin, "stage": None}]
        row: Row = dict.fromkeys(shard.schema().names)
        row["caption_instruction" if inputs else "caption_raw"] = caption
        return row | {
            "id": shard.content_id(data, inputs, [said.text] if inputs else ()),
            "image": {"bytes": data, "path": None},
            "inputs": [{"bytes": each, "path": None} for each in inputs] or None,
            "key": name,
            "width": header.width,
            "height": header.height,
            "format": header.format,
            "synthetic": False,
        }

    def _said(self, name: str) -> "_Said":
        """Of an image, by its line of metadata, else by the files beside it."""
        line = self._lines.get(name)
        beside = line.inputs if line and line.inputs else self._inputs(name)
        if line and line.text:
            return _Said(line.text, line.origin, beside)
        stem = _path(name)
        for other in (f"{stem}.txt", f"{stem}.caption"):
            if other in self._there:
                text = self._bytes(other).decode("utf-8-sig", "replace").strip()
                return _Said(text, PurePosixPath(other).name, beside)
        if (other := f"{stem}.json") in self._there:
            fields = _json(self._bytes(other), f"{self._place}/{other}")
            return _Said(_text(fields, _TEXTS), PurePosixPath(other).name, beside)
        return _Said("", "", beside)

    def _inputs(self, name: str) -> tuple[str, ...]:
        """Those beside an image, in the order of their numbers."""
        own = {}
        for number in range(_MOST_INPUTS + 1):
            for end in _IMAGES:
                beside = f"{_path(name)}.input{number or ''}{end}"
                if beside in self._there:
                    own[number] = beside
        return tuple(own[number] for number in sorted(own))[:_MOST_INPUTS]

    @cached_property
    def _lines(self) -> Mapping[str, "_Said"]:
        """What metadata says, by the name of the image."""
        return dict(self._metadata())

    def _metadata(self) -> Iterator[tuple[str, "_Said"]]:
        for name in self._names:
            path = PurePosixPath(name)
            if path.name not in _METADATA:
                continue
            where = f"{self._place}/{name}"
            text = self._bytes(name).decode("utf-8-sig", "replace")
            for number, fields in _records(text, path.suffix, where):
                named = _text(fields, _NAMES)
                image = str(path.parent / named)
                inputs = tuple(str(path.parent / each) for each in _listed(fields))
                if not named:
                    raise UsageError(f"{where}:{number}: expected file_name, an image beside it")
                if missing := [each for each in (image, *inputs) if each not in self._there]:
                    raise UsageError(f"{where}:{number}: no file {missing[0]} in {self._place}")
                words = _INSTRUCTIONS if inputs else _TEXTS
                yield image, _Said(_text(fields, words), path.name, inputs[:_MOST_INPUTS])


@dataclass(frozen=True)
class _Said:
    """A caption, or the instruction of an edit of ``inputs``, and the file that has it."""

    text: str
    origin: str
    inputs: tuple[str, ...] = ()


class _Folder(Collection):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        visible = (path for path in files if not any(part[0] == "." for part in path.parts))
        super().__init__(str(folder), (path.as_posix() for path in visible))

    def _bytes(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


class _Tar(Collection):
    def __init__(self, path: Path) -> None:
        try:
            self._tar = tarfile.open(path)  # noqa: SIM115 read until the end of the run's packing
            members = {_plain(each.name): each for each in self._tar if each.isfile()}
        except (tarfile.TarError, OSError) as error:
            raise UsageError(f"{path}: no tar that can be read ({error})") from error
        self._members = members
        super().__init__(str(path), members)

    def _bytes(self, name: str) -> bytes:
        stream = self._tar.extractfile(self._members[name])
        return stream.read() if stream else b""


def collections(folder: Path) -> Iterator[Collection]:
    """The folder, and each tar in it. Raises ``UsageError`` for metadata that is none."""
    yield _Folder(folder)
    for path in sorted(folder.rglob("*.tar")):
        yield _Tar(path)


def _records(text: str, kind: str, where: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number of the line, its fields)."""
    if kind == ".csv":
        yield from enumerate(csv.DictReader(io.StringIO(text)), 2)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, _json(line, f"{where}:{number}")


def _json(text: str | bytes, where: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: no JSON ({error})") from error
    if not isinstance(fields, dict):
        raise UsageError(f"{where}: expected a JSON object")
    return fields


def _text(fields: Mapping[str, Any], names: Iterable[str]) -> str:
    """The first of these fields that says anything."""
    texts = (fields.get(name) for name in names)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def _listed(fields: Mapping[str, Any]) -> list[str]:
    """The names of inputs."""
    for name in _INPUTS:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return [value]
        if isinstance(value, list):
            return [each for each in value if isinstance(each, str)]
    return []


def _plain(name: str) -> str:
    """Without ``./`` before it."""
    return str(PurePosixPath(name))


def _path(name: str) -> str:
    """Without its last extension."""
    return str(PurePosixPath(name).with_suffix(""))


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
