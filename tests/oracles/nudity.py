"""Scores of nudity as nudenet's own detector gives them. Imports ``nudenet``."""

from collections.abc import Collection, Sequence

import numpy as np
from nudenet import NudeDetector
from numpy.typing import NDArray


def scores(images: Sequence[NDArray[np.uint8]], unsafe: Collection[str]) -> list[float]:
    """The highest score of an ``unsafe`` class in each (H, W, 3) image; 0 without any."""
    detector = NudeDetector()  # takes arrays in OpenCV's order, blue first
    boxes_of = [detector.detect(np.ascontiguousarray(rgb[..., ::-1])) for rgb in images]
    return [
        max((box["score"] for box in boxes if box["class"] in unsafe), default=0.0)
        for boxes in boxes_of
    ]
