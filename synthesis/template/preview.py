"""Previews of templates: each on the canvases it suits, and all of them on one sheet."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.failures.errors import UsageError
from curation.storage import ownership
from synthesis import jobs
from synthesis.canvas import Size
from synthesis.job import Job
from synthesis.sample import Rejected
from synthesis.template import filled, loading
from synthesis.template.models import Loaded
from synthesis.template.yaml_reading import nearest

KIND = "previews"
_TALL = 240  # pixels: height of a picture on the sheet
_WIDE = 1800
_GAP = 12
_ATTEMPTS = 20
_GREY = 120


def chosen(told: Sequence[str], language: str) -> list[Loaded]:
    """The templates of those names, files and folders; all of ours for none.

    Raises ``UsageError`` for a name that is neither.
    """
    shipped = {Path(path).stem: path for path in loading.shipped_paths()}
    paths: list[str] = []
    for one in told:
        if one in shipped:
            paths.append(shipped[one])
        elif Path(one).exists():
            paths += _files(Path(one))
        else:
            hint = nearest(one, [*shipped])
            raise UsageError(f"--template {one}: no such file, and none of ours{hint}")
    paths = paths or list(shipped.values())
    loading.check(paths, language, ())
    return [loading.template(path, language) for path in paths]


def _files(where: Path) -> list[str]:
    if where.is_file():
        return [str(where)]
    found = sorted(str(path) for path in where.rglob("*") if path.suffix in {".yaml", ".yml"})
    if not found:
        raise UsageError(f"--template {where}: no file there that ends in .yaml")
    return found


def listed(told: Sequence[str], language: str) -> list[str]:
    """A line for every template: its name, what it is, and the ratios it suits."""
    lines = []
    for one in chosen(told, language):
        kind = one.called("zh" if language == "zh" else "en")
        lines.append(f"{one.stem:20} {kind:40} {' '.join(one.template.ratios)}")
    return lines


def write(
    told: Sequence[str], language: str, out: Path, size: str, fonts: str | None, seed: int
) -> list[str]:
    """Draw every template on every canvas it suits into ``out``; returns what was written.

    Raises ``UsageError`` for a template none of whose contents fit, ``OwnershipError``.
    """
    job = jobs.prepare(language, "template", seed=seed, size=size, fonts=fonts)
    with ownership.held(str(out), KIND):
        return _write(chosen(told, language), job, out, size, seed)


def _write(templates: Sequence[Loaded], job: Job, out: Path, size: str, seed: int) -> list[str]:
    pictures: list[NDArray[np.uint8]] = []
    for loaded in templates:
        for one in job.sizes:
            if loading.ratio_of(one) not in loaded.template.ratios:
                continue
            image = _drawn(job, loaded, one, seed)
            name = f"{loaded.stem}-{one[0]}x{one[1]}.png"
            (out / name).write_bytes(image)
            pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
            pictures.append(np.asarray(pixels, np.uint8))
    if not pictures:
        raise UsageError(f"--size {size}: none of the templates suits it")
    sheet = out / "contact-sheet.png"
    sheet.write_bytes(cv2.imencode(".png", _sheet(pictures))[1].tobytes())
    return [f"{len(pictures)} previews and {sheet}"]


def _drawn(job: Job, loaded: Loaded, size: Size, seed: int) -> bytes:
    problem = Rejected("no_attempt")
    for attempt in range(_ATTEMPTS):
        random = Random(f"{seed}/{loaded.stem}/{size}/{attempt}")
        sample = filled.draw_one(random, job, loaded, size)
        if not isinstance(sample, Rejected):
            return sample.image
        problem = sample
    raise UsageError(
        f"{loaded.file}: nothing fits a canvas of {size[0]}x{size[1]} ({problem.reason}); "
        "remove the ratio, or make texts, gaps or counts smaller"
    )


def _sheet(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """All pictures at one height, in rows on grey."""
    rows: list[list[NDArray[np.uint8]]] = [[]]
    pen = 0
    for picture in pictures:
        height, width = picture.shape[:2]
        wide = min(_WIDE - 2 * _GAP, round(width * _TALL / height))
        small = cv2.resize(picture, (wide, _TALL), interpolation=cv2.INTER_AREA)
        if rows[-1] and pen + wide + _GAP > _WIDE - _GAP:
            rows.append([])
            pen = 0
        rows[-1].append(small.astype(np.uint8))
        pen += wide + _GAP
    sheet = np.full((len(rows) * (_TALL + _GAP) + _GAP, _WIDE, 3), _GREY, np.uint8)
    for number, row in enumerate(rows):
        top, left = _GAP + number * (_TALL + _GAP), _GAP
        for small in row:
            sheet[top : top + _TALL, left : left + small.shape[1]] = small
            left += small.shape[1] + _GAP
    return sheet
