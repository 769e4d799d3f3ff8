"""Whether a reader can read it: contrast, stems, size, occlusion, measured on the final image.

Each check raises ``UnrenderableError`` with its own reason: ``low_contrast``, ``thin_stem``,
``too_small``, ``occluded``, ``outside_canvas``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import RGB
from synthesis.raster import Pixels
from synthesis.scene.bends import Points
from synthesis.scene.geometry import Surface
from synthesis.unrenderable import UnrenderableError

LEAST_CONTRAST = 4.0  # measured; WCAG 2.2, 1.4.3 asks 4.5 of the colours before they are blurred
LEAST_CONTRAST_LARGE = 3.0
LARGE = 24.0  # pixels per em: WCAG's large text
LEAST_STEM = 0.8  # pixels
MOST_OCCLUDED = 0.005  # of the ink
_COVERED = 40  # of 255: what is in front hides so much
_CORE = np.array([255 * (level / 255) ** 4 for level in range(256)], np.uint8)
_BESIDE = np.array([255 if level < 8 else 0 for level in range(256)], np.uint8)
_LINEAR = np.array(
    [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255]
)


@dataclass(frozen=True)
class Seen:
    """The colours of ink and ground around most glyphs of the image, and the least contrast."""

    ink: RGB
    ground: RGB
    contrast: float


def check_inside(quads: NDArray[np.float64], width: int, height: int) -> None:
    """Every corner (N, 8) is in the image."""
    corners = quads.reshape(-1, 2)
    if (corners < 0).any() or (corners > (width, height)).any():
        raise UnrenderableError("outside_canvas", f"{corners.min(0)} to {corners.max(0)}")


def scales(surface: Surface, points: Points) -> NDArray[np.float64]:
    """At each point the lesser of what a pixel across and one down become, in pixels."""
    here = surface.project(points)
    steps = [surface.project(points + step) - here for step in ((1.0, 0.0), (0.0, 1.0))]
    return np.asarray(np.min([np.hypot(*step.T) for step in steps], axis=0), np.float64)


def check_size(em: float, smallest: float) -> None:
    """The pixels per em where they are fewest, against the smallest that can be read."""
    if em < smallest:
        raise UnrenderableError("too_small", f"{em:.1f} px per em, {smallest} wanted")


def stem(coverage: Pixels) -> float:
    """The mean width of strokes in pixels: twice their area over their outline's length.

    Strokes thinner than a pixel have as long an outline but are faint: hence the mean coverage.
    """
    left, top, width, height = cv2.boundingRect(coverage)
    ink = cv2.copyMakeBorder(
        coverage[top : top + height, left : left + width], 1, 1, 1, 1, cv2.BORDER_CONSTANT
    )
    across = cv2.norm(ink[:, 1:], ink[:, :-1], cv2.NORM_L1)
    down = cv2.norm(ink[1:], ink[:-1], cv2.NORM_L1)
    area = max(float(cv2.sumElems(ink)[0]), 1.0)
    solid = cv2.norm(ink, cv2.NORM_L2SQR) / area / 255
    return 2 * area / max(across + down, 1.0) * solid


def check_stem(width: float) -> None:
    """Strokes are wide enough to be seen."""
    if width < LEAST_STEM:
        raise UnrenderableError("thin_stem", f"{width:.2f} px")


def check_occlusion(coverage: Pixels, before: Pixels | None) -> None:
    """Hardly any ink is behind ``before``, a (H, W) uint8 mask of what stands in front."""
    if before is None:
        return
    ink = coverage > 96
    hidden = int((ink & (before > _COVERED)).sum())
    if hidden > MOST_OCCLUDED * max(int(ink.sum()), 1):
        raise UnrenderableError("occluded", f"{hidden} pixels of ink")


def measure(image: Pixels, coverage: Pixels, centres: Points, em: float) -> Seen:
    """Colours and contrast around the centres of glyphs (N, 2), every few pixels measured.

    Ink is weighed by its coverage to the fourth: the middle of strokes counts.
    """
    step = int(min(4, max(2, em // 12)))
    window = max(3, round(1.4 * em / step))
    left, top, width, height = cv2.boundingRect(coverage)
    start = np.maximum(np.array([left, top]) - window * step, 0)
    rows = slice(int(start[1]), top + height + window * step, step)
    columns = slice(int(start[0]), left + width + window * step, step)
    mask = np.ascontiguousarray(coverage[rows, columns])
    within = np.ascontiguousarray(image[rows, columns])
    x, y = np.clip((centres - start) // step, 0, np.array(mask.shape[::-1]) - 1).astype(int).T
    local = []
    for table in (_CORE, _BESIDE):
        weight = cv2.LUT(mask, table)
        weighed = cv2.multiply(within, cv2.merge([weight] * 3), dtype=cv2.CV_32F)
        layers = cv2.merge([*cv2.split(weighed), weight.astype(np.float32)])
        sums = cv2.blur(layers, (window, window), borderType=cv2.BORDER_CONSTANT)[y, x]
        local.append(sums[:, :3] / np.maximum(sums[:, 3:], 1e-3))
    inside, other = (_luminance(colours) for colours in local)
    contrast = (np.maximum(inside, other) + 0.05) / (np.minimum(inside, other) + 0.05)
    ink, ground = (_rgb(np.median(colours, axis=0)) for colours in local)
    return Seen(ink, ground, float(contrast.min()))


def _luminance(colours: NDArray[np.float32]) -> NDArray[np.float64]:
    linear = _LINEAR[np.clip(colours, 0, 255).astype(np.uint8)]
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]), np.float64)


def _rgb(levels: NDArray[np.float32]) -> RGB:
    red, green, blue = (round(float(value)) for value in np.clip(levels, 0, 255))
    return red, green, blue


def check_contrast(seen: Seen, em: float) -> None:
    """Every glyph stands out from what is around it."""
    least = LEAST_CONTRAST_LARGE if em >= LARGE else LEAST_CONTRAST
    if seen.contrast < least:
        raise UnrenderableError("low_contrast", f"{seen.contrast:.2f}, {least} wanted")
