"""An edit pair as a signal of tier ``pair`` sees it: its images, and what is said of the edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.decoding import Picture

SIDE = 256  # pixels of the longer side at which a pair's images are held side by side
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """A ``result`` and the 1 to 3 ``inputs`` that it was made from, decoded.

    ``instructions`` are the texts that say what was to be done; ``kind`` and ``operation`` what the
    source calls the edit, None where it does not say.
    """

    result: Picture
    inputs: Sequence[Picture]
    instructions: Sequence[str] = ()
    kind: str | None = None
    operation: str | None = None

    @cached_property
    def aligned(self) -> tuple[Pixels, tuple[Pixels, ...]]:
        """The result, its longer side ``SIDE`` pixels, and the inputs stretched to its size:
        (h, w, 3) uint8 each, RGB.
        """
        height, width = self.result.rgb.shape[:2]
        scale = SIDE / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return resized(self.result.rgb, size), tuple(resized(of.rgb, size) for of in self.inputs)


def resized(rgb: Pixels, size: tuple[int, int]) -> Pixels:
    """RGB of ``size``, width and height, by averaging over areas: no pixel is missed."""
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
