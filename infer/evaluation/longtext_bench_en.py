"""LongText-Bench, English: which of many words stand in an image? (X-Omni, arXiv 2507.22058.)

Four images of 160 prompts. Order does not count and more text costs nothing. Its own reader is
Qwen2.5-VL-7B (``--reader judge``).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import prompt_files, rendering, texts

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

WHENCE = "https://huggingface.co/datasets/X-Omni/LongText-Bench (Apache-2.0)"
IMAGES = range(1, 5)


class Prompt(BaseModel):
    """A row of its file: ``text`` is what should be written, in pieces."""

    prompt_id: int
    prompt: str
    text: list[str]
    category: str = ""
    length: str = ""


class LongTextBenchEn(Benchmark):
    """Words, in lower case, of ``text_prompts.jsonl``."""

    reads = True
    reading = texts.INSTRUCTION
    file: ClassVar = prompt_files.PromptFile(name="text_prompts.jsonl", whence=WHENCE, rows=160)
    chinese: ClassVar[bool] = False

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which file it was: no checksum of it was ever published."""
        return {"prompts_sha256": prompt_files.digest(self.file, self.data)}

    def requests(self) -> Sequence[Request]:
        """Named as the benchmark names its files: ``0000_1.png``."""
        return [
            Request(
                f"{each.prompt_id:04d}",
                each.prompt,
                k,
                group=each.category,
                texts=tuple(each.text),
                facts={"length": each.length},
            )
            for each in prompt_files.read(self.file, self.data, Prompt)
            for k in IMAGES
        ]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """How many words were read. ``fixed`` without all that the reader says of its own: the
        benchmark's code means to leave two phrases out, and leaves out the second alone.
        """
        targets = self._units(" ".join(request.texts))
        read = texts.without(seen.text, texts.HALLUCINATIONS[-1:])
        right = texts.matched(targets, self._units(read))
        fixed = self._units(texts.without(seen.text, texts.HALLUCINATIONS))
        values = {
            "right": right,
            "fixed": texts.matched(targets, fixed),
            "of": len(targets),
        }
        return Measured(right / max(len(targets), 1), seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """Pooled over images: a long text counts more than a short one."""
        from infer.harness import metrics

        return [
            metrics.pooled(name, rows, metrics.value(right), metrics.value("of"))
            for name, right in (("text_score", "right"), ("text_score_fixed", "fixed"))
        ]

    def perfect(self, request: Request) -> "Image.Image | None":
        """A page of the texts."""
        return rendering.page(request.texts, chinese=self.chinese)

    def _units(self, text: str) -> Sequence[str]:
        if self.chinese:
            return texts.cleaned(text, spaces=False)
        return texts.cleaned(text).lower().split()
