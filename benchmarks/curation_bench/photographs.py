"""Photographs for the pool: windows cut from those that ship in Python packages, never twice the
same, and portraits with a face that can be hidden.
"""

from functools import cache
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.defects.ladders import RGB
from benchmarks.from_tests import elements
from curation.failures.errors import UsageError

_PACKAGES = ("skimage.data", "sklearn.datasets.images")
_SHOWN = {  # by the file's stem; others there are no photographs
    "astronaut": "an astronaut in an orange suit",
    "brick": "a wall of bricks",
    "camera": "a man with a camera on a tripod",
    "cell": "a cell under a microscope",
    "chelsea": "a tabby cat",
    "china": "a temple in China",
    "coffee": "a cup of coffee and a spoon",
    "coins": "ancient coins",
    "flower": "a dahlia in bloom",
    "grass": "blades of grass",
    "gravel": "gravel",
    "hubble_deep_field": "galaxies in deep space",
    "ihc": "stained tissue under a microscope",
    "moon": "the surface of the moon",
    "motorcycle_left": "a motorcycle in a garage",
    "retina": "the retina of an eye",
    "rocket": "a rocket on its launch pad",
}
_SHORTEST = 264  # pixels of the short side of a window: S1 asks for 256
_PORTRAIT = "astronaut"
_FACE = (172.0, 62.0, 272.0, 198.0)  # left, top, right, bottom of it there, in pixels
PORTRAIT_SIDE = 700  # pixels of a portrait: S5 asks for 640 x 640


@cache
def _originals() -> dict[str, RGB]:
    """Photographs by stem. Raises ``UsageError`` where packages that ship them are missing."""
    images = {}
    for package in _PACKAGES:
        try:
            folder = Path(str(resources.files(package)))
        except ModuleNotFoundError as missing:
            raise UsageError(
                f"{package} is not installed: the pool's photographs ship in it"
            ) from missing
        for path in sorted(folder.iterdir()):
            if path.stem in _SHOWN and path.suffix in (".png", ".jpg"):
                with Image.open(path) as image:
                    images[path.stem] = np.asarray(image.convert("RGB"), np.uint8)
    return images


def window(turn: np.random.Generator) -> tuple[RGB, str]:
    """A part of a photograph, at its own resolution, and a caption."""
    images = _originals()
    stem = str(turn.choice(sorted(images)))
    rgb = images[stem]
    height, width = rgb.shape[:2]
    least = _SHORTEST / min(height, width)
    share = float(turn.uniform(max(0.62, least), 0.98))
    high, wide = round(share * height), round(share * width)
    top, left = (int(turn.integers(0, room + 1)) for room in (height - high, width - wide))
    if turn.random() < 0.5:
        rgb = rgb[:, ::-1]
    return np.array(rgb[top : top + high, left : left + wide]), f"A photograph of {_SHOWN[stem]}"


def hidden_portrait(turn: np.random.Generator, how: str, strength: float) -> tuple[RGB, str]:
    """A portrait whose face is behind a mosaic or blur; ``strength`` as ``elements.hidden``."""
    rgb = _originals()[_PORTRAIT]
    side = int(turn.integers(400, 500))
    left = int(turn.integers(0, min(int(_FACE[0]), 512 - side) + 1))
    top = int(turn.integers(0, min(int(_FACE[1]), 512 - side) + 1))
    scale = PORTRAIT_SIDE / side
    part = rgb[top : top + side, left : left + side]
    part = cv2.resize(part, (PORTRAIT_SIDE, PORTRAIT_SIDE), interpolation=cv2.INTER_CUBIC)
    box = [scale * (edge - (left, top)[n % 2]) for n, edge in enumerate(_FACE)]
    shape = str(turn.choice(["ellipse", "rectangle"]))
    hidden = elements.hidden(np.asarray(part, np.uint8), box, how, strength, shape, 1.2)
    return hidden, f"A photograph of {_SHOWN[_PORTRAIT]}"
