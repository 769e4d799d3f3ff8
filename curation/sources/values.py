"""What stands under a name in a row, and what it becomes: one function per kind of column.

Captions stay bit-identical. The one exception: a lone surrogate (JSON ``"\\ud800"``) cannot exist
in UTF-8, hence not in Arrow, and becomes U+FFFD; so do invalid bytes of a ``.txt`` file.
"""

import base64
import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
LANGUAGE = ("language", "lang")
LARGEST = 3.0e38  # number of 32 bits
_PNG = b"\x89PNG\r\n\x1a\n"
_LONE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption as the source wrote it, with its language (BCP 47 code or whatever was given).

    ``origin`` is where it was said: a column, or the kind of a file and the field in it
    (``caption``, ``.txt``, ``.json: text``). Two captions are equal wherever they were said.
    """

    text: str
    language: str | None = None
    origin: str | None = field(default=None, compare=False)


Captions = tuple[Caption, ...] | None
TextBoxes = list[dict[str, Any]] | None
InputBoxes = list[TextBoxes] | None
Mask = dict[str, Any] | None  # ``bytes`` of a PNG and ``path``


class Value(NamedTuple):
    """A value of a row; captions in it are of this language and origin unless they say else."""

    value: Any
    language: str | None = None
    origin: str | None = None


def clean(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD, otherwise the very same text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.sub("\ufffd", text)
    return text


def usual(row: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    """What a row says under these names, in their order; names are taken in any case."""
    wanted = list(names)
    present = sorted(
        (wanted.index(name.casefold()), name) for name in row if name.casefold() in wanted
    )
    return [row[name] for _, name in present]


def text(values: Iterable[Value]) -> str | None:
    """The first value that is text and not empty."""
    return first_text(value.value for value in values)


def first_text(values: Iterable[Any]) -> str | None:
    """The first of these that is text and not empty."""
    return next((clean(value) for value in values if isinstance(value, str) and value), None)


def label(values: Iterable[Value]) -> str | None:
    """The first value that is text and not empty, or a whole number, as text."""
    plain = (value.value for value in values)
    strings = (str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in plain)
    return first_text(strings)


def weight(values: Iterable[Value]) -> float | None:
    """The first number from 0 on that a weight can be."""
    for value, *_ in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and 0 <= value <= LARGEST:
            return float(value)
    return None


def flag(values: Iterable[Value]) -> bool:
    """Whether one of the values is true; text such as ``yes`` is not."""
    return any(value.value is True for value in values)


def captions(values: Iterable[Value]) -> Captions:
    """All captions of the values, each once."""
    return united([_captions(*value) for value in values])


def _captions(value: Any, language: str | None, origin: str | None) -> Captions:
    """A string, ``{text, language}`` or a list of either; None for anything else.

    Bytes are taken for text, as careless writers of tables leave it.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return (Caption(clean(value), language, origin),)
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        spoken = first_text(usual(value, LANGUAGE)) or language
        source = first_text(usual(value, ("origin",))) or origin
        return (Caption(clean(value["text"]), spoken, source),)
    if isinstance(value, list):
        flat = (entry for entry in value if not isinstance(entry, list))
        each = [_captions(entry, language, origin) for entry in flat]
        return tuple(caption for several in each for caption in several or ())
    return None


def text_boxes(values: Sequence[Value]) -> TextBoxes:
    """Boxes as the shard stores them: ``text``, ``quad`` of finite numbers, ``level``."""
    return _boxes(values[0].value if values else None)


def input_boxes(values: Sequence[Value]) -> InputBoxes:
    """Boxes of each input of an edit, in their order; null where nothing is said of one."""
    value = values[0].value if values else None
    return [_boxes(entry) for entry in value] if isinstance(value, list) else None


def _boxes(value: Any) -> TextBoxes:
    if not isinstance(value, list):
        return None
    return [
        {
            "text": clean(str(box.get("text") or "")),
            "quad": [float(number) for number in box["quad"]],
            "level": first_text(usual(box, ("level",))),
        }
        for box in value
        if isinstance(box, Mapping) and _is_quad(box.get("quad"))
    ]


def _is_quad(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and -LARGEST <= number <= LARGEST
        for number in value
    )


def mask(values: Sequence[Value]) -> Mask:
    """The first PNG: plain bytes, or ``bytes`` beside a ``path``; what is none is not taken.

    In JSON, bytes are text in base64.
    """
    for value, *_ in values:
        image = value if isinstance(value, Mapping) else {"bytes": value}
        data, path = image.get("bytes"), image.get("path")
        if isinstance(data, str):
            with contextlib.suppress(ValueError):
                data = base64.b64decode(data, validate=True)
        if isinstance(data, bytes) and data.startswith(_PNG):
            return {"bytes": data, "path": clean(path) if isinstance(path, str) else None}
    return None


def first_given(several: Iterable[T]) -> T | None:
    """The first that is given, be it 0."""
    return next((value for value in several if value is not None), None)


def first(several: Iterable[T]) -> T | None:
    """The first that says something."""
    return next((value for value in several if value), None)


def united(several: Iterable[Captions]) -> Captions:
    """All captions once, in order; the same text with and without a language is one caption."""
    present = [captions for captions in several if captions is not None]
    if len(present) <= 1:
        return present[0] if present else None
    union: list[Caption] = []
    for caption in (caption for captions in present for caption in captions):
        same = [index for index, known in enumerate(union) if _same(known, caption)]
        if not same:
            union.append(caption)
        elif union[same[0]].language is None:
            known = union[same[0]]
            union[same[0]] = Caption(known.text, caption.language, known.origin)
    return tuple(union)


def _same(known: Caption, other: Caption) -> bool:
    languages = {known.language, other.language} - {None}
    return len(languages) < 2 and known.text.strip() == other.text.strip()
