"""Diversity: how different are eight images of one prompt, and how many of them say what it quotes?

Our own: no benchmark's. Images of a model that writes well and always the same are right and alike;
noise differs and is wrong. So neither figure means much without the other.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from curation.failures.errors import UsageError
from curation.networks import class_posterior
from curation.networks.weights import MissingModelError
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import metrics, prompt_files, rendering, texts
from train.quotations import quoted

if TYPE_CHECKING:
    from PIL import Image

SEEDS = 8
SIDE = 24  # pixels of the squares whose colours are compared
FILE = prompt_files.PromptFile(
    name="prompts.jsonl",
    whence='you: a line {"prompt": "..."} for each, texts to be written in double quotes',
)
# As the renderer's strings are captioned.
_PROMPTS = tuple(
    f'The text "{text}" in {ink} on a white background.'
    for ink, texts_of_ink in {
        "red": ("K7", "INK", "A4", "H2"),
        "green": ("STONE", "B", "M90"),
        "blue": ("PAPER", "T5", "W"),
        "black": ("BRUSH", "X3"),
    }.items()
    for text in texts_of_ink
)


class Prompt(BaseModel):
    """A row of a file of the user's."""

    prompt: str


class Diversity(Benchmark):
    """Of prompts of our own, of the file that ``--data`` names where it does."""

    reads = True

    @property
    def facts(self) -> Mapping[str, Any]:
        """Whose prompts, and what compares images."""
        own = "our own" if self.data is None else prompt_files.digest(FILE, self.data)
        missing = "not computed: pip install 'inkstone[curate]'"
        return {
            "prompts": own,
            "pixel_distance": f"mean absolute difference of {SIDE}x{SIDE} pixels, 0 to 1",
            "efficientnet_lite0_distance": "1 - cosine" if self._network else missing,
        }

    def requests(self) -> Sequence[Request]:
        """Eight of each prompt."""
        prompts: Sequence[str] = _PROMPTS
        if self.data is not None:
            prompts = [each.prompt for each in prompt_files.read(FILE, self.data, Prompt)]
        for prompt in prompts:
            if not texts.cleaned(" ".join(quoted(prompt))):
                raise UsageError(f"expected letters in double quotes in every prompt: {prompt!r}")
        return [
            Request(f"{number:04d}", prompt, k, texts=tuple(quoted(prompt)))
            for number, prompt in enumerate(prompts)
            for k in range(SEEDS)
        ]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """What was read, and what the image is compared by."""
        asked = texts.cleaned(" ".join(request.texts), spaces=False)
        read = texts.cleaned(seen.text, spaces=False)
        values: dict[str, Any] = {"right": read == asked}
        if not seen.is_missing:
            square = seen.image.resize((SIDE, SIDE))
            values["pixels"] = np.asarray(square).ravel().tolist()
            if self._network is not None:
                vector = self._network.vector(np.array(seen.image))
                values["vector"] = vector.astype(float).round(5).tolist()
        return Measured(1 - texts.difference(asked, read), seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence[metrics.Metric]:
        """Shares of images, and means over prompts of the distance between two images of each,
        missing ones left out.
        """
        listed = [
            metrics.share("right", rows, lambda row: row.values["right"]),
            metrics.mean("likeness", rows, lambda row: row.score),
        ]
        right = [row for row in rows if row.values["right"]]
        for name, key, distance in (
            ("pixel_distance", "pixels", _of_pixels),
            ("efficientnet_lite0_distance", "vector", _of_vectors),
        ):
            if any(_pairs(rows, key)):
                listed.append(_between(name, rows, key, distance, ()))
                listed.append(_between(f"{name}_of_right", right, key, distance, None))
        return listed

    @cached_property
    def _network(self) -> class_posterior.Classifier | None:
        try:
            return class_posterior.Classifier()
        except MissingModelError:
            return None

    def perfect(self, request: Request) -> "Image.Image | None":
        """A page of the texts: of the reader alone, so that no distance has a ceiling."""
        return rendering.page(request.texts)


Numbers = NDArray[np.float64]


def _of_pixels(first: Numbers, second: Numbers) -> float:
    return float(np.abs(first - second).mean() / 255)


def _of_vectors(first: Numbers, second: Numbers) -> float:
    return max(0.0, 1 - float(first @ second))


def _pairs(rows: Sequence[Row], key: str) -> Iterator[tuple[str, Numbers, Numbers]]:
    """Every two images of a prompt, as its id and both their values."""
    by_prompt: dict[str, list[Numbers]] = {}
    for row in rows:
        if key in row.values:
            own = np.asarray(row.values[key], np.float64)
            by_prompt.setdefault(row.id, []).append(own)
    for prompt, images in by_prompt.items():
        yield from ((prompt, *pair) for pair in combinations(images, 2))


def _between(
    name: str,
    rows: Sequence[Row],
    key: str,
    distance: Callable[[Numbers, Numbers], float],
    by: tuple[str, ...] | None,
) -> metrics.Metric:
    distances: dict[str, list[float]] = {}
    for prompt, first, second in _pairs(rows, key):
        distances.setdefault(prompt, []).append(distance(first, second))
    used = [row for row in rows if row.id in distances and key in row.values]
    images = Counter(row.id for row in used)

    def terms(row: Row) -> Sequence[float]:
        own = distances[row.id]
        return sum(own) / len(own) / images[row.id], 1 / images[row.id]

    return metrics.formula(name, used, terms, metrics.ratio, by=by)
