"""GenEval: are the objects there, so many, so coloured and so placed? By a detector's boxes.

Source: https://github.com/djghosh13/geneval (MIT), whose rule this is. The detections are a
user's: a folder with a file ``<prompt id>_<k>.json`` for each image, of Mask2Former's boxes (Swin-S
on COCO, as there) and the colours that CLIP ViT-L/14 gives them:

    {"objects": [{"class": "bench", "score": 0.98, "box": [l, t, r, b], "color": "red"}]}

Boxes are in pixels; a mask is what a colour is told by, and nothing else of the rule needs it. A
``color`` is needed where the prompt asks for that of the class.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, FiniteFloat, ValidationError

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import prompt_files
from infer.harness.prompt_files import Record

if TYPE_CHECKING:
    from infer.harness.metrics import Metric

LEAST_SCORE, LEAST_COUNTING_SCORE = 0.3, 0.9
MOST_OBJECTS = 16  # of a class
OVERLAP = 0.1  # of both sizes, which an offset has to exceed
LEAST_OFFSET = 0.5  # of the distance of centres
IMAGES = 4  # of each prompt
PROMPTS = prompt_files.PromptFile(
    name="geneval.jsonl",
    whence="https://github.com/djghosh13/geneval, prompts/evaluation_metadata.jsonl",
    sha256="5c48e0813e812e3c373fa5c8ed07a8f0a483be30272b4427b0559c8048e67c13",
    rows=553,
)

Box = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
Relation = Literal["left of", "right of", "above", "below"]


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


class Detection(Record):
    """An object that a detector sees: its box is left, top, right, bottom in pixels."""

    class_: str = Field(alias="class")
    score: FiniteFloat
    box: Box
    color: str | None = None


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


def failures(prompt: Prompt, detections: Sequence[Detection]) -> list[str]:
    """What is wrong with an image, a sentence for each clause; none: it is right.

    Raises ``UsageError`` where a colour is asked for that the detections do not say.
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
        reason = _failure(clause, seen, matched)
        matched.append(None if reason else seen)
        wrong += [reason] if reason else []
    for clause in prompt.exclude:
        count = len(by_class.get(clause.class_, []))
        if count >= clause.count:
            wrong.append(f"{clause.class_}: {count}, expected fewer than {clause.count}")
    return wrong


def _failure(
    clause: Clause, seen: Sequence[Detection], matched: Sequence[Sequence[Detection] | None]
) -> str:
    name = clause.class_
    if len(seen) < clause.count:
        return f"{name}: {len(seen)}, expected {clause.count}"
    if clause.color is not None:
        colours = [each.color for each in seen]
        if None in colours:
            raise UsageError(f"a {name} without color, which its prompt asks for")
        if any(colour != clause.color for colour in colours):
            return f"{name}: {', '.join(map(str, colours))}, expected {clause.color}"
    if clause.position is not None:
        relation, place = clause.position
        others = matched[place]
        if others is None:
            return f"{name}: nothing to be {relation}"
        if any(relation not in relations(a.box, b.box) for a in seen for b in others):
            return f"{name}: not {relation} the other"
    return ""


def prompts() -> dict[str, Prompt]:
    """The 553 prompts by id, in the order of the source."""
    listed = prompt_files.read(PROMPTS, str(Path(__file__).parent / "data"), Prompt)
    return {f"{number:05d}": prompt for number, prompt in enumerate(listed)}


def requests(asked: Mapping[str, Prompt]) -> list[Request]:
    """Four images of each."""
    return [
        Request(name, each.prompt, k, group=each.tag)
        for name, each in asked.items()
        for k in range(IMAGES)
    ]


def figures(rows: Sequence[Row]) -> list["Metric"]:
    """The share of right images of each tag; ``overall`` is the mean of tags."""
    from infer.harness import metrics

    tags = metrics.by_group(rows)
    return [
        metrics.macro("overall", rows, lambda row: row.score),
        *(metrics.share(tag, own, lambda row: row.score == 1) for tag, own in tags.items()),
    ]


class GenEval(Benchmark):
    """Reads ``data``, the folder of detections; it is needed once the images are there."""

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._prompts = prompts()
        self._digest = hashlib.sha256()

    @property
    def facts(self) -> Mapping[str, Any]:
        """Whose detections these are."""
        return {"prompts": PROMPTS.sha256, "detections": self._digest.hexdigest()}

    def requests(self) -> Sequence[Request]:
        """Four images of each prompt."""
        return requests(self._prompts)

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Whether it is right, and why not. Raises ``UsageError`` for what is no detections."""
        if seen.is_missing:
            return Measured(0.0, "no image")
        wrong = self._failures(request)
        return Measured(float(not wrong), "\n".join(wrong))

    def _failures(self, request: Request) -> list[str]:
        name = Path(request.file).with_suffix(".json").name
        if self.data is None:
            raise UsageError(
                "expected --data, now that the images are there: a folder with a file such as"
                f" {name} for each, of a detector's boxes (docs/evaluation.md)"
            )
        path = Path(self.data) / name
        if not path.is_file():
            raise UsageError(f"--data {self.data}: no {name} here, of {request.file}")
        content = path.read_bytes()
        self._digest.update(content)
        try:
            listed = Detections.model_validate_json(content)
            return failures(self._prompts[request.id], listed.objects)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise UsageError(
                f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
            ) from None
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from None

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """By tag, and the mean of tags."""
        return figures(rows)
