"""ImgEdit-Bench's basic marks by a judge: three of 1 to 5, by a rubric for each kind of edit.

Source: https://github.com/PKU-YuanGroup/ImgEdit; it has no licence, so all is the user's:
``--data`` is a folder with its ``basic_edit.json``, its ``prompts.json`` (the rubrics) and the
pictures that the first names. Its judge is GPT-4o (GPT-4.1 in the report).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Question, Request, Row, Seen
from infer.evaluation.gedit_bench import decoded
from infer.harness.prompt_files import Record

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

WHENCE = "https://github.com/PKU-YuanGroup/ImgEdit"
EDITS, RUBRICS = "basic_edit.json", "prompts.json"
MARKS, LOWEST, HIGHEST = 3, 1, 5
_PLACE = "<edit_prompt>"  # of the instruction in a rubric
_MARK = re.compile(r"^[^:]+: (\d+)$")


class Edit(Record):
    """An entry of ``basic_edit.json``: ``id`` is the path of its picture."""

    id: str
    prompt: str
    edit_type: str


def marks(answer: str) -> list[int] | None:
    """The marks of an answer, as the source reads them: lines of a name, ``: `` and a number.

    None where these are not three of 1 to 5.
    """
    matched = [_MARK.match(line.strip()) for line in answer.splitlines()]
    numbers = [int(each[1]) for each in matched if each]
    fine = len(numbers) == MARKS and all(LOWEST <= each <= HIGHEST for each in numbers)
    return numbers if fine else None


def average(given: Sequence[int], *, is_capped: bool) -> float:
    """Of three marks, to two decimals: where capped, none is more than the first."""
    counted = [min(each, given[0]) for each in given] if is_capped else given
    return round(sum(counted) / len(counted), 2)


class ImgEdit(Benchmark):
    """One image of each edit. The rubrics tell the judge that the first mark caps the others, which
    the source does not check: here they are capped, ``as_answered`` is without. What is no three
    marks counts as 1 (the source leaves it out), and is said.
    """

    asks = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._pictures: dict[str, bytes] = {}
        self._rubrics: dict[str, str] = {}
        self._digests: dict[str, str] = {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which files these are."""
        return {**self._digests, "edits": len(self._pictures)}

    def requests(self) -> Sequence[Request]:
        """One of each entry."""
        if self.data is None or not Path(self.data).is_dir():
            raise UsageError(
                f"expected --data: a folder with {EDITS}, {RUBRICS} and the pictures of {WHENCE}"
            )
        folder = Path(self.data)
        self._rubrics = {name: str(text) for name, text in self._read(folder / RUBRICS).items()}
        made: list[Request] = []
        for name, entry in self._read(folder / EDITS).items():
            try:
                edit = Edit.model_validate(entry)
            except ValidationError as error:
                raise UsageError(f"{folder / EDITS}: {name}: {error}") from None
            if edit.edit_type not in self._rubrics:
                raise UsageError(f"{folder / RUBRICS}: no rubric of {edit.edit_type!r}")
            picture = (folder / edit.id).resolve()
            if not picture.is_relative_to(folder.resolve()) or not picture.is_file():
                raise UsageError(f"--data {folder}: no picture {edit.id} here")
            given = (picture.read_bytes(),)
            self._pictures[name] = given[0]
            made.append(Request(name, edit.prompt, group=edit.edit_type, inputs=given))
        return made

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            content = path.read_bytes()
            parsed = json.loads(content)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: not readable ({error}); of {WHENCE}") from None
        if not isinstance(parsed, dict):
            raise UsageError(f"{path}: expected an object")
        self._digests[path.name] = hashlib.sha256(content).hexdigest()
        return parsed

    def questions(self, request: Request, image: "Image.Image") -> Sequence[Question]:
        """The rubric of the kind, of source and result."""
        rubric = self._rubrics[request.group].replace(_PLACE, request.prompt)
        return [Question(rubric, (decoded(self._pictures[request.id]), image))]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """The average of the three marks."""
        given = marks(seen.answers[0])
        counted = given or [LOWEST] * MARKS
        capped = 0.0 if seen.is_missing else average(counted, is_capped=True)
        plain = 0.0 if seen.is_missing else average(counted, is_capped=False)
        values = {"capped": capped, "as_answered": plain, "unclear": given is None}
        return Measured(capped / HIGHEST, seen.answers[0], values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """The mean over kinds of the means of kinds, and each kind's; 1 to 5, missing ones 0."""
        from infer.harness import metrics

        asked = [row for row in rows if not row.is_missing]
        listed = [
            metrics.macro("overall", rows, lambda row: row.values["capped"]),
            metrics.macro("overall as_answered", rows, lambda row: row.values["as_answered"]),
        ]
        for kind, own in metrics.by_group(rows).items():
            listed.append(metrics.mean(kind, own, lambda row: row.values["capped"]))
        if any(row.values["unclear"] for row in asked):
            listed.append(metrics.share("unclear", asked, lambda row: row.values["unclear"]))
        return listed
