"""Which colour objects have: CLIP's zero-shot choice of ten, as GenEval makes it.

Source: https://github.com/djghosh13/geneval (MIT), evaluation/evaluate_images.py: the crop of a
box, grey outside of the object's mask where there is one, against the mean of three texts.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infer.harness.run_lengths import Mask

if TYPE_CHECKING:
    from curation.networks.encoders import ImageTextEncoder

COLOURS = (
    *("red", "orange", "yellow", "green", "blue"),
    *("purple", "pink", "brown", "black", "white"),
)
TEMPLATES = (
    "a photo of a {colour} {kind}",
    "a photo of a {colour}-colored {kind}",
    "a photo of a {colour} object",
)
GROUND = "#999"
Box = tuple[float, float, float, float]


def crop(image: Image.Image, box: Box, mask: Mask | None) -> Image.Image:
    """What is looked at of an object. Raises ``ValueError`` for a mask (H, W) of another size, or a
    box that holds no pixel.
    """
    if mask is not None:
        if mask.shape != image.size[::-1]:
            raise ValueError(f"a mask of {mask.shape} in an image of {image.size[::-1]} (H, W)")
        shown = Image.fromarray(mask.astype(np.uint8) * 255)
        image = Image.composite(image, Image.new("RGB", image.size, GROUND), shown)
    left, top, right, bottom = (round(side) for side in box)
    if right <= left or bottom <= top:
        raise ValueError(f"the box {box} holds no pixel")
    return image.crop((left, top, right, bottom))


class Classifier:
    """Chooses by an encoder; what it makes of a kind's texts is remembered."""

    def __init__(self, encoder: "ImageTextEncoder") -> None:
        self._encoder = encoder
        self._texts = lru_cache(None)(self._vectors)

    def colour(self, image: Image.Image, kind: str) -> str:
        """The colour of a crop (RGB) of an object of a kind."""
        cosines = self._texts(kind) @ self._encoder.vector(np.array(image))
        return COLOURS[int(np.argmax(cosines))]

    def _vectors(self, kind: str) -> NDArray[np.float64]:
        """(10, D): of each colour the mean over the templates, of length 1."""
        return np.array([self._mean(colour, kind) for colour in COLOURS])

    def _mean(self, colour: str, kind: str) -> NDArray[np.float64]:
        texts: Sequence[str] = [each.format(colour=colour, kind=kind) for each in TEMPLATES]
        mean = np.mean([self._encoder.text_vector(text) for text in texts], 0, np.float64)
        return np.asarray(mean / np.linalg.norm(mean))
