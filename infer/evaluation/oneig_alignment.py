"""OneIG-Bench's alignment by a judge: yes or no, with questions that depend on others.

Source: https://github.com/OneIG-Bench/OneIG-Benchmark; it has no licence, so all is the user's:
``--data`` is a folder with ``OneIG-Bench.csv`` or ``OneIG-Bench-ZH.csv`` and the questions,
``anime.json`` and so on (``anime_zh.json`` beside the Chinese prompts), of scripts/alignment/Q_D.
Its judge is Qwen2.5-VL-7B. Zeroing there looks at the answers as they were given.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Question, Request, Row, Seen
from infer.evaluation.dpg_bench import zeroed
from infer.harness import answers, prompt_files
from infer.harness.prompt_files import PromptFile, Record

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

IMAGES = 4  # of each prompt
WHENCE = "https://github.com/OneIG-Bench/OneIG-Benchmark"
PROMPTS = {
    "": PromptFile(name="OneIG-Bench.csv", whence=WHENCE),
    "_zh": PromptFile(name="OneIG-Bench-ZH.csv", whence=WHENCE),
}
SETS = {
    "Anime_Stylization": "anime",
    "Portrait": "human",
    "General_Object": "object",
    "Multilingualism": "multilingualism",
}


class Prompt(Record):
    """A row of either csv."""

    category: str
    id: str
    prompt_en: str = ""
    prompt_cn: str = ""


class Asked(Record):
    """The questions of a prompt by number, and which depend on which (0: on none)."""

    question: dict[int, str]
    dependency: dict[int, list[int]]


class OneIgAlignment(Benchmark):
    """A prompt is the mean of its four images, the figure that of prompts."""

    asks = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._asked: dict[str, Asked] = {}
        self._digests: dict[str, str] = {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which files these are."""
        return dict(self._digests)

    def requests(self) -> Sequence[Request]:
        """Four images of each prompt of the sets that have questions."""
        folder = Path(self.data or "")
        ending = next((end for end, file in PROMPTS.items() if (folder / file.name).is_file()), "")
        listed = prompt_files.read(PROMPTS[ending], self.data, Prompt)
        self._digests[PROMPTS[ending].name] = prompt_files.digest(PROMPTS[ending], self.data)
        made: list[Request] = []
        for name, short in SETS.items():
            own = [each for each in listed if each.category == name]
            asked = self._questions(folder / f"{short}{ending}.json") if own else {}
            for each in own:
                if each.id not in asked:
                    raise UsageError(f"--data {folder}: no questions about {name} {each.id}")
                prompt_id = f"{short}-{each.id}"
                self._asked[prompt_id] = asked[each.id]
                prompt = each.prompt_cn if ending else each.prompt_en
                made += [Request(prompt_id, prompt, k, group=name) for k in range(IMAGES)]
        return made

    def _questions(self, path: Path) -> dict[str, Asked]:
        if not path.is_file():
            raise UsageError(
                f"--data {path.parent}: no {path.name} here; it is to be had at {WHENCE},"
                " scripts/alignment/Q_D"
            )
        content = path.read_bytes()
        self._digests[path.name] = hashlib.sha256(content).hexdigest()
        try:
            return {
                name: Asked.model_validate({key: _parsed(value) for key, value in each.items()})
                for name, each in json.loads(content).items()
            }
        except (ValueError, AttributeError, ValidationError) as error:
            raise UsageError(f"{path}: not readable ({error})") from None

    def questions(self, request: Request, image: "Image.Image") -> Sequence[Question]:
        """All of the prompt's."""
        asked = self._asked[request.id].question.values()
        return [Question(f"{text} {answers.BRIEFLY}") for text in asked]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """The share of yes, of those alone whose parents are."""
        asked = self._asked[request.id]
        pairs = zip(asked.question, seen.answers, strict=True)
        given = {number: answers.is_yes(answer) for number, answer in pairs}
        after = zeroed(given, asked.dependency, cascade=False)
        wrong = [text for number, text in asked.question.items() if not after[number]]
        return Measured(sum(after.values()) / len(after), "\n".join(wrong))

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """Of all prompts, and of each set."""
        from infer.harness import metrics

        sets = metrics.by_group(rows)
        return [
            metrics.mean("alignment", rows, lambda row: row.score),
            *(metrics.mean(name, own, lambda row: row.score) for name, own in sets.items()),
        ]


def _parsed(value: Any) -> Any:
    """Some files have their objects as text of JSON."""
    return json.loads(value) if isinstance(value, str) else value
