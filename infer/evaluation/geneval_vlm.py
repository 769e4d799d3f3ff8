"""GenEval-VLM: GenEval's prompts by a judge's yes or no for each clause. Not GenEval's figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infer.evaluation import geneval
from infer.evaluation.benchmark import Benchmark, Measured, Question, Request, Row, Seen
from infer.harness import answers
from infer.harness.detections import Prompt

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric


def clauses(prompt: Prompt) -> list[tuple[str, bool]]:
    """What is asked of a prompt's image, and whether yes is right."""
    asked: list[tuple[str, bool]] = []
    for clause in prompt.include:
        name = clause.class_
        asked.append((f"Are at least {clause.count} objects of the kind {name} visible?", True))
        if clause.color:
            asked.append((f"Is every object of the kind {name} {clause.color}?", True))
        if clause.position:
            relation, place = clause.position
            other = prompt.include[place].class_
            asked.append((f"In the image, is the {name} {relation} the {other}?", True))
    for clause in prompt.exclude:
        name = clause.class_
        asked.append((f"Are at least {clause.count} objects of the kind {name} visible?", False))
    return asked


class GenEvalVlm(Benchmark):
    """Every clause is a question; an image is right where all are answered as expected."""

    asks = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._prompts = geneval.prompts()

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which prompts these are."""
        return {"prompts": geneval.PROMPTS.sha256, "label": "GenEval-VLM"}

    def requests(self) -> Sequence[Request]:
        """Those of GenEval."""
        return geneval.requests(self._prompts)

    def questions(self, request: Request, image: "Image.Image") -> Sequence[Question]:
        """One for each clause."""
        asked = clauses(self._prompts[request.id])
        return [Question(f"{text} {answers.BRIEFLY}") for text, _ in asked]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Whether all is as it should be; a word that is neither yes nor no is wrong."""
        asked = clauses(self._prompts[request.id])
        wrong = [
            f"{text} {answer}"
            for (text, expected), answer in zip(asked, seen.answers, strict=True)
            if answers.yes_or_no(answer) != ("yes" if expected else "no")
        ]
        return Measured(float(not wrong), "\n".join(wrong))

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """By tag, and the mean of tags."""
        return geneval.figures(rows)
