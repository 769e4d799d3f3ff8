"""Mosaics that hide faces or signs: patches of blocks of a constant colour, in a regular grid.

Between blocks the image steps at once and is flat on both sides, along straight runs in both
directions, and the steps of a patch are all a multiple of the block apart. Letters and drawings
have such steps, but neither in both directions so densely nor so evenly; those that do are of two
levels, far apart: ink and ground.
"""

from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.signals.regions import REGIONS, UNIT, Region, rectangle, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

SIDE = 1024  # pixels of the short side: reduced further, blocks blend
BLOCKS = range(6, 41)  # pixels of a block
STEP = 6  # luma levels between two blocks
FLAT = 3  # luma levels between neighbours within one, compressed
RUN = 5  # pixels: a step goes on for as many along its edge
WINDOW = 49  # pixels: blocks of 16 have three rows there
DENSE = 0.009  # of the pixels of a window are steps, in each direction
LEAST = 24  # pixels: sides of a patch
LINES = 5  # of a grid, of both directions together: letters and frames have four
EVEN = 0.75  # of the steps of a patch lie in the grid, give or take a pixel
INKED = 0.8  # of the pixels of a patch are of two levels: ink and ground ...
NEAR = 8  # ... or as many luma levels from them ...
CONTRAST = 40  # ... and half of the steps are at least so high


@signal(
    tier="model",
    version=2,
    columns={
        "mosaic": Column(pa.float32(), "share 0 to 1", "area of patches made of even blocks"),
        "mosaic_regions": Column(REGIONS, UNIT, "patches of blocks, and how even their grid is"),
    },
    short_side=SIDE,
    cost="medium",
)
def mosaics() -> Measure:
    """Patches of blocks per image."""
    return lambda rows: [_measured(row) for row in rows]


def _measured(row: Row) -> dict[str, Any]:
    picture = row.picture(SIDE)
    luma = np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    regions: list[Region] = []
    area = 0
    for (left, top, right, bottom), even in patches(luma):
        quad = rectangle(left, top, right, bottom)
        regions.append(region(picture.header, luma.shape, quad, "mosaic", None, even))
        area += (right - left) * (bottom - top)
    return {"mosaic": min(1.0, area / luma.size), "mosaic_regions": regions}


def patches(luma: NDArray[np.uint8]) -> list[tuple[tuple[int, int, int, int], float]]:
    """Left, top, right and bottom of the patches of an (H, W) image, and how even their grid is."""
    if min(luma.shape) < WINDOW:
        return []
    upright, level = steps(luma), steps(luma.T).T
    window = (WINDOW, WINDOW)
    dense = [cv2.boxFilter(of.astype(np.float32), -1, window) >= DENSE for of in (upright, level)]
    both = (dense[0] & dense[1]).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(both)
    patches_seen: list[tuple[tuple[int, int, int, int], float]] = []
    for label, (left, top, wide, high, _) in enumerate(stats[1:].tolist(), start=1):
        if min(wide, high) < LEAST:
            continue
        inside = labels[top : top + high, left : left + wide] == label
        sums = [
            (of[top : top + high, left : left + wide] & inside).sum(axis=axis)
            for of, axis in ((upright, 0), (level, 1))
        ]
        even = evenness(*sums)
        patch = slice(top, top + high), slice(left, left + wide)
        if even >= EVEN and not is_ink(luma[patch], upright[patch] & inside):
            patches_seen.append(((left, top, left + wide, top + high), even))
    return patches_seen


def is_ink(luma: NDArray[np.uint8], upright: NDArray[np.bool_]) -> bool:
    """Whether an (H, W) patch is of two levels, with high steps to the next column between them."""
    counts = np.bincount(luma.ravel(), minlength=256)
    near = np.convolve(counts, np.ones(2 * NEAR + 1, np.int64), "same")
    first = int(near.argmax())
    largest = near[first]
    near[max(0, first - 2 * NEAR) : first + 2 * NEAR + 1] = 0
    if largest + near.max() <= INKED * luma.size:
        return False
    heights = cv2.absdiff(luma[:, 1:], luma[:, :-1])[upright[:, :-1]]
    return bool(heights.size and np.median(heights) >= CONTRAST)


def steps(luma: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where an (H, W) image steps from one column to the next, flat on both sides, along a run."""
    change = cv2.absdiff(luma[:, 1:], luma[:, :-1])  # between x and x + 1
    flat = change <= FLAT
    across = np.zeros(luma.shape, np.uint8)
    step = change[:, 3:-3] >= STEP
    for apart in (2, 3):
        step &= (
            flat[:, 3 - apart : -3 - apart or None] & flat[:, 3 + apart : flat.shape[1] - 3 + apart]
        )
    across[:, 3:-4] = step & (change[:, 3:-3] >= np.maximum(change[:, 2:-4], change[:, 4:-2]))
    runs = cv2.morphologyEx(across, cv2.MORPH_OPEN, np.ones((RUN, 1), np.uint8))
    return np.asarray(runs, np.bool_)


def evenness(*sums: NDArray[np.int64]) -> float:
    """The share of steps, by column and by row of a patch, that lie in the best grid of blocks.

    0 where they lie on fewer than ``LINES`` lines of the grid.
    """
    best = 0.0
    for block in BLOCKS:
        grids = [_in_grid(of, block) for of in sums]
        if sum(lines for _, lines in grids) >= LINES:
            best = max(best, min(share for share, _ in grids))
    return best


def _in_grid(sums: NDArray[np.int64], block: int) -> tuple[float, int]:
    """The share of steps in the best grid, less what chance would put there; how many lines."""
    if len(sums) < 2 * block or not sums.sum():
        return 0.0, 0
    near = np.convolve(sums, [1, 1, 1], "same")  # a pixel to either side
    phase = np.bincount(np.arange(len(sums)) % block, weights=near, minlength=block)
    best = int(phase.argmax())
    share, chance = min(1.0, float(phase[best] / sums.sum())), 3 / block
    lines = int((near[best::block] >= RUN).sum())
    return max(0.0, (share - chance) / (1 - chance)), lines
