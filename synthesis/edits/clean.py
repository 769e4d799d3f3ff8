"""Clean images of all sorts, which restoration damages and tasks are set on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import cv2
import numpy as np

from synthesis import raster
from synthesis.captions.roles import role_name
from synthesis.description import Name
from synthesis.edits.layouts import layout
from synthesis.edits.pages import page
from synthesis.edits.scenes import regions, stage, studio
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.raster import Pixels, Run
from synthesis.sample import TextBox
from synthesis.scene import backgrounds
from synthesis.text import placing

PHOTO = Name("photo", "照片")
_SHARES = {"page": 0.3, "layout": 0.35, "scene": 0.35}
_OWN_SHARE = 0.4  # of images where the user has brought some
_OWN_FONT = "none"


@dataclass(frozen=True)
class Part:
    """A thing of an image that has one name: (H, W) ``coverage`` of it, the boxes it has."""

    name: Name
    coverage: Pixels
    boxes: tuple[TextBox, ...]


@dataclass(frozen=True)
class Clean:
    """(H, W, 4) ``pixels`` with the boxes of their texts. ``thing`` is what the image is called
    where a word for it is true; ``coverage`` (H, W) is of its glyphs, where it is known.
    """

    pixels: Pixels
    boxes: tuple[TextBox, ...]
    font: str
    thing: Name | None = None
    coverage: Pixels | None = None
    parts: tuple[Part, ...] = field(default=())

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def line_height(self) -> float | None:
        """How high the smallest line of text is, in pixels; ``None`` where there is none."""
        quads = [box.quad for box in self.boxes if box.level == "line"]
        if not quads:
            return None
        corners = np.array(quads).reshape(-1, 4, 2)
        sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
        return float(sides.min(axis=1).min())


def clean(random: Random, job: Job, *, own: bool = True, layouts: bool = True) -> Clean:
    """A page, a scene, one of the ``layouts`` or one of the user's ``own`` images.

    Raises ``UnrenderableError``.
    """
    if own and job.backgrounds and random.random() < _OWN_SHARE:
        return _own(random, job)
    families = [family for family in _SHARES if layouts or family != "layout"]
    family = random.choices(families, [_SHARES[name] for name in families])[0]
    return {"page": _page, "layout": _layout, "scene": _scene}[family](random, job)


def _page(random: Random, job: Job) -> Clean:
    here = page.begin(random, job)
    runs = [run for _, piece in here.texts() for run in placing.runs(here.em, piece.lines)]
    return Clean(here.pixels, here.boxes(), here.font(), None, _covered(here.pixels, runs))


def _layout(random: Random, job: Job) -> Clean:
    filled = layout.begin(random, job)
    pixels = filled.pixels
    largest = max(text.block.size for _, _, text in filled.texts())
    names = [item.part.node.role for _, item, _ in filled.texts()]
    parts = tuple(
        Part(
            Name(role_name("en", role), role_name("zh", role)),
            _covered(pixels, text.runs),
            tuple(text.boxes()),
        )
        for role, (_, _, text) in zip(names, filled.texts(), strict=True)
        if role == "title" and names.count(role) == 1 and text.block.size == largest
    )
    runs = [run for _, _, text in filled.texts() for run in text.runs]
    covered = _covered(pixels, runs)
    return Clean(pixels, filled.boxes(), filled.font(), None, covered, parts)


def _covered(pixels: Pixels, runs: Sequence[Run]) -> Pixels:
    layer = np.zeros_like(pixels)
    raster.render(layer, runs, (255, 255, 255))
    return np.asarray(cv2.extractChannel(layer, 3), np.uint8)


def _scene(random: Random, job: Job) -> Clean:
    here = stage.begin(random, job, paths=job.backgrounds)
    parts: tuple[Part, ...] = ()
    if not here.shot.text.beyond:
        parts = (Part(here.medium.name, regions.alpha(here.shot, here.studio.canvas), ()),)
    coverage = here.shot.coverage
    return Clean(here.pixels, here.boxes(), here.font(), PHOTO, coverage, parts)


def _own(random: Random, job: Job) -> Clean:
    """The middle of one of the user's images, in a size of the job."""
    image = backgrounds.choose(random, job.backgrounds)
    canvas = random.choice(job.sizes)
    height, width = image.shape[:2]
    scale = max(canvas[0] / width, canvas[1] / height)
    across, down = min(width, round(canvas[0] / scale)), min(height, round(canvas[1] / scale))
    left, top = (width - across) // 2, (height - down) // 2
    window = image[top : top + down, left : left + across]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    sized = cv2.resize(window, canvas, interpolation=how)
    return Clean(studio.opaque(np.asarray(sized, np.uint8)), (), _OWN_FONT)
