"""How colourful an image is: most minus least channel at every pixel."""

import cv2
import numpy as np
import pyarrow as pa

from curation.picture import histogram
from curation.picture.decoding import Picture
from curation.signals.signal import Column, signal

LOW = 0.25  # quantile: a grey background beside a red flower keeps it low
LEVELS = np.arange(256)


@signal(
    tier="pixel",
    version=1,
    columns={
        "chroma": Column(pa.float32(), "levels, 0 to 255", "mean of most minus least channel"),
        "low_chroma": Column(pa.float32(), "levels, 0 to 255", "the same, of the greyest quarter"),
    },
)
def chroma(picture: Picture) -> dict[str, float]:
    """Mean and lower quartile of the difference of channels at 256 pixels."""
    plane = np.asarray(cv2.subtract(picture.extremes.most, picture.extremes.least), np.uint8)
    counts = histogram.counts(plane)
    return {
        "chroma": float(counts @ LEVELS) / plane.size,
        "low_chroma": float(histogram.quantile(counts, LOW)),
    }
