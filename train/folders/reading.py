"""What a folder of images, or a tar of them, holds: images with their captions, as rows of shards.

- The caption of ``cat.jpg`` is in ``cat.txt`` or ``cat.caption`` beside it, or it is ``caption`` in
  ``cat.json``, as img2dataset has it.
- Or it is ``text``, ``caption`` or ``prompt`` of the line in ``metadata.jsonl`` or ``metadata.csv``
  of its folder that has it as ``file_name``, as Hugging Face's imagefolder has it. Of several lines
  each is a caption.
- An edit was made from ``cat.input.jpg`` (``.input2``, ``.input3``), or from the
  ``input_file_name`` of its line; its ``instruction``, or caption, says what is to be done.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from curation import shard
from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from train.folders import fields
from train.folders.left_out import NO_CAPTION, NOT_UTF8, OTHER, UNREADABLE, LeftOut

Row = dict[str, Any]
_IMAGES = frozenset(
    (
        *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"),
        *(".avif", ".heic", ".heif", ".jp2"),
    )
)
_BESIDE = (".txt", ".caption", ".json")  # the first that is there has the caption
_INPUT = re.compile(r"(.+)\.input(\d*)")
_MOST_INPUTS = 3


def is_image(name: str) -> bool:
    """Whether a file is one, by its name."""
    path = PurePosixPath(name)
    return path.suffix.lower() in _IMAGES and not path.name.startswith(".")


@dataclass(frozen=True)
class _Said:
    """Captions, or instructions of an edit of ``inputs``, each with the file that has it."""

    texts: tuple[tuple[str, str], ...] = ()
    inputs: tuple[str, ...] = ()


class Collection(ABC):
    """Files by their names, with ``/`` between folders; ``place`` is what they are in."""

    def __init__(self, place: str, names: Iterable[str]) -> None:
        self._place, self._names = place, sorted(names)
        self._there = set(self._names)
        self._by_ending = {_path(name) + _ending(name): name for name in self._names}

    @abstractmethod
    def _bytes(self, name: str) -> bytes: ...

    def images(self) -> list[str]:
        """Those that are samples, and no inputs of others alone."""
        names = [name for name in self._names if is_image(name)]
        lines = self._lines
        inputs = {each for line in lines.values() for each in line.inputs}
        inputs.update(each for name in names if name not in lines for each in self._beside(name))
        return [name for name in names if name not in inputs or name in lines]

    def others(self) -> Iterator[LeftOut]:
        """Files that are not looked at."""
        for name in self._names:
            known = is_image(name) or _ending(name) in _BESIDE
            if not known and PurePosixPath(name).name not in fields.METADATA:
                ending = "".join(PurePosixPath(name).suffixes[-2:]).lower()
                ending = ending if ending.startswith(".tar.") else _ending(name)
                yield LeftOut(self._place, name, OTHER, ending or "without an ending")

    def rows(self, left_out: list[LeftOut]) -> Iterator[Row]:
        """Of all images that have a caption and a header that can be read; what else is there is
        added to ``left_out``. Raises ``UsageError`` for metadata that is none, ``OSError``.
        """
        for name in self.images():
            try:
                said = self._said(name)
                if said.texts:
                    yield self._row(name, said)
                else:
                    left_out.append(LeftOut(self._place, name, NO_CAPTION))
            except UnicodeError:
                left_out.append(LeftOut(self._place, name, NOT_UTF8))
            except PictureError as error:
                left_out.append(LeftOut(self._place, name, UNREADABLE, str(error)))
        left_out.extend(self.others())

    def _row(self, name: str, said: _Said) -> Row:
        data = self._bytes(name)
        header = decoding.read_header(data)
        inputs = [self._input(each) for each in self._checked(name, said.inputs)]
        texts = [
            {"text": text, "language": None, "origin": _utf8(origin), "stage": None}
            for text, origin in said.texts
        ]
        row: Row = dict.fromkeys(shard.schema().names)
        row["caption_instruction" if inputs else "caption_raw"] = texts
        instructions = [text for text, _ in said.texts] if inputs else []
        return row | {
            "id": shard.content_id(data, inputs, instructions),
            "image": {"bytes": data, "path": None},
            "inputs": [{"bytes": each, "path": None} for each in inputs] or None,
            "key": _utf8(name),
            "width": header.width,
            "height": header.height,
            "format": header.format,
            "synthetic": False,
        }

    def _input(self, name: str) -> bytes:
        data = self._bytes(name)
        try:
            decoding.read_header(data)
        except PictureError as error:
            detail = f"its input {PurePosixPath(name).name}: {error.detail}"
            raise PictureError(error.reason, detail) from error
        return data

    def _said(self, name: str) -> _Said:
        """Of an image, by its lines of metadata, else by the files beside it. Raises
        ``UnicodeError`` for a text that is no UTF-8.
        """
        line = self._lines.get(name, _Said())
        inputs = line.inputs or self._beside(name)
        texts = line.texts or tuple(self._said_beside(name, bool(inputs)))
        for text, _ in texts:
            text.encode()  # JSON may hold half a surrogate pair
        return _Said(texts, inputs)

    def _said_beside(self, name: str, is_edit: bool) -> Iterator[tuple[str, str]]:
        own = (self._by_ending.get(_path(name) + ending) for ending in _BESIDE)
        if beside := next(filter(None, own), None):
            data = self._bytes(beside)
            if _ending(beside) == ".json":
                said = fields.json_object(data, f"{self._place}/{beside}")
                text = fields.text_of(said, _words(is_edit))
            else:
                text = data.decode("utf-8-sig").strip()
            if text:
                yield text, PurePosixPath(beside).name

    @cached_property
    def _numbered(self) -> Mapping[str, list[tuple[int, str]]]:
        """(number, name) of inputs in order, by the path of the image that they lie beside."""
        inputs: dict[str, list[tuple[int, str]]] = {}
        for name in self._names:
            if is_image(name) and (match := _INPUT.fullmatch(_path(name))):
                inputs.setdefault(match[1], []).append((int(match[2] or 1), name))
        return {path: sorted(own) for path, own in inputs.items()}

    def _beside(self, name: str) -> tuple[str, ...]:
        """The inputs beside an image, in the order of their numbers."""
        return tuple(each for _, each in self._numbered.get(_path(name), []))

    def _checked(self, name: str, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """The inputs. Raises ``PictureError`` for too many, or a number that lacks or is twice."""
        if len(inputs) > _MOST_INPUTS:
            detail = f"{len(inputs)} inputs; expected {_MOST_INPUTS} at most"
            raise PictureError("unsupported", detail)
        numbers = [number for number, _ in self._numbered.get(_path(name), [])]
        in_turn = [list(range(first, first + len(numbers))) for first in (0, 1)]
        if inputs and inputs == self._beside(name) and numbers not in in_turn:
            detail = f"inputs of numbers {numbers}; expected 1, 2, 3 in turn"
            raise PictureError("unsupported", detail)
        return inputs

    @cached_property
    def _lines(self) -> Mapping[str, _Said]:
        """What metadata says, by the name of the image."""
        lines: dict[str, _Said] = {}
        for name in self._names:
            if PurePosixPath(name).name not in fields.METADATA:
                continue
            for where, record in fields.records(self._bytes(name), f"{self._place}/{name}"):
                image, line = self._line(PurePosixPath(name), where, record)
                before = lines.get(image, _Said((), line.inputs))
                if before.inputs != line.inputs:
                    raise UsageError(
                        f"{where}: {image} has other inputs in a line before: expected the same in"
                        " all lines of an image; give the other edit a file of its own"
                    )
                lines[image] = _Said(tuple(dict.fromkeys(before.texts + line.texts)), line.inputs)
        return lines

    def _line(
        self, metadata: PurePosixPath, where: str, record: Mapping[str, Any]
    ) -> tuple[str, _Said]:
        """(the name of the image, what is said of it)."""
        if not (named := fields.text_of(record, fields.NAMES)):
            raise UsageError(f"{where}: expected file_name, an image beside it")
        image = str(metadata.parent / named)
        inputs = tuple(str(metadata.parent / each) for each in fields.inputs_of(record))
        if missing := [each for each in (image, *inputs) if each not in self._there]:
            raise UsageError(f"{where}: no file {missing[0]} in {self._place}")
        inputs = inputs or self._beside(image)
        text = fields.text_of(record, _words(bool(inputs)))
        return image, _Said(((text, metadata.name),) if text else (), inputs)


def _words(is_edit: bool) -> tuple[str, ...]:
    """The fields that say what is to be learnt."""
    return fields.INSTRUCTIONS if is_edit else fields.TEXTS


def _path(name: str) -> str:
    """Without its last extension."""
    return str(PurePosixPath(name).with_suffix(""))


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _utf8(name: str) -> str:
    """As it can be written down, also where it is of another encoding."""
    return name.encode("utf-8", "replace").decode()
