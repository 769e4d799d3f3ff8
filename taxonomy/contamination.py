"""What of a row stands in a benchmark: so that no model is judged by what it was trained on.

The rule is that of ``curation.shard.contamination``, which evaluation reports by, too. Named by
``signals: [taxonomy.contamination]`` with

    settings: {contamination: {prompts: [geneval.jsonl], images: [benchmark-images/]}}
    ...
    contamination: {max: 0.5}

What the files hold is part of the settings: an edited list is measured anew.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field, field_validator

from curation.networks.weights import MissingModelError
from curation.shard.contamination import BITS, CHARACTERS, WORDS, Images, Texts
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, Settings, signal
from taxonomy import benchmarks

NOTHING: Mapping[str, Any] = {"contamination": 0.0, "contaminated_by": None}


class Benchmarks(Settings):
    """``prompts`` and ``images`` are files or folders of benchmarks (``taxonomy.benchmarks``). Runs
    of so many ``words`` or ``characters`` are compared; hashes of at most ``bits`` different bits
    are one image.
    """

    prompts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    images: Annotated[tuple[str, ...], Field(strict=False)] = ()
    words: Annotated[int, Field(ge=2)] = WORDS
    characters: Annotated[int, Field(ge=2)] = CHARACTERS
    bits: Annotated[int, Field(ge=0, le=16)] = BITS

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


def _load(settings: Benchmarks) -> tuple[Texts, Images]:
    try:
        texts = Texts(benchmarks.prompts(settings.prompts), settings.words, settings.characters)
        return texts, Images(benchmarks.hashes(settings.images), settings.bits)
    except ValueError as error:
        raise MissingModelError(f"needs files of benchmarks as they should be: {error}") from None
