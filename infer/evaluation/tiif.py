"""TIIF-Bench's questions by a judge: short and long prompts, yes or no, kinds in groups.

Source: https://github.com/A113N-W3I/TIIF-Bench; it has no licence, so all is the user's: ``--data``
is a folder with ``<kind>_prompts.jsonl`` and ``<kind>_eval_prompts.jsonl``, a line for a line. The
source asks GPT-4o with one of three wordings at temperature 1; here it is one wording, ours, at 0.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Question, Request, Row, Seen
from infer.harness import answers, prompt_files, tiif_groups
from infer.harness.prompt_files import PromptFile, Record

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

WHENCE = "https://github.com/A113N-W3I/TIIF-Bench"
LENGTHS = ("short", "long")
WORDING = (
    "Answer each of these questions about the image with yes or no, a line for each and nothing"
    " else, in their order:\n{questions}"
)
_PROMPTS, _ASKED = "_prompts.jsonl", "_eval_prompts.jsonl"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Prompt(Record):
    """A line of a file of prompts."""

    type: str
    short_description: str
    long_description: str


class Asked(Record):
    """The questions of the same line."""

    yn_question_list: list[str]
    yn_answer_list: list[str]


def given(answer: str, count: int) -> list[str] | None:
    """The answers of lines that begin with yes or no; None where they are not so many."""
    said = [each for each in map(answers.yes_or_no, answer.splitlines()) if each]
    return said if len(said) == count else None


class Tiif(Benchmark):
    """Two images of each line. An answer with another number of lines is wrong, and is said (the
    source asks again, at its temperature).
    """

    asks = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._asked: dict[str, Asked] = {}
        self._digest = hashlib.sha256()

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which files these are, and how a judge is asked."""
        return {"files": self._digest.hexdigest(), "wording": WORDING}

    def requests(self) -> Sequence[Request]:
        """Of the short and of the long prompt of each line."""
        folder = Path(self.data or "")
        files = sorted(folder.rglob(f"*{_ASKED}")) if self.data else []
        if not files:
            raise UsageError(f"expected --data: a folder with <kind>{_ASKED} of {WHENCE}")
        made: list[Request] = []
        for file in files:
            kind = file.name.removesuffix(_ASKED)
            made += self._of_kind(folder, file, kind)
        return made

    def _of_kind(self, folder: Path, file: Path, kind: str) -> list[Request]:
        names = sorted(folder.rglob(f"{kind}{_PROMPTS}"))
        if not names:
            raise UsageError(f"--data {folder}: no {kind}{_PROMPTS} here; of {WHENCE}")
        listed: list[Any] = []
        for path, record in ((names[0], Prompt), (file, Asked)):
            expected = PromptFile(name=path.name, whence=WHENCE)
            listed.append(prompt_files.read(expected, str(path), record))
            self._digest.update(path.read_bytes())
        prompts, asked = listed
        if len(prompts) != len(asked):
            raise UsageError(f"{file}: {len(asked)} lines, of {len(prompts)} prompts")
        made: list[Request] = []
        for number, (prompt, own) in enumerate(zip(prompts, asked, strict=True)):
            if len(own.yn_question_list) != len(own.yn_answer_list) or not own.yn_answer_list:
                raise UsageError(f"{file}, row {number + 1}: expected an answer to each question")
            for length in LENGTHS:
                name = f"{_UNSAFE.sub('-', kind)}-{number:03d}-{length}"
                self._asked[name] = own
                text = getattr(prompt, f"{length}_description")
                facts = {"length": length, "kind": prompt.type}
                group = f"{prompt.type}, {length}"
                made.append(Request(name, text, group=group, facts=facts))
        return made

    def questions(self, request: Request, image: "Image.Image") -> Sequence[Question]:
        """One, with all questions of the line."""
        listed = "\n".join(self._asked[request.id].yn_question_list)
        return [Question(WORDING.format(questions=listed))]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """How many answers are those expected."""
        expected = [each.strip().casefold() for each in self._asked[request.id].yn_answer_list]
        said = given(seen.answers[0], len(expected))
        right = sum(a == b for a, b in zip(said or [], expected, strict=False))
        values = {"right": right, "of": len(expected), "unclear": said is None}
        return Measured(right / len(expected), seen.answers[0], values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """Of each length: ``overall`` is the mean of the source's nine groups, each the mean of its
        kinds; ``basic`` and ``advanced`` are means of all their kinds; a kind is the share of right
        answers, pooled. Kinds and groups without rows are left out.
        """
        from infer.harness import metrics

        listed: list[Metric] = []
        for length in LENGTHS:
            own = [row for row in rows if row.facts["length"] == length]
            named = tiif_groups.named({row.facts["kind"] for row in own})
            listed += [
                tiif_groups.mean(f"{name}, {length}", own, groups) for name, groups in named.items()
            ]
        for kind, own in metrics.by_group(rows).items():
            listed.append(
                metrics.pooled(
                    kind, own, lambda row: row.values["right"], lambda row: row.values["of"]
                )
            )
        asked = [row for row in rows if not row.is_missing]
        if any(row.values["unclear"] for row in asked):
            listed.append(metrics.share("unclear", asked, lambda row: row.values["unclear"]))
        return listed
