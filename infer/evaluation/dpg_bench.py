"""DPG-Bench's questions by a judge: dense prompts, and is all of it there?

Source: https://github.com/TencentQQGYLab/ELLA (Apache-2.0), whose rule this is; its judge is
mPLUG-large, so another judge's figures bear that one's name. ``--data`` is ``dpg_bench.csv``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Question, Request, Row, Seen
from infer.harness import answers, prompt_files
from infer.harness.prompt_files import PromptFile, Record

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

IMAGES = 4  # of each prompt
PROMPTS = PromptFile(
    name="dpg_bench.jsonl",
    whence="https://github.com/TencentQQGYLab/ELLA, dpg_bench/prompts",
    sha256="4ccf6ddc52a40b99089c1bd1a664a91537cdfda3b7aaa35fb4813976bed3edad",
    rows=1065,
)
QUESTIONS = PromptFile(
    name="dpg_bench.csv", whence="https://github.com/TencentQQGYLab/ELLA, dpg_bench/dpg_bench.csv"
)


class Prompt(Record):
    """A row of the shipped prompts."""

    id: str
    prompt: str


class Proposition(Record):
    """A row of the csv, as far as it is used."""

    item_id: str
    proposition_id: int
    dependency: str
    tuple: str
    question_natural_language: str


@dataclass(frozen=True)
class Asked:
    """A question: its number, those whose no makes it a no, its category, and its words."""

    number: int
    parents: tuple[int, ...]
    category: str
    text: str


def zeroed(
    given: Mapping[int, bool], parents: Mapping[int, Sequence[int]], *, cascade: bool
) -> dict[int, bool]:
    """Answers of which those are no that have a parent that is; with ``cascade`` also one that was
    made so before, in the order of the questions.
    """
    after = dict(given)
    for number, above in parents.items():
        seen = after if cascade else given
        if any(parent in seen and not seen[parent] for parent in above if parent):
            after[number] = False
    return after


def questions(listed: Sequence[Proposition]) -> dict[str, list[Asked]]:
    """By prompt. As in the source, the first row of the csv is not asked.

    Raises ``UsageError`` for a dependency that is no list of numbers.
    """
    by_prompt: dict[str, dict[int, Asked]] = {}
    for row in listed[1:]:
        try:
            parents = tuple(int(each) for each in row.dependency.split(","))
        except ValueError:
            raise UsageError(
                f"{QUESTIONS.name}: {row.item_id}: dependency {row.dependency!r}: expected numbers"
            ) from None
        category = row.tuple.split("(")[0].split("-")[0].strip()
        asked = Asked(row.proposition_id, parents, category, row.question_natural_language)
        by_prompt.setdefault(row.item_id, {})[asked.number] = asked
    return {name: list(own.values()) for name, own in by_prompt.items()}


class DpgBench(Benchmark):
    """A prompt is the mean of its images, an image that of its answers after zeroing."""

    asks = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._asked: dict[str, list[Asked]] = {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which files these are."""
        digest = prompt_files.digest(QUESTIONS, self.data)
        return {"prompts": PROMPTS.sha256, "questions": digest, "first_row": "not asked, as there"}

    def requests(self) -> Sequence[Request]:
        """Four images of each prompt."""
        self._asked = questions(prompt_files.read(QUESTIONS, self.data, Proposition))
        listed = prompt_files.read(PROMPTS, str(Path(__file__).parent / "data"), Prompt)
        if lacking := [each.id for each in listed if each.id not in self._asked]:
            raise UsageError(
                f"--data {self.data}: no questions about {len(lacking)} of {len(listed)} prompts,"
                f" such as {lacking[0]}"
            )
        return [
            Request(each.id, each.prompt, k, facts={"last": k == IMAGES - 1})
            for each in listed
            for k in range(IMAGES)
        ]

    def questions(self, request: Request, image: "Image.Image") -> Sequence[Question]:
        """All of the prompt's."""
        asked = self._asked[request.id]
        return [Question(f"{each.text} {answers.BRIEFLY}") for each in asked]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """The share of yes after zeroing; by category before it."""
        asked = self._asked[request.id]
        pairs = list(zip(asked, seen.answers, strict=True))
        given = {each.number: answers.is_yes(answer) for each, answer in pairs}
        after = zeroed(given, {each.number: each.parents for each in asked}, cascade=True)
        categories: dict[str, list[int]] = {}
        for each in asked:
            counts = categories.setdefault(each.category, [0, 0])
            counts[0] += given[each.number]
            counts[1] += 1
        wrong = [each.text for each in asked if not after[each.number]]
        score = sum(after.values()) / len(after)
        return Measured(score, "\n".join(wrong), {"categories": categories})

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """0 to 100; categories, as in the source, of the last image of each prompt alone."""
        from infer.harness import metrics

        last = [row for row in rows if row.facts["last"]]
        known = sorted({name for row in last for name in row.values["categories"]})
        return [
            metrics.mean("score", rows, lambda row: 100 * row.score),
            *(_category(name, last) for name in known),
        ]


def _category(name: str, rows: Sequence[Row]) -> "Metric":
    from infer.harness import metrics

    def counts(row: Row) -> Sequence[int]:
        return list(row.values["categories"].get(name, (0, 0)))

    return metrics.pooled(
        name, rows, lambda row: 100.0 * counts(row)[0], lambda row: float(counts(row)[1])
    )
