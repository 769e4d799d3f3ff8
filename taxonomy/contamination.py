"""What of a row stands in a benchmark: so that no model is judged by what it was trained on.

Texts are compared by runs of words or, in Chinese and Japanese, of characters. What is shorter than
such a run ("a photo of a cat") is everybody's, and says nothing without the image. Images are
compared by perceptual hash, also mirrored. Named by ``signals: [taxonomy.contamination]`` with

    settings: {contamination: {prompts: [geneval.jsonl], images: [benchmark-images/]}}
    ...
    contamination: {max: 0.5}

What the files hold is part of the settings: an edited list is measured anew.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, field_validator

from curation.groupings.duplicates.near import MIRRORED
from curation.networks.weights import MissingModelError
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, Settings, signal
from taxonomy import benchmarks
from taxonomy.benchmarks import Prompt

PLAIN = 8  # bits that are 1 in the hash of an image that shows something: blank ones are all alike
_CHARACTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTER = re.compile(f"[{_CHARACTERS}]")
_WORD = re.compile(rf"[^\W_{_CHARACTERS}]+")
Run = tuple[str, ...] | str
NOTHING: Mapping[str, Any] = {"contamination": 0.0, "contaminated_by": None}


class Benchmarks(Settings):
    """``prompts`` and ``images`` are files or folders of benchmarks (``taxonomy.benchmarks``). Runs
    of so many ``words`` or ``characters`` are compared; hashes of at most ``bits`` different bits
    are one image.
    """

    prompts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    images: Annotated[tuple[str, ...], Field(strict=False)] = ()
    words: Annotated[int, Field(ge=2)] = 8
    characters: Annotated[int, Field(ge=2)] = 13
    bits: Annotated[int, Field(ge=0, le=16)] = 4

    @field_validator("prompts", "images")
    @classmethod
    def _are_there(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            benchmarks.files(path)
        return paths

    def identity(self) -> dict[str, Any]:
        """All that is set, and the digests of what the files hold."""
        digests = [benchmarks.digest(self.prompts), benchmarks.digest(self.images)]
        return {**super().identity(), "content": digests}


def _check(settings: Benchmarks) -> None:
    if not (settings.prompts or settings.images):
        raise MissingModelError(
            "needs files of benchmarks: settings: {contamination: {prompts: [FILE], images: [DIR]}}"
        )
    _load(settings)


@signal(
    tier="model",
    version=1,
    columns={
        "contamination": Column(
            pa.float32(), "share 0 to 1", "of a caption's runs of words that stand in a benchmark"
        ),
        "contaminated_by": Column(
            pa.string(), "file:number, or an image", "the prompt or image that is nearest, if any"
        ),
    },
    settings=Benchmarks,
    reads=(CAPTIONS, "phash"),
    check=_check,
)
def contamination(settings: Benchmarks) -> Measure:
    """How much of each row stands in a benchmark. Raises ``MissingModelError``."""
    texts, images = _load(settings)

    def measured(row: Row) -> Mapping[str, Any]:
        bits = row.columns["phash"]
        if bits is not None and (name := images.nearest(bits)) is not None:
            return {"contamination": 1.0, "contaminated_by": name}
        said = (text for of in row.captions.values() for text in of)
        share, prompt = max(map(texts.overlap, said), default=(0.0, ""))
        return {"contamination": share, "contaminated_by": prompt} if share else NOTHING

    def measure(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        return [measured(row) for row in rows]

    return measure


def _load(settings: Benchmarks) -> "tuple[Texts, Images]":
    try:
        texts = Texts(benchmarks.prompts(settings.prompts), settings.words, settings.characters)
        return texts, Images(benchmarks.hashes(settings.images), settings.bits)
    except ValueError as error:
        raise MissingModelError(f"needs files of benchmarks as they should be: {error}") from None


def runs(text: str, words: int, characters: int) -> set[Run]:
    """The distinct runs of a text: of so many words, and of so many Chinese characters.

    Case, marks, spaces and forms of characters do not count; each script is looked at without the
    other, so that a sign's words do not hide the caption around it.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    han, latin = "".join(_CHARACTER.findall(plain)), _WORD.findall(plain)
    of_han = {han[start : start + characters] for start in range(len(han) - characters + 1)}
    of_latin = {tuple(latin[start : start + words]) for start in range(len(latin) - words + 1)}
    return of_han | of_latin


class Texts:
    """The runs of all ``prompts``, and which of these have each."""

    def __init__(self, prompts: Iterable[Prompt], words: int, characters: int) -> None:
        self._size = words, characters
        self._prompts: list[tuple[str, int]] = []
        self._having: dict[Run, list[int]] = {}
        for prompt in prompts:
            own = runs(prompt.text, words, characters)
            for run in own:
                self._having.setdefault(run, []).append(len(self._prompts))
            self._prompts.append((prompt.place, len(own)))

    def overlap(self, text: str) -> tuple[float, str]:
        """The largest share of runs that a text has in common with a prompt, and its place.

        It is of the runs of the shorter of both: 1 for a prompt as it is, for a prompt inside a
        longer caption, and for a part of a prompt. (0, "") where they have nothing in common.
        """
        own = runs(text, *self._size)
        common = Counter(prompt for run in own for prompt in self._having.get(run, ()))
        shares = ((of / min(len(own), self._prompts[p][1]), -p) for p, of in common.items())
        share, prompt = max(shares, default=(0.0, 0))
        return (share, self._prompts[-prompt][0]) if share else (0.0, "")


@dataclass
class Images:
    """The ``hashes`` of images by name, of which at most ``bits`` may differ."""

    hashes: Sequence[tuple[str, int]]
    bits: int

    def __post_init__(self) -> None:
        shown = [of for of in self.hashes if of[1].bit_count() >= PLAIN]
        self._names = [name for name, _ in shown]
        self._own: NDArray[np.uint64] = np.array([of for _, of in shown], np.uint64)

    def nearest(self, own: int) -> str | None:
        """The name of the image that a hash, or its mirrored one, is nearest to, if near enough."""
        if not self._names:
            return None
        differing = self._own ^ np.uint64(own)
        bits = np.minimum(np.bitwise_count(differing), np.bitwise_count(differing ^ MIRRORED))
        best = int(bits.argmin())
        return self._names[best] if bits[best] <= self.bits else None
