"""Where in an image something was seen: one type for all signals that say where."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from curation.picture.decoding import Header

REGIONS = pa.list_(
    pa.struct(
        [
            ("kind", pa.string()),
            ("text", pa.string()),
            ("score", pa.float32()),
            ("quad", pa.list_(pa.float32())),
        ]
    )
)
UNIT = "list of kind, text, score 0 to 1, quad in pixels of the upright original"


class Region(TypedDict):
    """What was seen: its ``kind``, what it says or null, how sure that is (0 to 1), and its corners
    x, y, four of them clockwise from the top left, in pixels of the upright original.
    """

    kind: str
    text: str | None
    score: float
    quad: list[float]


def region(
    header: Header,
    seen: Sequence[int],
    corners: ArrayLike,
    kind: str,
    text: str | None = None,
    score: float = 1.0,
) -> Region:
    """A region with ``corners`` (4, 2) in pixels of what was ``seen``, of shape (H, W, ...): the
    image at some size.
    """
    scale = header.width / seen[1], header.height / seen[0]
    quad: Any = (np.asarray(corners, np.float64).reshape(4, 2) * scale).round(2).ravel().tolist()
    return Region(kind=kind, text=text, score=float(score), quad=quad)


def rectangle(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    """The corners (4, 2) of an upright rectangle."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]
