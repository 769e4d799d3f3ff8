"""TIIF-Bench's text rendering (arXiv 2506.02161), whose prompts nobody may ship: words matched.

GNED (lower is better): read words are assigned to asked ones at the least sum of normalised edit
distances (Hungarian method), a word without a partner costs 1, over the larger number of words.
Recall: the share of asked words that some read word is within 0.3 of. Its own reader is PaddleOCR.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from curation.failures.errors import UsageError
from curation.networks import weights
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import metrics, prompt_files, rendering, texts
from train.quotations import quoted

if TYPE_CHECKING:
    from PIL import Image

FILE = prompt_files.PromptFile(
    name="text_prompts.jsonl",
    whence="https://github.com/A113N-W3I/TIIF-Bench, the text kind of data/testmini_prompts; add"
    ' what each image should say as "text": ["drink", "tea"], else it is what the prompt quotes',
)
NEAR = 0.3  # of a word's length


class Prompt(BaseModel):
    """A row: a short and a long prompt, and the words of both."""

    short_description: str
    long_description: str
    text: list[str] | None = None


class TiifText(Benchmark):
    """An image of each short and each long prompt."""

    reads = True

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which file it was, and how many of its rows say their words themselves."""
        listed = prompt_files.read(FILE, self.data, Prompt)
        digest = prompt_files.digest(FILE, self.data)
        stated = sum(each.text is not None for each in listed)
        return {"prompts_sha256": digest, "rows_with_text": stated, "rows": len(listed)}

    def requests(self) -> Sequence[Request]:
        """By row, short before long."""
        return [
            Request(
                f"{number:03d}-{group}", prompt, group=group, texts=_words(each, prompt, number)
            )
            for number, each in enumerate(prompt_files.read(FILE, self.data, Prompt))
            for group, prompt in (
                ("short", each.short_description),
                ("long", each.long_description),
            )
        ]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Of the image's words, split at single spaces, as its code does."""
        read = [word for line in seen.lines for word in line.text.lower().split(" ")] or [""]
        distance = gned(request.texts, read)
        values = {"gned": distance, "recall": recall(request.texts, read)}
        return Measured(1 - distance, seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence[metrics.Metric]:
        """Means over images, of short and of long prompts."""
        return [
            metrics.mean(f"{name}, {group}", of, metrics.value(name))
            for name in ("gned", "recall")
            for group, of in metrics.by_group(rows).items()
        ]

    def perfect(self, request: Request) -> "Image.Image | None":
        """A page with a line for each word."""
        return rendering.page(request.texts, chinese=False)


def gned(targets: Sequence[str], read: Sequence[str]) -> float:
    """0 to 1. Raises ``MissingModelError`` without scipy."""
    weights.need("pip install 'inkstone[evaluate]'", "scipy")
    from scipy.optimize import linear_sum_assignment

    costs = np.array([[texts.difference(word, target) for target in targets] for word in read])
    alone = abs(len(targets) - len(read))
    least = costs[linear_sum_assignment(costs)].sum()
    return float((least + alone) / max(len(targets), len(read)))


def recall(targets: Sequence[str], read: Sequence[str]) -> float:
    """0 to 1. Each target takes the first word near it that is left, as the benchmark's code has
    it, which may leave another target without.
    """
    left, right = list(read), 0
    for target in targets:
        near = next((word for word in left if texts.difference(target, word) <= NEAR), None)
        if near is not None:
            left.remove(near)
            right += 1
    return right / len(targets)


def _words(row: Prompt, prompt: str, number: int) -> tuple[str, ...]:
    words = texts.words(quoted(prompt)) if row.text is None else [each.lower() for each in row.text]
    if not words:
        raise UsageError(f"{FILE.name}, row {number + 1}: no text to be written, and no quotation")
    return tuple(words)
