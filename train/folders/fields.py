"""What files of metadata say: records of JSON lines and CSV, and their fields by several names."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from curation.failures.errors import UsageError

METADATA = ("metadata.jsonl", "metadata.csv")
NAMES = ("file_name", "output_file_name", "edited_file_name", "target_file_name", "image")
TEXTS = ("text", "caption", "prompt")
INSTRUCTIONS = ("instruction", "edit_instruction", "edit_prompt", *TEXTS)
_INPUTS = (
    "input_file_names",
    "input_file_name",
    "source_file_name",
    "original_file_name",
    "inputs",
)


def records(data: bytes, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(where its line is, its fields) of a file named by ``where``, CSV or JSON lines. Raises
    ``UsageError``.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: not UTF-8 ({error.reason} at byte {error.start})") from error
    if where.endswith(".csv"):
        yield from _csv(text, where)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{where}:{number}", json_object(line, f"{where}:{number}")


def _csv(text: str, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=None))  # any ends of lines
    try:
        for fields in reader:
            yield f"{where}:{reader.line_num}", fields
    except csv.Error as error:
        raise UsageError(f"{where}:{reader.line_num}: no CSV ({error})") from error


def json_object(text: str | bytes, where: str) -> Mapping[str, Any]:
    """Of a file or line. Raises ``UsageError``."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: no JSON ({error})") from error
    if not isinstance(fields, dict):
        raise UsageError(f"{where}: expected a JSON object")
    return fields


def text_of(fields: Mapping[str, Any], names: Iterable[str]) -> str:
    """The first of these fields that says anything."""
    texts = (fields.get(name) for name in names)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def inputs_of(fields: Mapping[str, Any]) -> list[str]:
    """The names of inputs."""
    for name in _INPUTS:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return [value]
        if isinstance(value, list):
            return [each for each in value if isinstance(each, str)]
    return []
