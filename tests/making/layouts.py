"""Layouts filled for the tests, with fonts made for them: no test depends on the machine's."""

from pathlib import Path
from random import Random

from making.made_fonts import all_characters, make

from synthesis import image_sizes, jobs
from synthesis.job import Job
from synthesis.template import faces, filled, laying, loading, resources
from synthesis.template.laying import Filling, Placed

LANGUAGES = ("en", "zh")


def job(folder: Path, language: str) -> Job:
    """A job of the nine sizes of class 640, with a font that has all the contents' characters."""
    texts = (resources.CONTENTS / f"{language}.yaml").read_text(encoding="utf-8")
    written = "".join(sorted({*all_characters(language), *texts} - {"\n"}))
    path = make(folder / f"{language}.ttf", written)
    return jobs.prepare(language, "template", size="640", fonts=str(path))


def path_of(name: str) -> str:
    return next(path for path in loading.shipped_paths() if Path(path).stem == name)


def size_of(ratio: str) -> image_sizes.Size:
    return next(size for size in image_sizes.sizes("640") if loading.ratio_of(size) == ratio)


def filling(
    job: Job, path: str, size: image_sizes.Size, seed: int, palette: str = "paper"
) -> Filling:
    loaded, random = loading.template(path, job.language), Random(seed)
    pairing = faces.choose(random, job.fonts, loaded.template.faces)
    record = filled.record_of(random, job, loaded)
    return Filling(loaded, size, resources.colours(palette), pairing, record, seed)


def placed(job: Job, path: str, size: image_sizes.Size, seed: int) -> Placed:
    return laying.as_full_as_fits(filling(job, path, size, seed), job.language)
