"""CVTG-2K (TextCrafter, arXiv 2503.23461): words in two to five regions, whose prompts nobody may
ship. Its own reader is PaddleOCR.

Target words are what stands between single quotes in a prompt. Word accuracy: the share of them
that some word read is, which may serve two. NED (higher is better): the mean of their likeness to
the word read that difflib finds closest. CLIPScore: 2.5 max(cosine, 0) of CLIP ViT-L/14.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from curation.failures.errors import UsageError
from curation.networks import encoders
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import clip_l14, metrics, prompt_files, rendering, texts

if TYPE_CHECKING:
    from PIL import Image

WHENCE = "https://huggingface.co/datasets/dnkdnk/CVTG-2K"
SETS, REGIONS = ("CVTG", "CVTG-Style"), (2, 3, 4, 5)
PROMPTS = 2000  # of all files
_WITHOUT_CLIP = (
    f"not computed: put {clip_l14.WANTED} into the folder that --data names; all else is computed"
    " without it"
)
_QUOTED = re.compile(r"'(.*?)'")
_APOSTROPHE = re.compile(r"\w'\w")


class Prompt(BaseModel):
    """A row of ``data_list``."""

    index: int | str
    prompt: str


class Cvtg2k(Benchmark):
    """Eight files below ``--data``: ``CVTG/2.json`` to ``CVTG-Style/5.json``."""

    reads = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        if data is not None and not Path(data).is_dir():
            raise UsageError(f"--data {data}: expected the folder of {_file(*SETS[:1], 2).name}")
        self._encoder: encoders.ImageTextEncoder | None = None
        self._clip = None if data is None else clip_l14.named(Path(data) / clip_l14.FOLDER)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Which files they were; and prompts whose targets an apostrophe breaks: the rule of quotes
        is the benchmark's own.
        """
        files = [_file(name, regions) for name in SETS for regions in REGIONS]
        prompts = [each.prompt for file in files for each in self._read(file)]
        return {
            "prompts_sha256": {file.name: prompt_files.digest(file, self.data) for file in files},
            "prompts_with_apostrophes": sum(map(has_apostrophe, prompts)),
            "clipscore": _WITHOUT_CLIP if self._clip is None else self._clip.model,
        }

    def requests(self) -> Sequence[Request]:
        """By set and number of regions."""
        listed = [
            Request(
                f"{name}_{regions}_{each.index}",
                each.prompt,
                group=f"{regions} regions",
                texts=tuple(_QUOTED.findall(each.prompt)),
            )
            for name in SETS
            for regions in REGIONS
            for each in self._read(_file(name, regions))
        ]
        if len(listed) != PROMPTS:
            raise UsageError(
                f"--data {self.data}: {len(listed)} prompts, expected {PROMPTS}; {WHENCE}"
            )
        return listed

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Words right, the sum of their likeness, and the cosine where there is CLIP."""
        targets = texts.words(request.texts)
        read = texts.words(line.text for line in seen.lines)
        right = sum(word in read for word in targets)
        values: dict[str, Any] = {
            "right": right,
            "likeness": sum(likeness(word, read) for word in targets),
            "words": len(targets),
        }
        if self._clip is not None and not seen.image.info.get(rendering.PERFECT):
            values["clipscore"] = 0.0 if seen.is_missing else self._clipscore(request, seen)
        return Measured(right / max(len(targets), 1), seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence[metrics.Metric]:
        """Pooled over words, of all and by regions; CLIPScore over images."""
        named = {"": rows} | {f", {key}": of for key, of in metrics.by_group(rows).items()}
        listed = [
            metrics.pooled(f"{name}{group}", of, metrics.value(key), metrics.value("words"))
            for name, key in (("word_accuracy", "right"), ("ned", "likeness"))
            for group, of in named.items()
        ]
        if rows and all("clipscore" in row.values for row in rows):
            listed.append(metrics.mean("clipscore", rows, metrics.value("clipscore"), by=()))
        return listed

    def perfect(self, request: Request) -> "Image.Image | None":
        """A page with a line for each region."""
        return rendering.page(request.texts, chinese=False)

    def _read(self, file: prompt_files.PromptFile) -> list[Prompt]:
        return prompt_files.read(file, self.data, Prompt)

    def _clipscore(self, request: Request, seen: Seen) -> float:
        assert self._clip is not None
        encoder = self._encoder = self._encoder or encoders.image_text_encoder(self._clip)
        vector = encoder.vector(np.array(seen.image))
        cosine = float(vector @ encoder.text_vector(f"A photo depicts {request.prompt}"))
        return 2.5 * max(cosine, 0.0)


def likeness(word: str, read: Sequence[str]) -> float:
    """Of a word and the closest that was read, by difflib's ratio: 0 to 1, 0 where nothing was."""
    closest = difflib.get_close_matches(word, read, n=1, cutoff=0)
    return 1 - texts.difference(word, closest[0]) if closest else 0.0


def has_apostrophe(prompt: str) -> bool:
    """Whether single quotes in it are not all pairs around a text."""
    return prompt.count("'") % 2 == 1 or _APOSTROPHE.search(prompt) is not None


def _file(name: str, regions: int) -> prompt_files.PromptFile:
    return prompt_files.PromptFile(name=f"{name}/{regions}.json", whence=WHENCE, key="data_list")
