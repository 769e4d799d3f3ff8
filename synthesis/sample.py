"""What rendering yields: a sample that is a row of a shard, or a rejection with its reason."""

import json
from collections.abc import Mapping
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
class Sample:
    """A synthetic image with everything known about it.

    ``image`` is a file of ``format``; ``text`` is exactly what is rendered and ``caption`` quotes
    (``\\n`` where the text itself breaks a line); ``font`` is the face's PostScript name;
    ``annotation`` is the captioner's JSON, as ``captions.annotation`` makes it.
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
        "image": {"bytes": sample.image, "path": None},
        "key": f"{key}/{sample.font}",
        "width": sample.width,
        "height": sample.height,
        "format": sample.format,
        "caption_recaption": [
            {"text": sample.caption, "language": caption_language(sample.language)}
        ],
        "annotation": _json(sample.annotation),
        "text_boxes": [
            {"text": box.text, "quad": list(box.quad), "level": box.level} for box in sample.boxes
        ],
        "source": SOURCE,
        "licence": licence,
        "synthetic": True,
    }


def _json(annotation: Mapping[str, Any] | None) -> str | None:
    return None if annotation is None else json.dumps(annotation, ensure_ascii=False)
