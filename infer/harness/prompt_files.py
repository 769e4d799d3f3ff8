"""Files of prompts that a user brings, where their licence lets nobody ship them: checked, read."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from curation.failures.errors import UsageError
from curation.strict_yaml import Frozen, place_name

_Record = TypeVar("_Record", bound=BaseModel)


class Record(BaseModel):
    """A row of somebody else's file: what a benchmark does not use of it is ignored."""

    model_config = ConfigDict(frozen=True)


class PromptFile(Frozen):
    """A file that is expected: its ``name``, where it is to be had, and what is known of it.

    ``key`` is where a JSON file has its list of records, empty where the list is all.
    """

    name: str
    whence: str
    sha256: str | None = None
    rows: int | None = None
    key: str = ""


def read(expected: PromptFile, data: str | None, record: type[_Record]) -> list[_Record]:
    """The records of a .json, .jsonl or .csv file, which ``data`` (of ``--data``) is or has in it.

    Raises ``UsageError`` that says which file is expected and whence, for another one or none.
    """
    content = _content(expected, data)
    try:
        listed = _listed(expected, content)
    except (ValueError, LookupError, TypeError, csv.Error) as error:
        raise UsageError(f"--data {data}: {expected.name}: not readable ({error})") from None
    if expected.rows is not None and len(listed) != expected.rows:
        raise UsageError(
            f"--data {data}: {expected.name} has {len(listed)} rows, expected {expected.rows};"
            f" {_whence(expected)}"
        )
    records: list[_Record] = []
    for number, each in enumerate(listed, 1):
        try:
            records.append(record.model_validate(each))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = place_name(first["loc"])
            raise UsageError(
                f"--data {data}: {expected.name}, row {number}: {place}: {first['msg']}"
            ) from None
    return records


def digest(expected: PromptFile, data: str | None) -> str:
    """The SHA-256 of the file, for the facts of a result. Raises as ``read``."""
    return hashlib.sha256(_content(expected, data)).hexdigest()


def _content(expected: PromptFile, data: str | None) -> bytes:
    if data is None:
        raise UsageError(
            f"expected --data: {expected.name}, or the folder that it is in; {_whence(expected)}"
        )
    path = Path(data) / expected.name if Path(data).is_dir() else Path(data)
    if not path.is_file():
        raise UsageError(f"--data {data}: no {expected.name} here; {_whence(expected)}")
    content = path.read_bytes()
    own = hashlib.sha256(content).hexdigest()
    if expected.sha256 is not None and own != expected.sha256:
        raise UsageError(
            f"--data {path}: SHA-256 {own[:12]}..., expected {expected.sha256[:12]}... of"
            f" {expected.name}: another version, or damaged; {_whence(expected)}"
        )
    return content


def _whence(expected: PromptFile) -> str:
    return f"it is to be had at {expected.whence}"


def _listed(expected: PromptFile, content: bytes) -> list[Any]:
    text = content.decode("utf-8-sig")
    kind = Path(expected.name).suffix.lower()
    if kind == ".csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    if kind == ".jsonl":
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    parsed = json.loads(text)
    listed = parsed[expected.key] if expected.key else parsed
    if not isinstance(listed, list):
        raise ValueError("expected a list")
    return listed
