"""Clean images of a folder, their faces, and images with one of them hidden."""

import csv
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from benchmarks.from_tests import elements
from curation.networks.faces import FaceFinder
from curation.picture import decoding
from curation.picture.formats.refusal import PictureError
from curation.signals.hidden_faces import SIDE

GROUPS = {
    "photo": "photographs",
    "photo-open": "photographs",
    "quality-clean": "photographs",
    "edit-source": "photographs",
    "text-rich": "documents",
    "captioned": "drawings",
    "code": "codes",
}
STRENGTHS: Mapping[str, Sequence[float]] = {
    "mosaic": (5, 6, 8, 10, 12, 16),
    "blur": (0.08, 0.12, 0.16, 0.2, 0.25),
}
GROWN = (1.1, 1.3, 1.5)  # of a face's box: what is hidden
QUALITIES = (75, 85, 92)
SURE = 0.5  # both networks of a face
RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class Image:
    """A clean image at the size at which faces are looked for, and its faces: left, top, right and
    bottom in pixels.
    """

    name: str
    group: str
    rgb: RGB
    faces: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True)
class Made:
    """An image one of whose faces is hidden, and how: the face's box in pixels."""

    name: str
    rgb: RGB
    box: tuple[float, float, float, float]
    how: str
    strength: float

    @property
    def width(self) -> float:
        """Of the face, in pixels."""
        return self.box[2] - self.box[0]


def images(folder: Path, every: int = 1, drawn: tuple[str, ...] = ()) -> Iterator[Image]:
    """The clean images of a manifest, one in so many by their names; or all images of a folder,
    those whose names begin so as drawings.
    """
    finder = FaceFinder()
    for name, group in _named(folder, drawn):
        if zlib.crc32(name.encode()) % every == 0:
            try:
                yield _image(folder / name, name, group, finder)
            except PictureError as error:
                print(f"{folder / name}: left out: {error}")


def _named(folder: Path, drawn: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names within the folder, and groups."""
    if not (folder / "manifest.csv").exists():
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            group = "drawings" if path.name.startswith(drawn) and drawn else "photographs"
            yield path.relative_to(folder).as_posix(), group
        return
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["kind"] in GROUPS:
                yield line["file"], GROUPS[line["kind"]]


def _image(path: Path, name: str, group: str, finder: FaceFinder) -> Image:
    """A file, and of one that may show people the faces that both networks see."""
    rgb = decoding.decode(path.read_bytes(), SIDE).rgb
    seen = finder.faces(rgb, SURE) if group in ("photographs", "documents") else []
    boxes = [(of.left, of.top, of.right, of.bottom) for of in seen if of.mesh >= SURE]
    return Image(name, group, rgb, boxes)


def made(of: Image, seed: int) -> Iterator[Made]:
    """Each face hidden in every way and strength, stored as JPEG."""
    chance = Random(f"{seed} {of.name}")
    for box in of.faces:
        for how, strengths in STRENGTHS.items():
            for strength in strengths:
                shape, grown = chance.choice(("ellipse", "rectangle")), chance.choice(GROWN)
                hidden = elements.hidden(of.rgb, box, how, strength, shape, grown)
                data = elements.jpeg(hidden, chance.choice(QUALITIES))
                yield Made(of.name, decoding.decode(data, SIDE).rgb, box, how, strength)
