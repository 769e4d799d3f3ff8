"""Edits to look at: what they began with beside what they came to, and where the two may differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture import decoding
from synthesis.raster import Pixels

COLUMNS = ("inputs", "caption_instruction", "edit_mask")
GAP = 0.03  # of the width of the result, between the two
_MARK = (214, 0, 150)
_PAPER = 255
Contour = NDArray[np.int32]  # (N, 1, 2) x and y


def instructions(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The language and text of each instruction."""
    return [(said["language"], said["text"]) for said in row["caption_instruction"] or ()]


def input_of(row: Mapping[str, Any]) -> Pixels | None:
    """The first image that an edit was made from, (H, W, 3) RGB; ``None`` for what is no edit."""
    inputs = row["inputs"]
    return decoding.decode(inputs[0]["bytes"], short_side=None).rgb if inputs else None


def contours(row: Mapping[str, Any]) -> Sequence[Contour]:
    """The outlines of where the result may differ; none where it may everywhere."""
    if not row["edit_mask"]:
        return ()
    mask = decoding.decode(row["edit_mask"]["bytes"], short_side=None).rgb[..., 0]
    return cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]


def outline(row: Mapping[str, Any]) -> str:
    """The same as SVG path data."""
    return "".join(
        "M" + "L".join(f"{x} {y}" for x, y in contour[:, 0].tolist()) + "Z"
        for contour in contours(row)
    )


def side_by_side(row: Mapping[str, Any], result: Pixels) -> Pixels:
    """The input and the result, with where they may differ outlined; the result alone of none."""
    before = input_of(row)
    if before is None:
        return result
    after = np.ascontiguousarray(result)
    thick = max(1, round(max(after.shape[:2]) / 200))
    cv2.polylines(after, list(contours(row)), True, _MARK, thick)
    height = max(before.shape[0], after.shape[0])
    gap = np.full((height, round(GAP * after.shape[1]), 3), _PAPER, np.uint8)
    return np.concatenate([_as_high(before, height), gap, _as_high(after, height)], axis=1)


def _as_high(image: Pixels, height: int) -> Pixels:
    below = ((0, height - image.shape[0]), (0, 0), (0, 0))
    return np.pad(image, below, constant_values=_PAPER)
