"""What sources say about an image: captions, language, provenance, from JSON or a table row."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from curation.sources import fields, values
from curation.sources.edits import LACKS_INPUT, Image, instruction_of, is_mask, joined
from curation.sources.fields import USUAL, Columns, SourceColumns
from curation.sources.kind import suffix_of
from curation.sources.sample import Sample
from curation.sources.values import Caption, Value, clean

_ESCAPED = re.compile(r"\\udc[89a-f][0-9a-f]", re.IGNORECASE)
_NO_MASK = "no PNG, as the mask of an edit is; the pair has none"
_NOT_UTF8 = "captions that are not UTF-8, of which � is kept; save it as UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation(SourceColumns):
    """Everything said about one image.

    ``failure`` is what the source says about a missing image, ``problem`` why a side file says
    nothing. ``key`` and ``kept`` are what was asked for by name (``fields.Columns``).
    """

    failure: str | None = None
    problem: str | None = None
    key: str | None = None
    kept: dict[str, Any] = field(default_factory=dict)


def sample(
    said: Annotation, image: Image, inputs: Sequence[Image] = (), *, uri: str, key: str
) -> Sample:
    """The sample of an image and what is said about it, with the ``inputs`` it was made from."""
    data, error, sources = joined(image, inputs)
    return Sample(
        uri=uri,
        key=key if said.key is None else said.key,
        data=data,
        error=error,
        path=image.path,
        inputs=sources,
        problem=said.problem,
        kept=said.kept or None,
        **{name: getattr(said, name) for name in fields.NAMES},
    )


def with_input(said: Annotation, image: Image, inputs: Sequence[Image]) -> Image:
    """The image, or why it is none: an instruction, wherever it is said, without an input."""
    if (
        inputs
        or image.data is None
        or not any(of.text.strip() for of in said.caption_instruction or ())
    ):
        return image
    return Image(image.path, None, LACKS_INPUT)


def from_text(name: str, data: bytes) -> Annotation:
    """The annotation of a text file: its whole content is one caption, empty or not.

    In a file named like ``a.instruction.txt`` it is what was to be done in an edit. Bytes that are
    no UTF-8 become U+FFFD, and are a ``problem``.
    """
    text, suffix = data.decode("utf-8", "replace"), suffix_of(name).lower()
    problem = _not_utf8(name, data)
    if instruction := instruction_of(name):
        said = (Caption(text, instruction[1], f".instruction{suffix}"),)
        return Annotation(caption_instruction=said, problem=problem)
    return Annotation(caption_raw=(Caption(text, None, suffix),), problem=problem)


def from_side_file(
    name: str, data: bytes | None, error: str | None = None, columns: Columns = USUAL
) -> Annotation:
    """The annotation of a side file or a mask, by its name; ``error`` says why it has no ``data``.

    What cannot be read, or is no JSON or no UTF-8 though it should be, is a ``problem`` that names
    the file.
    """
    suffix = suffix_of(name).lower()
    if data is None:
        return Annotation(problem=f"{name}: {error}")
    if is_mask(name):
        mask = values.mask([Value({"bytes": data, "path": name}, None, None)])
        return Annotation(edit_mask=mask, problem=None if mask else f"{name}: {_NO_MASK}")
    if suffix != ".json":
        return from_text(name, data)
    try:
        return replace(from_json(data, suffix, columns), problem=_not_utf8(name, data))
    except ValueError as wrong:
        return Annotation(problem=f"{name}: not JSON: {wrong}")


def from_json(data: bytes | str, where: str, columns: Columns = USUAL) -> Annotation:
    """The annotation of a JSON text; ``where`` is the kind of file that holds it.

    A line of a list, whose text has surrogates for bytes that are no UTF-8, has a ``problem`` if
    its captions do. Raises ``ValueError`` for what is no JSON.
    """
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    try:
        content = json.loads(text.removeprefix("\ufeff"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if isinstance(content, dict):
        said = from_mapping(content, columns, where)
        escaped = _ESCAPED.search(text) and any("\ufffd" in c.text for c in said.caption_raw or ())
        return replace(said, problem=f"{where or 'the list'}: {_NOT_UTF8}") if escaped else said
    return Annotation(caption_raw=values.captions([Value(content, None, where)]))


def from_mapping(
    row: Mapping[str, Any], columns: Columns = USUAL, where: str | None = None
) -> Annotation:
    """The annotation of a JSON object or table row in img2dataset, Hugging Face or our names.

    ``where`` is the kind of file that holds it, None for a table of images.
    """
    return Annotation(
        failure=_failure(row),
        key=_as_key(row.get(columns.key)) if columns.key else None,
        kept={name: row[name] for name in columns.keep if row.get(name) is not None},
        **fields.parsed(row, columns, where),
    )


def merge(annotations: Iterable[Annotation]) -> Annotation:
    """One annotation of several: captions united, elsewhere the first that says something."""
    every = list(annotations)
    if len(every) <= 1:
        return every[0] if every else Annotation()
    return Annotation(
        failure=values.first(entry.failure for entry in every),
        problem="; ".join(entry.problem for entry in every if entry.problem) or None,
        key=next((entry.key for entry in every if entry.key is not None), None),
        kept={name: value for entry in reversed(every) for name, value in entry.kept.items()},
        **{
            column.name: column.kind.merge([getattr(entry, column.name) for entry in every])
            for column in fields.TABLE
        },
    )


def _not_utf8(name: str, data: bytes) -> str | None:
    """Why the text of a side file is not what was written; None where it is."""
    try:
        data.decode()
    except UnicodeDecodeError as wrong:
        return f"{name}: {_NOT_UTF8} (byte {wrong.start})"
    return None


def _failure(row: Mapping[str, Any]) -> str | None:
    """What img2dataset says of an image that it could not fetch."""
    status = next(iter(values.usual(row, fields.STATUS)), None)
    if not isinstance(status, str) or status in ("", "success"):
        return None
    details = (status, *values.usual(row, fields.ERROR_MESSAGE))
    return ": ".join(clean(str(detail)) for detail in details if detail)


def _as_key(value: Any) -> str | None:
    """A key as text; None for what is none, such as a list."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
