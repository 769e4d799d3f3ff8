"""GenEval's rule: whether the objects that a detector sees are those that a prompt asks for.

Source: https://github.com/djghosh13/geneval (MIT), evaluation/evaluate_images.py.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from pydantic import Field, FiniteFloat

from curation.failures.errors import UsageError
from infer.harness import clip_l14
from infer.harness.prompt_files import Record

LEAST_SCORE, LEAST_COUNTING_SCORE = 0.3, 0.9
MOST_OBJECTS = 16  # of a class
OVERLAP = 0.1  # of both sizes, which an offset has to exceed
LEAST_OFFSET = 0.5  # of the distance of centres

Box = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
Relation = Literal["left of", "right of", "above", "below"]
Colour = Callable[["Detection"], str]


class Clause(Record):
    """``count`` objects of a class; ``position`` is relative to those of an earlier clause."""

    class_: str = Field(alias="class")
    count: int
    color: str | None = None
    position: tuple[Relation, int] | None = None


class Prompt(Record):
    """A row of the file of prompts."""

    tag: str
    prompt: str
    include: tuple[Clause, ...]
    exclude: tuple[Clause, ...] = ()


class RunLengths(Record):
    """A mask as COCO's tools write it; ``size`` is height, width."""

    size: tuple[int, int]
    counts: str | tuple[int, ...]


class Detection(Record):
    """An object that a detector sees: its box is left, top, right, bottom in pixels."""

    class_: str = Field(alias="class")
    score: FiniteFloat
    box: Box
    color: str | None = None
    mask: RunLengths | None = None


class Detections(Record):
    """A file of a user's."""

    objects: tuple[Detection, ...]


def relations(box: Box, other: Box) -> set[str]:
    """Where a box is relative to another: by the offset of centres less a tenth of the sizes
    summed, along each axis, over the distance of centres.
    """
    corners = np.array([box, other], np.float64).reshape(2, 2, 2)
    sizes = np.abs(corners[:, 1] - corners[:, 0]).sum(0)
    offset = corners[0].mean(0) - corners[1].mean(0)
    beyond = np.maximum(np.abs(offset) - OVERLAP * sizes, 0) * np.sign(offset)
    if np.all(np.abs(beyond) < 1e-3):
        return set()
    across, down = beyond / np.linalg.norm(offset)
    held = {
        "left of": across < -LEAST_OFFSET,
        "right of": across > LEAST_OFFSET,
        "above": down < -LEAST_OFFSET,
        "below": down > LEAST_OFFSET,
    }
    return {name for name, holds in held.items() if holds}


def as_given(detection: Detection) -> str:
    """The colour in a file. Raises ``UsageError`` where there is none."""
    if detection.color is None:
        raise UsageError(
            f"a {detection.class_} without color, which its prompt asks for; name it, or put"
            f" {clip_l14.WANTED} into the folder that --data names"
        )
    return detection.color


def failures(
    prompt: Prompt, detections: Sequence[Detection], colour: Colour = as_given
) -> list[str]:
    """What is wrong with an image, a sentence for each clause; none: it is right.

    ``colour`` tells that of an object. Raises ``UsageError`` as it does.
    """
    least = LEAST_COUNTING_SCORE if prompt.tag == "counting" else LEAST_SCORE
    by_class: dict[str, list[Detection]] = {}
    for each in sorted(detections, key=lambda each: -each.score):
        own = by_class.setdefault(each.class_, [])
        if each.score > least and len(own) < MOST_OBJECTS:
            own.append(each)
    wrong: list[str] = []
    matched: list[list[Detection] | None] = []
    for clause in prompt.include:
        seen = by_class.get(clause.class_, [])[: clause.count]
        reason = _failure(clause, seen, matched, colour)
        matched.append(None if reason else seen)
        wrong += [reason] if reason else []
    for clause in prompt.exclude:
        count = len(by_class.get(clause.class_, []))
        if count >= clause.count:
            wrong.append(f"{clause.class_}: {count}, expected fewer than {clause.count}")
    return wrong


def _failure(
    clause: Clause,
    seen: Sequence[Detection],
    matched: Sequence[Sequence[Detection] | None],
    colour: Colour,
) -> str:
    name = clause.class_
    if len(seen) < clause.count:
        return f"{name}: {len(seen)}, expected {clause.count}"
    if clause.color is not None:
        colours = [colour(each) for each in seen]
        if any(each != clause.color for each in colours):
            return f"{name}: {', '.join(colours)}, expected {clause.color}"
    if clause.position is not None:
        relation, place = clause.position
        others = matched[place]
        if others is None:
            return f"{name}: nothing to be {relation}"
        if any(relation not in relations(a.box, b.box) for a in seen for b in others):
            return f"{name}: not {relation} the other"
    return ""
