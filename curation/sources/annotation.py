"""What sources say about a picture: captions, language, provenance, from JSON or a table row.

Captions stay bit-identical. The one exception: a lone surrogate (JSON ``"\\ud800"``) cannot exist
in UTF-8, hence not in Arrow, and becomes U+FFFD; so do invalid bytes of a ``.txt`` file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.sources import fields
from curation.sources.fields import USUAL, Columns
from curation.sources.kind import suffix_of
from curation.sources.sample import Caption, Sample

Captions = tuple[Caption, ...] | None
_LONE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Annotation:
    """Everything said about one picture; a field is None where nothing is said.

    ``failure`` is what the source says about a missing picture, ``problem`` why a side file says
    nothing. ``key`` and ``kept`` are what was asked for by name (``fields.Columns``).
    """

    caption_raw: Captions = None
    caption_recaption: Captions = None
    caption_fused: Captions = None
    annotation: str | None = None
    text_boxes: list[dict[str, Any]] | None = None
    source: str | None = None
    licence: str | None = None
    synthetic: bool = False
    failure: str | None = None
    problem: str | None = None
    key: str | None = None
    kept: dict[str, Any] = field(default_factory=dict)


def sample(
    said: Annotation, *, uri: str, key: str, data: bytes | None, error: str | None, path: str
) -> Sample:
    """The sample of a picture and what is said about it."""
    return Sample(
        uri=uri,
        key=key if said.key is None else said.key,
        data=data,
        error=error,
        path=path,
        caption_raw=said.caption_raw,
        caption_recaption=said.caption_recaption,
        caption_fused=said.caption_fused,
        annotation=said.annotation,
        text_boxes=said.text_boxes,
        source=said.source,
        licence=said.licence,
        synthetic=said.synthetic,
        problem=said.problem,
        kept=said.kept or None,
    )


def clean(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD, otherwise the very same text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.sub("\ufffd", text)
    return text


def from_text(data: bytes, origin: str | None = None) -> Annotation:
    """The annotation of a text file: its whole content is one caption, empty or not."""
    return Annotation(caption_raw=(Caption(data.decode("utf-8", "replace"), None, origin),))


def from_side_file(
    name: str, data: bytes | None, error: str | None = None, columns: Columns = USUAL
) -> Annotation:
    """The annotation of a side file, by its name; ``error`` says why there are no ``data``.

    What cannot be read, or is no JSON though it is named so, is a ``problem`` that names the file.
    """
    suffix = suffix_of(name).lower()
    if data is None:
        return Annotation(problem=f"{name}: {error}")
    if suffix != ".json":
        return from_text(data, suffix)
    try:
        return from_json(data, suffix, columns)
    except ValueError as wrong:
        return Annotation(problem=f"{name}: not JSON: {wrong}")


def from_json(data: bytes | str, where: str, columns: Columns = USUAL) -> Annotation:
    """The annotation of a JSON text; ``where`` is the kind of file that holds it.

    Raises ``ValueError`` for what is no JSON.
    """
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    try:
        content = json.loads(text.removeprefix("\ufeff"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if isinstance(content, dict):
        return from_mapping(content, columns, where)
    return Annotation(caption_raw=_captions(content, None, where))


def from_mapping(
    row: Mapping[str, Any], columns: Columns = USUAL, where: str | None = None
) -> Annotation:
    """The annotation of a JSON object or table row in img2dataset, Hugging Face or our names.

    ``where`` is the kind of file that holds it, None for a table of images.
    """
    language = _first_text(row, fields.LANGUAGE)
    captions: dict[str, list[Captions]] = {split: [] for split in fields.SPLITS}
    for name, known in fields.caption_fields(row, columns):
        origin = clean(f"{where}: {name}" if where else name)
        spoken = known.language or (None if name == known.split else language)
        captions[known.split].append(_captions(row[name], spoken, origin))
    raw, recaption, fused = (_union(captions[split]) for split in fields.SPLITS)
    status = next(iter(fields.usual(row, ("status",))), None)
    failed = isinstance(status, str) and status not in ("", "success")
    details = (status, *fields.usual(row, ("error_message",))) if failed else ()
    return Annotation(
        caption_raw=raw,
        caption_recaption=recaption,
        caption_fused=fused,
        annotation=_first_text(row, ("annotation",)),
        text_boxes=_text_boxes(next(iter(fields.usual(row, ("text_boxes",))), None)),
        source=_first_text(row, fields.SOURCE),
        licence=_first_text(row, fields.LICENCE),
        synthetic=any(value is True for value in fields.usual(row, ("synthetic",))),
        failure=": ".join(clean(str(detail)) for detail in details if detail) or None,
        key=_as_key(row.get(columns.key)) if columns.key else None,
        kept={name: row[name] for name in columns.keep if row.get(name) is not None},
    )


def merge(annotations: Iterable[Annotation]) -> Annotation:
    """One annotation of several: captions united, elsewhere the first that says something."""
    every = list(annotations)
    if len(every) <= 1:
        return every[0] if every else Annotation()
    return Annotation(
        caption_raw=_union(entry.caption_raw for entry in every),
        caption_recaption=_union(entry.caption_recaption for entry in every),
        caption_fused=_union(entry.caption_fused for entry in every),
        annotation=next((entry.annotation for entry in every if entry.annotation), None),
        text_boxes=next((entry.text_boxes for entry in every if entry.text_boxes), None),
        source=next((entry.source for entry in every if entry.source), None),
        licence=next((entry.licence for entry in every if entry.licence), None),
        synthetic=any(entry.synthetic for entry in every),
        failure=next((entry.failure for entry in every if entry.failure), None),
        problem="; ".join(entry.problem for entry in every if entry.problem) or None,
        key=next((entry.key for entry in every if entry.key is not None), None),
        kept={name: value for entry in reversed(every) for name, value in entry.kept.items()},
    )


def _captions(value: Any, language: str | None, origin: str | None) -> Captions:
    """A string, ``{text, language}`` or a list of either; None for anything else.

    Bytes are taken for text, as careless writers of tables leave it.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return (Caption(clean(value), language, origin),)
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        spoken = _first_text(value, fields.LANGUAGE) or language
        return (Caption(clean(value["text"]), spoken, _first_text(value, ("origin",)) or origin),)
    if isinstance(value, list):
        flat = (entry for entry in value if not isinstance(entry, list))
        each = [_captions(entry, language, origin) for entry in flat]
        return tuple(caption for captions in each for caption in captions or ())
    return None


def _as_key(value: Any) -> str | None:
    """A key as text; None for what is none, such as a list."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _union(several: Iterable[Captions]) -> Captions:
    """All captions once, in order; the same text with and without a language is one caption."""
    present = [captions for captions in several if captions is not None]
    if len(present) <= 1:
        return present[0] if present else None
    found: list[Caption] = []
    for caption in (caption for captions in present for caption in captions):
        same = [index for index, known in enumerate(found) if _same(known, caption)]
        if not same:
            found.append(caption)
        elif found[same[0]].language is None:
            first = found[same[0]]
            found[same[0]] = Caption(first.text, caption.language, first.origin)
    return tuple(found)


def _same(known: Caption, other: Caption) -> bool:
    languages = {known.language, other.language} - {None}
    return len(languages) < 2 and known.text.strip() == other.text.strip()


def _first_text(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    values = fields.usual(row, names)
    return next((clean(value) for value in values if isinstance(value, str) and value), None)


def _text_boxes(value: Any) -> list[dict[str, Any]] | None:
    """Boxes as the shard stores them: ``text``, ``quad`` of numbers, ``level``."""
    if not isinstance(value, list):
        return None
    return [
        {
            "text": clean(str(box.get("text") or "")),
            "quad": [float(number) for number in box["quad"]],
            "level": _first_text(box, ("level",)),
        }
        for box in value
        if isinstance(box, Mapping) and _is_quad(box.get("quad"))
    ]


def _is_quad(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in value
    )
