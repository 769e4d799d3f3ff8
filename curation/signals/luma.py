"""Too dark, too bright, blown out, faded: columns of their own, because one number cannot tell.

The mean alone confuses a night scene with an under-exposed image and a white page with a blown
one. A night scene has lights in it; an under-exposed image has none (``highlight``). A blown
image loses its colour channels one after the other on the way to white, in places that still
have detail; white paper and cut-outs on white go from white to ink at once (``overexposure``). A
washed-out image has nothing dark in it, while the faintest writing has (``shadow``).
"""

import cv2
import numpy as np
import pyarrow as pa

from curation.picture import channels, histogram
from curation.picture.decoding import Picture
from curation.signals.signal import Column, signal

DARKEST, BRIGHTEST = 0.0025, 0.99  # quantiles of luma that count as shadows and highlights
ENDS = (0.001, 0.999)  # quantiles between which its range lies
CLIPPED = 254  # a channel from here on has lost its detail
WHITE = 250  # all three channels from here on: paper white
DIM = 80  # the weakest channel below this: a pure colour, not a bright one
DETAIL = 3  # luma levels within 3 x 3 pixels: flat pastel paper is not lost detail
LEVELS = np.arange(256)
LEAST_BORDER = 0.003  # of the image: a shorter border around white is no evidence


@signal(
    tier="pixel",
    version=2,
    columns={
        "luma": Column(pa.float32(), "0 to 1", "mean luma (BT.601)"),
        "shadow": Column(pa.float32(), "0 to 1", "luma that 0.25 % of the pixels do not exceed"),
        "highlight": Column(pa.float32(), "0 to 1", "luma that 99 % of the pixels do not exceed"),
        "peak": Column(pa.float32(), "0 to 1", "luma that 99.9 % of the pixels do not exceed"),
        "luma_range": Column(pa.float32(), "0 to 1", "peak minus the luma of the darkest 0.1 %"),
        "overexposure": Column(
            pa.float32(), "share 0 to 1", "detail lost in highlights that clip channel by channel"
        ),
    },
)
def luma(picture: Picture) -> dict[str, float]:
    """Mean luma, its shadows and highlights, and how much of the image is blown out."""
    counted = histogram.counts(picture.grey)
    lowest, peak = (int(histogram.quantile(counted, share)) / 255 for share in ENDS)
    return {
        "luma": float(counted @ LEVELS) / picture.grey.size / 255,
        "shadow": int(histogram.quantile(counted, DARKEST)) / 255,
        "highlight": int(histogram.quantile(counted, BRIGHTEST)) / 255,
        "peak": peak,
        "luma_range": peak - lowest,
        "overexposure": _overexposure(picture),
    }


def _overexposure(picture: Picture) -> float:
    """Share of partly clipped pixels, plus that of white areas as far as their border is such."""
    colour = picture.extremes
    white = channels.at_least(colour.least, WHITE)
    bright = channels.both(
        channels.at_least(colour.most, CLIPPED), channels.at_least(colour.least, DIM)
    )
    detail = channels.at_least(picture.spread, DETAIL)
    partly = channels.without(channels.both(bright, detail), white)
    if not (cv2.hasNonZero(partly) and cv2.hasNonZero(white)):
        return channels.share(partly)
    border = channels.border(white)
    border_share = max(channels.share(border), LEAST_BORDER)
    blown = channels.share(channels.both(border, partly)) / border_share
    return channels.share(partly) + channels.share(white) * blown
