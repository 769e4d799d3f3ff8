"""How many images an edit was made from, and how far their sizes are from that of the result."""

import math

import pyarrow as pa

from curation.picture.decoding import Header
from curation.signals.pair import Pair
from curation.signals.signal import Column, signal


@signal(
    tier="pair",
    version=1,
    columns={
        "inputs_count": Column(pa.int32(), "1 to 3", "images that the result was made from"),
        "edit_images": Column(
            pa.string(), "a category", "single or multi: inputs", categories=("single", "multi")
        ),
        "aspect_difference": Column(
            pa.float32(), "ratio, 1 up", "aspect ratio over that of the input nearest in it"
        ),
        "scale_difference": Column(
            pa.float32(), "ratio, 1 up", "sides over those of the input nearest in size"
        ),
    },
)
def pair_sizes(pair: Pair) -> dict[str, object]:
    """Of several inputs the one counts that fits best: others are looked at, not edited."""
    result, inputs = pair.result.header, [of.header for of in pair.inputs]
    return {
        "inputs_count": len(inputs),
        "edit_images": "single" if len(inputs) == 1 else "multi",
        "aspect_difference": min(_apart(_aspect(result), _aspect(of)) for of in inputs),
        "scale_difference": min(_apart(_side(result), _side(of)) for of in inputs),
    }


def _apart(one_side: float, other: float) -> float:
    return max(one_side, other) / min(one_side, other)


def _aspect(header: Header) -> float:
    return header.width / header.height


def _side(header: Header) -> float:
    return math.sqrt(header.width * header.height)
