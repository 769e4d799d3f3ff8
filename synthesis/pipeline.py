"""``beam run synthesize``: the same folders as ``python -m synthesis.render``, part by part.

The entry of ``pipelines.yaml`` is a ``Synthesize``. Below the output lies a folder for each
language, with the very bytes the command writes, and a manifest of them all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.storage import user_paths
from synthesis.fonts.languages import LANGUAGES
from synthesis.job import Job, Mode

if TYPE_CHECKING:
    from synthesis.parts import Part

Place = Annotated[str, AfterValidator(user_paths.not_empty)]
_rendering = Lock()  # a worker's threads take turns: what fonts and shapers remember is not theirs


class Synthesize(BaseModel):
    """What is to be rendered: ``n`` images of each of the ``languages``.

    The other settings are the command's options.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    mode: Mode
    n: Annotated[int, Field(ge=1)]
    part_size: Annotated[int, Field(ge=1)] = 500
    size: str | int | None = None
    corpus: Place | None = None
    licence: str | None = None
    fonts: Place | None = None
    backgrounds: Place | None = None
    templates: Place | None = None
    kinds: str | None = None
    parallel: Place | None = None

    @model_validator(mode="after")
    def _languages_are_known(self) -> "Synthesize":
        for language in self.languages:
            if language not in LANGUAGES:
                known = ", ".join(LANGUAGES)
                raise ValueError(f"language {language!r}: expected languages of {known}")
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("a language twice; expected each once")
        if self.corpus and len(self.languages) > 1:
            raise ValueError("'corpus' holds texts of one language: expected one of 'languages'")
        return self

    def plan(self, output: str) -> list[str]:
        """A part's name is its language, its number, and what its job must be made of."""
        from synthesis import rendering

        names = []
        for language in self.languages:
            folder = storage.join(output, language)
            ranges = rendering.prepared(folder, self.n, self.part_size)
            digest = _job(self, language).digest()
            names += [f"{language} {number} {digest}" for number in range(len(ranges))]
        storage.remove_partials(output)
        return names

    def prepare(self) -> None:
        """Load every face, once per process."""
        from synthesis.fonts.face import font

        with _rendering:
            for language in self.languages:
                for face in _job(self, language).fonts:
                    font(face)

    def carry_out(self, output: str, part: str) -> str:
        """Render a part, unless it is there. Raises ``UsageError`` for other fonts than planned."""
        from synthesis import parts
        from synthesis.pool import render_all

        language, number, digest = part.split()
        job = _job(self, language)
        if job.digest() != digest:
            raise UsageError(
                f"this worker has other fonts, texts or libraries for {language!r} than the driver "
                f"({job.settings()}): install the same ones on every machine"
            )
        span = parts.ranges(self.n, self.part_size)[int(number)]
        path = storage.join(output, language, parts.name(int(number)))
        with _rendering:
            made = parts.read_finished(path, job, *span)
            made = made or parts.write(path, job, *span, render_all(job, *span, workers=1))
        return json.dumps({"language": language, **asdict(made)})

    def complete(self, output: str, parts: Sequence[str], answers: Sequence[str]) -> None:
        """Write manifests, contact sheets and galleries."""
        from synthesis import rendering

        if len(answers) != len(parts):
            raise RuntimeError(f"{len(answers)} of {len(parts)} parts were told of; run again")
        everything = []
        for language in self.languages:
            finished = _parts_of(language, answers)
            rendering.complete(_job(self, language), storage.join(output, language), finished)
            everything += [
                replace(part.info, file=f"{language}/{part.info.file}") for part in finished
            ]
        shard.write_manifest(output, everything)

    def progress(self, output: str) -> tuple[int, int]:
        """How many parts there are to render, and how many are there."""
        from synthesis import parts

        count = len(parts.ranges(self.n, self.part_size))
        folders = [storage.join(output, language) for language in self.languages]
        there = [name for folder in folders for name in parts.there(folder)]
        return count * len(folders), len(there)

    def summary(self, output: str) -> dict[str, Any]:
        """Counts by language, from the manifests and what the parts record of rejections."""
        from synthesis import parts, rendering

        summaries = {}
        for language in self.languages:
            folder = storage.join(output, language)
            infos = shard.read_manifest(folder)
            spans = parts.ranges(self.n, self.part_size)
            finished = [
                parts.Part(info, *span, parts.rejections(storage.join(folder, info.file)))
                for info, span in zip(infos, spans, strict=True)
            ]
            summaries[language] = rendering.summary(_job(self, language), folder, finished)
        images, missing = (
            sum(summary[key] for summary in summaries.values()) for key in ("images", "missing")
        )
        return {"out": output, "images": images, "missing": missing, "languages": summaries}

    def as_text(self, summary: Mapping[str, Any]) -> str:
        """A line for each language, as the command tells it."""
        from synthesis import rendering

        return "\n".join(rendering.as_text(language) for language in summary["languages"].values())


@cache
def _job(settings: Synthesize, language: str) -> Job:
    """The job of one language; fonts and texts are looked up once per process."""
    from synthesis import jobs

    return jobs.prepare(
        language,
        settings.mode,
        seed=settings.seed,
        size=None if settings.size is None else str(settings.size),
        corpus=settings.corpus,
        licence=settings.licence,
        fonts=settings.fonts,
        backgrounds=settings.backgrounds,
        templates=settings.templates,
        kinds=settings.kinds,
        parallel=settings.parallel,
    )


def _parts_of(language: str, answers: Sequence[str]) -> list["Part"]:
    """What was told of the parts of a language, in their order."""
    from synthesis.parts import Part

    own = [answer for answer in map(json.loads, answers) if answer.pop("language") == language]
    made = [Part(**{**answer, "info": shard.ShardInfo(**answer["info"])}) for answer in own]
    return sorted(made, key=lambda part: part.first)
