"""Unnaturally high saturation: detail pushed against the walls of the RGB cube.

Strong colour alone is no defect: oranges, stage light and road signs are saturated. Turning the
saturation up, however, drives channels of *detailed* areas to 0 and then to 255 as well, where
they stay. Flat areas are left out, so a coloured sign or slide is not counted.
"""

import cv2
import numpy as np
import pyarrow as pa

from curation import channels
from curation.picture import Picture
from curation.signal import Column, signal

EMPTY, LIT, FULL = 6, 80, 250  # channel levels: as good as 0, clearly lit, as good as 255
DETAIL = 4  # luma levels within 3 x 3 pixels


@signal(
    tier="pixel",
    version=1,
    columns={
        "saturation": Column(
            pa.float32(), "share 0 to 1", "detailed pixels whose colour is clipped to a pure one"
        )
    },
)
def saturation(picture: Picture) -> dict[str, float]:
    """Share of detailed pixels on an edge of the RGB cube, plus half of those on a face.

    On a face one channel is empty; on an edge a second one is empty or full. Pixels without a lit
    channel are dark, not saturated.
    """
    colour = channels.ordered(picture.small)
    coloured = cv2.bitwise_and(
        channels.at_most(colour.least, EMPTY), channels.at_least(colour.most, LIT)
    )
    face = cv2.bitwise_and(coloured, channels.detailed(picture.grey, DETAIL))
    second = cv2.bitwise_or(
        channels.at_most(colour.middle, EMPTY), channels.at_least(colour.most, FULL)
    )
    edge = cv2.bitwise_and(face, second)
    return {
        "saturation": (
            channels.share(np.asarray(face, np.uint8)) + channels.share(np.asarray(edge, np.uint8))
        )
        / 2
    }
