"""Unnaturally high saturation: detail pushed against the walls of the RGB cube.

Strong colour alone is no defect: oranges, stage light and road signs are saturated. Turning the
saturation up, however, drives channels of *detailed* areas to 0 and then to 255 as well, where
they stay. A flat area of pure colour counts only as far as it runs out into such detail, so a
coloured sign, slide or drawing, which ends at a line, does not.
"""

import cv2
import pyarrow as pa

from curation.picture import channels
from curation.picture.decoding import Picture
from curation.signals.signal import Column, signal

EMPTY, LIT, FULL = 6, 80, 250  # channel levels: as good as 0, clearly lit, as good as 255
DETAIL, LINE = 4, 17  # luma levels within 3 x 3 pixels: more than rounding; a drawn line
LEAST_BORDER = 20  # pixels: the border of smaller flat areas says nothing


@signal(
    tier="pixel",
    version=1,
    columns={
        "saturation": Column(
            pa.float32(), "share 0 to 1", "pixels whose colour was clipped to a pure one"
        )
    },
)
def saturation(picture: Picture) -> dict[str, float]:
    """Share of detailed pixels on an edge of the RGB cube, plus half of those on a face.

    On a face one channel is empty; on an edge a second one is empty or full. Pixels without a lit
    channel are dark, not saturated. Flat pixels are weighted by the share of their border that is
    coloured detail without lines.
    """
    colour = picture.ordered
    face = channels.both(channels.at_most(colour.least, EMPTY), channels.at_least(colour.most, LIT))
    if not cv2.hasNonZero(face):
        return {"saturation": 0.0}
    second = channels.either(
        channels.at_most(colour.middle, EMPTY), channels.at_least(colour.most, FULL)
    )
    edge = channels.both(face, second)
    spread = picture.spread
    detail = channels.at_least(spread, DETAIL)
    soft = channels.both(channels.both(face, detail), channels.at_most(spread, LINE - 1))
    flat = channels.without(face, detail)
    border = channels.border(flat)
    runs_out = 0.0
    if cv2.countNonZero(border) >= LEAST_BORDER:
        runs_out = channels.share(channels.both(border, soft)) / channels.share(border)
    in_detail = (
        channels.share(channels.both(face, detail)),
        channels.share(channels.both(edge, detail)),
    )
    in_flat = channels.share(flat), channels.share(channels.without(edge, detail))
    return {"saturation": (sum(in_detail) + runs_out * sum(in_flat)) / 2}
