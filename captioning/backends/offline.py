"""Captions without a vision-language model: from columns that were measured, and from the pixels.

It names what a classifier of a thousand classes is sure of, quotes text that was read with
certainty, and says colours, codes and watermarks, in our own wording. What it is not sure of it
leaves out: it is short and true, and says nothing of actions, relations, people or places.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from captioning import edit_answer
from captioning.backends.backend import Backend, Captioner, Question, Reply
from captioning.changes import pairs
from captioning.checks import hinders
from captioning.composing import legible, wording
from captioning.composing.facts import Code, Facts, Shape
from captioning.composing.looks import Medium, looks
from captioning.composing.subject import Noun, subject
from curation.shard.annotation import KEYS, Annotation, json_schema

LESS_SURE = (
    0.04  # that bounds rise by where an image is no photograph: the classifier saw few others
)
SQUARE = 1.15  # times the other side
_CODE: Code = "machine-readable code"
_QR, _MATRIX = ("QR Code", "Micro QR Code"), ("Aztec", "Data Matrix", "PDF417", "MaxiCode")


class Offline(Backend):
    """It has no settings. What was not measured (a column that is missing or null) is not said."""

    reads_prompts: ClassVar[bool] = False

    def check(self) -> None:
        """It needs nothing."""

    def captioner(self) -> Captioner:
        return _Composer()


class _Composer:
    """Questions to answers, one by one; an attempt after the first has another wording."""

    def answer(self, questions: Sequence[Question], attempt: int = 0) -> Sequence[Reply]:
        return [self._reply(question, attempt) for question in questions]

    def _reply(self, question: Question, attempt: int) -> Reply:
        if question.form == edit_answer.FORM:
            return pairs.reply(question, attempt)
        return Reply(annotation(question, attempt).as_json())


def annotation(question: Question, attempt: int = 0) -> Annotation:
    """What is said of an image: of its id alone depends in which words."""
    known, language = facts(question), question.language
    digest = hashlib.sha256(f"wording\n{question.id}\n{attempt}".encode()).digest()
    limits = json_schema()["properties"]["Watermark List"]
    short = [text for text in known.watermarks if len(text) <= limits["items"]["maxLength"]]
    said = (
        wording.caption(known, language, digest[0], int.from_bytes(digest[1:5])),
        wording.image_type(known, language),
        wording.image_style(known, language),
        short[: limits["maxItems"]],
        "yes" if hinders(question.columns) else "no",
    )
    return Annotation.model_validate(dict(zip(KEYS, said, strict=True)))


def facts(question: Question) -> Facts:
    """All that is sure of an image."""
    columns, seen = question.columns, looks(question.images[0])
    read = columns.get("text_regions")
    marks = legible.watermarks(columns.get("watermark_regions"), read)
    overlaid = _texts(columns.get("watermark_regions")) if marks else []
    height, width = columns.get("height"), columns.get("width")
    size = (int(height), int(width)) if height and width else None
    code, codes = _codes(columns)
    is_page = seen.medium in ("graphic", "page") and bool(read)
    noun = None if is_page or codes else _subject(columns, seen.medium)
    medium = seen.medium
    if medium == "page":
        medium = "graphic" if read else "image"
    if medium == "photograph" and noun is None and set(_texts(read)) - set(overlaid):
        medium = "image"  # a poster looks like a photograph, too
    seen = replace(seen, medium=medium)
    shape = _shape(question.images[0].shape)
    return Facts(seen, shape, noun, legible.text(read, size, overlaid), code, codes, marks)


def _texts(regions: Sequence[Mapping[str, Any]] | None) -> list[str]:
    return [of["text"] for of in regions or () if of.get("text")]


def _subject(columns: Mapping[str, Any], medium: Medium) -> Noun | None:
    """Of pages and codes the classifier knows no more than that they look like a page."""
    classes, scores = columns.get("classes"), columns.get("class_scores")
    if classes is None or scores is None:
        return None
    return subject([*classes], [*scores], 0.0 if medium == "photograph" else LESS_SURE)


def _codes(columns: Mapping[str, Any]) -> tuple[Code, int]:
    """What sort of codes there are, and how many.

    Those that were seen and not read are of no sort, and beside others no more than parts of them.
    """
    if not columns.get("codes"):
        return _CODE, 0
    read = [of for of in columns.get("codes_regions") or () if (of.get("score") or 0) >= 1]
    sorts = {_sort(of) for of in read}
    return (sorts.pop() if len(sorts) == 1 else _CODE), max(1, len(read))


def _sort(region: Mapping[str, Any]) -> Code:
    if region.get("kind") in _MATRIX:
        return _CODE
    return "QR code" if region.get("kind") in _QR else "barcode"


def _shape(shape: tuple[int, ...]) -> Shape:
    ratio = shape[1] / shape[0]
    return "wide" if ratio > SQUARE else "tall" if ratio < 1 / SQUARE else "square"
