"""Previews of templates: each on the canvases it suits, and all of them on one sheet."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import contact_sheet, decoding
from curation.storage import ownership
from curation.strict_yaml import did_you_mean
from synthesis import jobs
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.sample import Rejected
from synthesis.template import filled, loading
from synthesis.template.models import Loaded

KIND = "previews"
_SIDE = 300  # pixels: the longer side of a preview on the sheet
_ATTEMPTS = 20


def chosen(wanted: Sequence[str], language: str) -> list[Loaded]:
    """The templates of those names, files and folders; all of ours for none.

    Raises ``UsageError`` for a name that is neither.
    """
    shipped = {Path(path).stem: path for path in loading.shipped_paths()}
    paths: list[str] = []
    for name in wanted:
        if name in shipped:
            paths.append(shipped[name])
        elif Path(name).exists():
            paths += _files(Path(name))
        else:
            hint = did_you_mean(name, [*shipped])
            raise UsageError(f"--template {name}: no such file, and none of ours{hint}")
    paths = paths or list(shipped.values())
    loading.check(paths, language, ())
    return [loading.template(path, language) for path in paths]


def _files(where: Path) -> list[str]:
    if where.is_file():
        return [str(where)]
    paths = sorted(str(path) for path in where.rglob("*") if path.suffix in {".yaml", ".yml"})
    if not paths:
        raise UsageError(f"--template {where}: no file there that ends in .yaml")
    return paths


def listed(wanted: Sequence[str], language: str) -> list[str]:
    """A line for every template: its name, what it is, and the ratios it suits."""
    lines = []
    for loaded in chosen(wanted, language):
        kind = loaded.called("zh" if language == "zh" else "en")
        lines.append(f"{loaded.stem:20} {kind:40} {' '.join(loaded.template.ratios)}")
    return lines


def write(
    wanted: Sequence[str], language: str, out: Path, size: str, fonts: str | None, seed: int
) -> list[str]:
    """Render every template on every canvas it suits into ``out``; returns what was written.

    Raises ``UsageError`` for a template none of whose contents fit, ``OwnershipError``.
    """
    job = jobs.prepare(language, "template", seed=seed, size=size, fonts=fonts)
    with ownership.held(str(out), KIND):
        return _write(chosen(wanted, language), job, out, size, seed)


def _write(templates: Sequence[Loaded], job: Job, out: Path, size: str, seed: int) -> list[str]:
    images: list[Image.Image] = []
    names: list[str] = []
    for loaded in templates:
        for canvas_size in job.sizes:
            if loading.ratio_of(canvas_size) not in loaded.template.ratios:
                continue
            data = _rendered(job, loaded, canvas_size, seed)
            name = f"{loaded.stem}-{canvas_size[0]}x{canvas_size[1]}"
            (out / f"{name}.png").write_bytes(data)
            image = Image.fromarray(decoding.decode(data, short_side=None).rgb)
            images.append(contact_sheet.fit(image, _SIDE))
            names.append(name)
    if not images:
        raise UsageError(f"--size {size}: none of the templates suits it")
    sheet = out / "contact-sheet.png"
    contact_sheet.compose(images, names, side=_SIDE).image.save(sheet)
    return [f"{len(images)} previews and {sheet}"]


def _rendered(job: Job, loaded: Loaded, size: Size, seed: int) -> bytes:
    problem = Rejected("no_attempt")
    for attempt in range(_ATTEMPTS):
        random = Random(f"{seed}/{loaded.stem}/{size}/{attempt}")
        sample = filled.render_template(random, job, loaded, size)
        if not isinstance(sample, Rejected):
            return sample.image
        problem = sample
    raise UsageError(
        f"{loaded.file}: nothing fits a canvas of {size[0]}x{size[1]} ({problem.reason}); "
        "remove the ratio, or make texts, gaps or counts smaller"
    )
