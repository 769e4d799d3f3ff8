"""Conditions that a ControlNet follows, made from an image without a network: white on black, as
the published ControlNets take them. Depth and pose need a network, and a layout somebody who wants
it: they are given as images.

All are functions of the pixels alone, the same bytes each time.

Shapes: H W pixels; RGB is (H, W, 3) uint8, planes are (H, W).
"""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rgb = NDArray[np.uint8]
_Plane = NDArray[np.float32]
_SCALES = (1.0, 2.0, 4.0)  # of soft edges: standard deviations in pixels
_FAINT = 0.02  # gradients per pixel, of white, that are never stretched to be white
_WIDER = 1.6  # of the two Gaussians of lines: the ratio closest to a Laplacian (Marr-Hildreth)


def canny(rgb: Rgb, low: int = 100, high: int = 200) -> Rgb:
    """Thin edges: pixels of a gradient over ``high``, and those over ``low`` that they lead to
    (Canny 1986; gradients are |x| + |y| of Sobel's, of the channel where that is largest).

    Raises ``ValueError`` unless 0 <= low <= high.
    """
    if not 0 <= low <= high:
        raise ValueError(f"canny: low {low}, high {high}; expected 0 <= low <= high")
    return _rgb(np.asarray(cv2.Canny(np.ascontiguousarray(rgb), low, high), np.uint8))


def soft_edge(rgb: Rgb, gamma: float = 1.0) -> Rgb:
    """Broad edges, the brighter the stronger, of outlines before textures: gradients of Gaussians
    at three scales, of the channel with the largest, multiplied; what is an edge at one scale alone
    is none. The brightest percent is white; ``gamma`` under 1 lifts faint edges.

    It stands in for HED (arXiv 1504.06375), which knows objects and needs weights. Raises
    ``ValueError`` for a gamma that is not positive.
    """
    if gamma <= 0:
        raise ValueError(f"soft_edge: gamma {gamma}; expected more than 0")
    image = rgb.astype(np.float32) / 255
    strength = np.ones(rgb.shape[:2], np.float32)
    for scale in _SCALES:
        smooth = cv2.GaussianBlur(image, (0, 0), scale, borderType=cv2.BORDER_REPLICATE)
        across, down = (
            cv2.Sobel(smooth, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1))
        )
        steepest = np.sqrt(across**2 + down**2).max(axis=2)
        strength *= np.cbrt(steepest * scale)
    white = max(float(np.percentile(strength, 99)), _FAINT)
    return _rgb(_bytes((strength / white) ** gamma))


def line_art(rgb: Rgb, width: float = 1.0, contrast: float = 0.97, sharpness: float = 40.0) -> Rgb:
    """Lines where it is darker than around, in white: the extended difference of Gaussians of the
    brightness (XDoG: Winnemoeller, Kyprianidis, Olsen 2012), 1 where D > 0, else 1 + tanh(phi D),
    inverted; D = G(width) - contrast G(1.6 width), phi = ``sharpness``.

    It stands in for networks that draw as people do. Raises ``ValueError`` for a width that is not
    positive.
    """
    if width <= 0:
        raise ValueError(f"line_art: width {width}; expected more than 0")
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    near, far = (
        cv2.GaussianBlur(grey, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE)
        for deviation in (width, _WIDER * width)
    )
    difference = near - contrast * far
    return _rgb(_bytes(-np.tanh(sharpness * np.minimum(difference, 0))))


def hole(mask: Image.Image, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) what is to be filled in, of an image of ``size`` (width, height): where a ``mask`` of
    any mode and size is at least half white, scaled as diffusers does one in grey or colours.
    """
    scaled = mask.convert("L").resize(size, Image.Resampling.LANCZOS)
    return np.asarray(scaled) >= 128


def with_hole(rgb: Rgb, hole: NDArray[np.bool_]) -> Rgb:
    """The image with the ``hole`` in black, as the autoencoder sees it for inpainting."""
    return np.where(hole[:, :, None], np.uint8(0), rgb)


COMPUTED: Mapping[str, Callable[..., Rgb]] = {
    "canny": canny,
    "soft_edge": soft_edge,
    "line_art": line_art,
}
GIVEN = ("depth", "pose", "layout")


def _bytes(plane: NDArray[Any]) -> Rgb:
    """0..1 to 0..255, cut off."""
    levels: Rgb = (np.clip(plane, 0, 1) * 255).round().astype(np.uint8)
    return levels


def _rgb(plane: Rgb) -> Rgb:
    """(H, W) to (H, W, 3)."""
    return np.repeat(plane[:, :, None], 3, axis=2)
