"""OneIG-Bench's text rendering, English (arXiv 2506.07977), whose prompts nobody may ship.

1 - min(M, ED)(1 - CR)(1 - WAC)/M of four images of each prompt. ED: mean Levenshtein distance; CR:
share of images with none; WAC: words (characters where there are hanzi) that were read, pooled.
Its own reader is Qwen2.5-VL-7B (``--reader judge``).
"""

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import AliasChoices, BaseModel, Field

from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import metrics, prompt_files, rendering, texts

if TYPE_CHECKING:
    from PIL import Image

WHENCE = "https://github.com/OneIG-Bench/OneIG-Benchmark, in scripts/text"
IMAGES = range(4)
ROWS = 200
_LONGEST = 10_000  # characters of a list that is read as one


class Prompt(BaseModel):
    """A row of its file; ``text_content`` is a list of texts, as Python writes it."""

    id: str
    prompt: str = Field(validation_alias=AliasChoices("prompt_en", "prompt_cn"))
    text_content: str


class OneIgTextEn(Benchmark):
    """Of ``text_content.csv``, with an M of 100."""

    reads = True
    reading = texts.INSTRUCTION
    file: ClassVar = prompt_files.PromptFile(name="text_content.csv", whence=WHENCE, rows=ROWS)
    most: ClassVar[int] = 100  # M, in characters

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which file it was, and M."""
        return {"prompts_sha256": prompt_files.digest(self.file, self.data), "M": self.most}

    def requests(self) -> Sequence[Request]:
        """Four images each, for what the benchmark has in one grid of 2x2."""
        return [
            Request(
                each.id,
                each.prompt,
                k,
                texts=_texts(each.text_content),
                # The benchmark cleans the list as it is written, escapes of newlines included.
                facts={"target": _cleaned(each.text_content)},
            )
            for each in prompt_files.read(self.file, self.data, Prompt)
            for k in IMAGES
        ]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Distance and matches; of nothing read, all of the target is amiss."""
        target = request.facts["target"]
        read = _cleaned(texts.without(seen.text, texts.HALLUCINATIONS))
        units, read_units = (
            (target, read) if texts.has_hanzi(target) else (target.split(), read.split())
        )
        distance = texts.distance(read, target)
        values = {
            "distance": distance,
            "right": texts.matched(units, read_units),
            "of": len(units),
            "length": len(target),
            "most": self.most,
        }
        return Measured(max(0.0, 1 - distance / max(len(target), 1)), seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence[metrics.Metric]:
        """The score and its three parts; and the score of empty images, which is not 0 where texts
        are shorter than M.
        """
        most = float(rows[0].values["most"]) if rows else 1.0

        def terms(row: Row) -> Sequence[float]:
            values = row.values
            exact = float(values["distance"] == 0)
            return values["distance"], exact, values["right"], values["of"], 1.0

        def of_sums(sums: metrics.Floats) -> metrics.Floats:
            images = np.maximum(sums[..., 4], 1.0)
            distance = np.minimum(most, sums[..., 0] / images)
            exact, accuracy = sums[..., 1] / images, metrics.ratio(sums[..., 2:4])
            score = 1 - distance * (1 - exact) * (1 - accuracy) / most
            return np.asarray(np.where(sums[..., 4] > 0, score, 0.0))

        def empty(sums: metrics.Floats) -> metrics.Floats:
            return np.asarray(1 - np.minimum(most, metrics.ratio(sums)) / most)

        return [
            metrics.formula("text_score", rows, terms, of_sums),
            metrics.mean("edit_distance", rows, metrics.value("distance")),
            metrics.share("completion_rate", rows, lambda row: row.values["distance"] == 0),
            metrics.pooled("word_accuracy", rows, metrics.value("right"), metrics.value("of")),
            metrics.formula(
                "text_score_of_empty_images",
                rows,
                lambda row: (row.values["length"], 1.0),
                empty,
                by=(),
            ),
        ]

    def perfect(self, request: Request) -> "Image.Image | None":
        """A page of the texts; escapes in the benchmark's targets keep some from being exact."""
        return rendering.page(request.texts, chinese=texts.has_hanzi(request.facts["target"]))


def _cleaned(text: str) -> str:
    return texts.cleaned(text, spaces=not texts.has_hanzi(text))


def _texts(written: str) -> tuple[str, ...]:
    if len(written) > _LONGEST:
        return (written,)
    try:
        listed = ast.literal_eval(written)
    except (ValueError, SyntaxError, RecursionError, MemoryError):  # of what is nested deeply
        return (written,)
    is_list = isinstance(listed, list) and all(isinstance(each, str) for each in listed)
    return tuple(listed) if is_list else (written,)
