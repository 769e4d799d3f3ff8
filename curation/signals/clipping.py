"""Where channels run into 0 or 255, and how: detail cut off, or colours that were there before.

Turning saturation or brightness up cuts channels off in areas with detail: next to such an area the
channel still changes gently, while a drawn line or a cut-out ends at once.
"""

import cv2
import numpy as np
import pyarrow as pa

from curation.picture import channels
from curation.picture.channels import Extremes
from curation.picture.decoding import Picture
from curation.picture.histogram import Plane
from curation.signals.signal import Column, signal

CLIPPED, EMPTY = 254, 1  # from here on, and down to here, a channel has lost its detail
DETAIL = 4  # luma levels within 3 x 3 pixels: more than rounding
GENTLE, LINE = 10, 24  # levels within 3 x 3 pixels: more is no gentle end; more is a line
COLOURED = 150  # the weakest channel up to here: a colour, not a light
LIT = 60  # the strongest channel from here on: not merely dark
FULL, NEARLY_EMPTY = 250, 5  # a corner of the colour cube, as far as JPEG leaves it
LEAST = 0.001  # share of the image: shorter borders say nothing
_AT_FULL = (
    "clipped_colour",
    "partly_clipped",
    "flat_border",
    "white_border",
)
_WITHIN_ONE = np.ones((3, 3), np.uint8)
_SHARE = {"type": pa.float32(), "unit": "share 0 to 1"}


@signal(
    tier="pixel",
    version=1,
    columns={
        "clipped_colour": Column(**_SHARE, meaning="detailed pixels with a channel at 255"),
        "pure_colour": Column(**_SHARE, meaning="pixels with a channel at 255 and one at 0"),
        "gently_empty": Column(**_SHARE, meaning="border of a channel at 0, reached gently"),
        "empty_border": Column(**_SHARE, meaning="border of a channel at 0"),
        "partly_clipped": Column(**_SHARE, meaning="some channels at 255, not all"),
        "flat_border": Column(**_SHARE, meaning="border of a channel at 255 without detail"),
        "white_border": Column(
            **_SHARE, meaning="of the border of white the part with some detail"
        ),
    },
)
def clipping(picture: Picture) -> dict[str, float]:
    """Shares of pixels in and around clipped areas at 256 pixels."""
    colour = picture.extremes
    return _full(colour, picture.spread) | _pure(colour) | _empty(colour)


def _full(colour: Extremes, spread: Plane) -> dict[str, float]:
    """What is at 255."""
    top = channels.at_least(colour.most, CLIPPED)
    if not cv2.hasNonZero(top):
        return dict.fromkeys(_AT_FULL, 0.0)
    detail = channels.at_least(spread, DETAIL)
    white = channels.at_least(colour.least, CLIPPED)
    coloured = channels.both(channels.both(top, detail), channels.at_most(colour.least, COLOURED))
    border = _border(top)
    return {
        "clipped_colour": channels.share(coloured),
        "partly_clipped": channels.share(top) - channels.share(white),
        "flat_border": channels.share(channels.without(border, detail)),
        "white_border": _part(_border(white), spread) if cv2.hasNonZero(white) else 0.0,
    }


def _pure(colour: Extremes) -> dict[str, float]:
    """What is at 255 and 0 at once."""
    pure = channels.both(
        channels.at_least(colour.most, FULL), channels.at_most(colour.least, NEARLY_EMPTY)
    )
    return {"pure_colour": channels.share(pure)}


def _empty(colour: Extremes) -> dict[str, float]:
    """The borders of what has a channel at 0 and another that is lit."""
    empty = channels.at_most(colour.least, EMPTY)
    if not cv2.hasNonZero(empty):
        return {"gently_empty": 0.0, "empty_border": 0.0}
    border = channels.both(_border(empty), channels.at_least(colour.most, LIT))
    change = channels.spread(colour.least)
    gentle = cv2.inRange(change, DETAIL, GENTLE - 1)
    return {
        "gently_empty": channels.share(channels.both(border, np.asarray(gentle, np.uint8))),
        "empty_border": channels.share(border),
    }


def _border(mask: Plane) -> Plane:
    """The pixels next to a mask that are not in it."""
    return channels.without(np.asarray(cv2.dilate(mask, _WITHIN_ONE), np.uint8), mask)


def _part(border: Plane, spread: Plane) -> float:
    """Of a border the part with detail that is no line."""
    soft = np.asarray(cv2.inRange(spread, DETAIL, LINE), np.uint8)
    return channels.share(channels.both(border, soft)) / (channels.share(border) + LEAST)
