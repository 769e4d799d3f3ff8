"""An edit pair as a signal of tier ``pair`` sees it: its images, and what is said of the edit."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.decoding import Picture

SIDE = 256  # pixels of the longer side at which a pair is shown
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """A ``result`` and the 1 to 3 ``inputs`` that it was made from, decoded.

    ``instructions`` are the texts that say what was to be done; ``kind`` and ``operation`` what the
    source calls the edit, None where it does not say; ``languages`` those that it says of texts.
    """

    result: Picture
    inputs: Sequence[Picture]
    instructions: Sequence[str] = ()
    kind: str | None = None
    operation: str | None = None
    languages: Sequence[str] = ()


def scaled(rgb: Pixels, side: int = SIDE) -> Pixels:
    """RGB (h, w, 3), its longer side ``side`` pixels."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    return resized(rgb, (max(1, round(width * scale)), max(1, round(height * scale))))


def resized(rgb: Pixels, size: tuple[int, int]) -> Pixels:
    """RGB of ``size``, width and height, by averaging over areas: no pixel is missed."""
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
