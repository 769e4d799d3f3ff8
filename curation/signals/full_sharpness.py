"""Sharpness of what survives the cheap rules, at the resolution of the later stages.

The cheap signals see an image at 256 to 511 pixels, where reducing has made a soft large one sharp.
This looks again at 640 and more, only at rows that pass everything cheaper.
"""

from collections.abc import Sequence

import pyarrow as pa

from curation.signals.detail import detail
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

SIDE = 640  # pixels of the short side, where the original has them


@signal(
    tier="model",
    version=1,
    columns={
        "full_sharpness": Column(
            pa.float32(), "ratio, 0 up", "least_sharpness of the image at 640 pixels or more"
        )
    },
    short_side=SIDE,
    cost="light",
)
def full_sharpness() -> Measure:
    """Second differences over 2 pixels to those over 4, across or down, whichever is less."""

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        return [
            {"full_sharpness": detail.function(row.picture(SIDE))["least_sharpness"]}
            for row in rows
        ]

    return measure
