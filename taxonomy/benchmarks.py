"""Benchmarks that a model is judged by: their prompts and images, as files of a user.

Prompts stand in ``.txt`` (one a line), ``.jsonl``, ``.json``, ``.csv`` or ``.tsv`` files. Of rows
with names those count that begin with one of ``NAMED``. Images are files, or lines of a ``.txt``
with perceptual hashes in hexadecimal, as ``python -m taxonomy.benchmarks FOLDER`` prints them. A
folder stands for all files in it.
"""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any

import typer

from curation import storage
from curation.failures import commands
from curation.failures.errors import UsageError
from curation.picture import decoding, perceptual_hash
from curation.picture.decoding import PictureError
from curation.shard.contamination import Prompt

NAMED = ("prompt", "caption", "text", "instruction", "query")
TEXTS = (".txt", ".jsonl", ".json", ".csv", ".tsv")
app = commands.application()


def files(path: str) -> list[storage.FileEntry]:
    """The files that a name stands for. Raises ``ValueError`` where there is none."""
    entries = storage.list_files(path) if path else []
    if not entries:
        raise ValueError(f"{path!r}: no such file; expected a file or folder of a benchmark")
    return entries


def digest(paths: Sequence[str]) -> str:
    """That of the contents of all files: another one where any byte of them is another."""
    hashed = hashlib.blake2b(digest_size=16)
    for path in paths:
        for entry in files(path):
            hashed.update(_digest(entry.path, entry.size, entry.times))
    return hashed.hexdigest()


@lru_cache(maxsize=1 << 16)
def _digest(path: str, size: int, times: tuple[int, ...]) -> bytes:
    return hashlib.sha256(storage.read_bytes(path)).digest()


def prompts(paths: Sequence[str]) -> list[Prompt]:
    """All prompts, in the order of the files, each with its file and number, from 1 on, as its
    place. Raises ``ValueError`` for a file without any."""
    every: list[Prompt] = []
    for path in paths:
        for entry in files(path):
            texts = list(_texts(entry.path))
            if not texts:
                begins = ", ".join(NAMED)
                raise ValueError(f"{entry.path}: no prompt in it; expected names like {begins}")
            name = storage.name_of(entry.path)
            every += [Prompt(f"{name}:{place}", text) for place, text in enumerate(texts, start=1)]
    return every


def _texts(path: str) -> Iterator[str]:
    kind = next((of for of in TEXTS if path.lower().endswith(of)), None)
    if kind is None:
        raise ValueError(f"{path}: expected a file of prompts: {', '.join(TEXTS)}")
    try:
        text = storage.read_bytes(path).decode("utf-8-sig")
        if kind == ".txt":
            yield from filter(str.strip, text.splitlines())
        elif kind == ".jsonl":
            lines = filter(str.strip, text.split("\n"))
            yield from (said for line in lines for said in _of(json.loads(line)))
        elif kind == ".json":
            yield from _of(json.loads(text))
        else:
            rows = csv.DictReader(io.StringIO(text), delimiter="\t" if kind == ".tsv" else ",")
            yield from (said for row in rows for said in _of(row))
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        raise ValueError(f"{path}: not {kind[1:]} in UTF-8 ({error})") from None


def _of(value: Any) -> Iterator[str]:
    """The prompts in a value of JSON: texts of lists, and what is named as a prompt."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _of(entry)
    elif isinstance(value, dict):
        for name, entry in value.items():
            is_named = isinstance(name, str) and name.lower().startswith(NAMED)
            if is_named if isinstance(entry, str) else isinstance(entry, list | dict):
                yield from _of(entry)


def hashes(paths: Sequence[str]) -> list[tuple[str, int]]:
    """Name and perceptual hash of each image. Raises ``ValueError`` naming what is none."""
    return [of for path in paths for entry in files(path) for of in _hashes(entry.path)]


def _hashes(path: str) -> Iterator[tuple[str, int]]:
    if not path.lower().endswith(".txt"):
        yield storage.name_of(path), _hash(path)
        return
    for number, line in enumerate(storage.read_bytes(path).decode().splitlines(), start=1):
        digits, _, name = line.strip().partition(" ")
        try:
            if digits:
                yield name.strip() or f"{storage.name_of(path)}:{number}", int(digits, 16)
        except ValueError:
            raise ValueError(f"{path}:{number}: expected 16 hexadecimal digits") from None


def _hash(path: str) -> int:
    try:
        picture = decoding.decode(storage.read_bytes(path))
    except PictureError as error:
        raise ValueError(f"{path}: expected an image, or .txt with hashes ({error})") from None
    return perceptual_hash.of(picture)


@app.command()
def main(
    folder: Annotated[str, typer.Argument(help="The benchmark's images: a folder or a file.")],
) -> None:
    """Print the perceptual hash and the name of each image, for the list of a pipeline."""
    try:
        for name, number in hashes([folder]):
            sys.stdout.write(f"{number:016x} {name}\n")
    except ValueError as error:
        raise UsageError(str(error)) from None


if __name__ == "__main__":
    commands.main("taxonomy.benchmarks", app)
