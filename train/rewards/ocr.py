"""Whether an image says what its prompt quotes, read from its pixels by PP-OCR (``rapidocr``)."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from curation.networks.edit_distance import edits
from train.kinds import Share
from train.quotations import quoted
from train.rewards.reward import Reward

if TYPE_CHECKING:
    from curation.networks.ocr import TextReader
    from train.pixels import Pixels

_ROW = 0.5  # of a line's height: those whose middles are nearer stand beside one another


def _listed(value: Any) -> Any:
    """A list of a YAML or JSON file."""
    return tuple(value) if isinstance(value, list) else value


class Ocr(Reward):
    """1 - min(d, n) / n of the n characters quoted in a prompt, d the Levenshtein distance to what
    is read, 0 where that contains them; spaces and case do not count (the reward of Flow-GRPO,
    arXiv 2505.05470). A prompt that quotes nothing has 0.

    ``reads`` "page" finds lines and reads those of ``least_score``; "line" reads the image as one
    line, for a fraction of the time. Smaller images are enlarged to ``side`` pixels, a line to what
    the reader was trained on. Characters in one of ``alike``, such as "o0", count as the same: a
    reader that cannot tell them apart would reward what looks like neither.
    """

    reads: Literal["page", "line"] = "page"
    side: Annotated[int, Field(ge=32, le=4096)] = 512
    least_score: Share = 0.5
    alike: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()

    def check(self) -> None:
        _reader(self.reads)

    def scores(self, images: "Sequence[Pixels]", prompts: Sequence[str]) -> list[float]:
        """As ``Reward``. Raises ``UsageError`` where a package is missing."""
        reader, scores = _reader(self.reads), []
        for image, prompt in zip(images, prompts, strict=True):
            wanted = self._plain("".join(quoted(prompt)))
            read = self._line(reader, image) if self.reads == "line" else self._page(reader, image)
            scores.append(accuracy(wanted, self._plain(read)))
        return scores

    def _plain(self, text: str) -> str:
        """Without spaces and case; of characters that are alike the first."""
        plain = unicodedata.normalize("NFKC", text).casefold()
        first = {other: group[0] for group in self.alike for other in group.casefold()}
        return "".join(first.get(each, each) for each in plain if not each.isspace())

    def _line(self, reader: "TextReader", image: "Pixels") -> str:
        from curation.networks.ocr import LINE_HEIGHT

        return reader.line(_enlarged(image, LINE_HEIGHT / image.shape[0]))[0]

    def _page(self, reader: "TextReader", image: "Pixels") -> str:
        """Its lines from top to bottom, those beside one another from left to right."""
        lines = reader.page(_enlarged(image, max(1.0, self.side / max(image.shape[:2]))))
        boxes = [
            (line.corners.min(0), line.corners.max(0), line.text)
            for line in lines
            if line.score >= self.least_score
        ]
        boxes.sort(key=lambda box: float(box[0][1] + box[1][1]))
        rows: list[list[tuple[float, str]]] = []
        middle = float("-inf")
        for low, high, text in boxes:
            own = float(low[1] + high[1]) / 2
            if own - middle > _ROW * float(high[1] - low[1]):
                rows.append([])
                middle = own
            rows[-1].append((float(low[0]), text))
        return "".join(text for row in rows for _, text in sorted(row))


@cache
def _reader(reads: str) -> "TextReader":
    from curation.networks.ocr import LINE_HEIGHT, LINE_WIDTH, TextReader

    return TextReader(LINE_HEIGHT if reads == "line" else LINE_WIDTH)


def _enlarged(image: "Pixels", by: float) -> "Pixels":
    import numpy as np
    from PIL import Image

    height, width = image.shape[:2]
    size = max(1, round(width * by)), max(1, round(height * by))
    if size == (width, height):
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def accuracy(wanted: str, read: str) -> float:
    """1 - min(d, n) / n of the n characters that are wanted; 0 where none is."""
    if not wanted:
        return 0.0
    distance = 0 if wanted in read else edits(wanted, read)
    return 1 - min(distance, len(wanted)) / len(wanted)
