"""What rendering yields: a sample that is a row of a shard, or a rejection with its reason."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from curation import shard
from synthesis.captions import caption_language

SOURCE = "synthesis"
Quad = tuple[float, float, float, float, float, float, float, float]


class TextBox(NamedTuple):  # a tuple: one is made for every glyph, in half the time
    """A piece of rendered text: its corners x0, y0 ... x3, y3 in pixels, clockwise from top left.

    ``level`` is ``block``, ``line``, ``word`` or ``glyph``; boxes come in reading order, each
    before those it holds.
    """

    text: str
    quad: Quad
    level: str


@dataclass(frozen=True)
class Pair:
    """What an edit sample has beside its result: the files it was made from, with their boxes.

    ``instructions`` are (language, text); ``mask`` is a grey PNG file, 255 where pixels may differ;
    ``step`` is its place in a chain of edits, ``step2``.
    """

    inputs: tuple[bytes, ...]
    boxes: tuple[tuple[TextBox, ...], ...]
    instructions: tuple[tuple[str, str], ...]
    mask: bytes | None
    operation: str
    step: str | None = None


@dataclass(frozen=True)
class Sample:
    """A synthetic image with everything known about it.

    ``image`` is a file of ``format``; ``text`` is exactly what is rendered and ``caption`` quotes
    (``\\n`` where the text itself breaks a line); ``font`` is the face's PostScript name;
    ``annotation`` is the captioner's JSON, as ``captions.annotation`` makes it. An ``edit`` has
    instructions instead of a caption.
    """

    image: bytes
    width: int
    height: int
    text: str
    caption: str
    language: str
    boxes: tuple[TextBox, ...]
    font: str
    annotation: Mapping[str, Any] | None = None
    format: Literal["PNG", "JPEG"] = "PNG"
    edit: Pair | None = None


@dataclass(frozen=True)
class Rejected:
    """A text that was discarded whole: ``reason`` is a short stable code."""

    reason: str
    detail: str = ""


def upright_quad(left: float, top: float, right: float, bottom: float) -> Quad:
    """The quad of an axis-aligned box."""
    return (left, top, right, top, right, bottom, left, bottom)


def row(sample: Sample, key: str, licence: str | None) -> Mapping[str, Any]:
    """The sample as a row of the shard schema; what synthesis does not know is null.

    The pattern caption is a ``caption_recaption``: it says what a captioner would say.
    """
    return {
        "id": shard.content_id(sample.image),
        "image": _image(sample.image),
        "key": f"{key}/{sample.font}",
        "width": sample.width,
        "height": sample.height,
        "format": sample.format,
        "caption_recaption": [
            {"text": sample.caption, "language": caption_language(sample.language)}
        ],
        "annotation": _json(sample.annotation),
        "text_boxes": _boxes(sample.boxes),
        "source": SOURCE,
        "licence": licence,
        "synthetic": True,
        **(_edited(sample, sample.edit, key) if sample.edit else {}),
    }


def _edited(sample: Sample, edit: Pair, key: str) -> Mapping[str, Any]:
    """The columns that an edit has of its own."""
    texts = [text for _, text in edit.instructions]
    steps = [edit.operation, *([edit.step] if edit.step else []), sample.font]
    return {
        "id": shard.content_id(sample.image, edit.inputs, texts),
        "key": "/".join([key, *steps]),
        "inputs": [_image(data) for data in edit.inputs],
        "caption_recaption": None,
        "caption_instruction": [
            {"text": text, "language": language} for language, text in edit.instructions
        ],
        "edit_kind": edit.operation.partition(".")[0],
        "edit_operation": edit.operation,
        "edit_mask": None if edit.mask is None else _image(edit.mask),
        "input_boxes": [_boxes(boxes) for boxes in edit.boxes],
    }


def _image(data: bytes) -> Mapping[str, Any]:
    return {"bytes": data, "path": None}


def _boxes(boxes: Sequence[TextBox]) -> list[Mapping[str, Any]]:
    return [{"text": box.text, "quad": list(box.quad), "level": box.level} for box in boxes]


def _json(annotation: Mapping[str, Any] | None) -> str | None:
    return None if annotation is None else json.dumps(annotation, ensure_ascii=False)
