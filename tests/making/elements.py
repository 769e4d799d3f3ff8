"""Abnormal elements put on clean images, each with its strength: what S5 is to find."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]


def barred(rgb: RGB, share: float, colour: Sequence[int] = (0, 0, 0), sides: str = "tb") -> RGB:
    """Bars over ``share`` of the height (tb), the width (lr) or, all around, of both."""
    image = rgb.copy()
    height, width = rgb.shape[:2]
    if "t" in sides:
        bar = max(1, round(share * height / 2))
        image[:bar], image[height - bar :] = colour, colour
    if "l" in sides:
        bar = max(1, round(share * width / 2))
        image[:, :bar], image[:, width - bar :] = colour, colour
    return image


def collage(images: Sequence[RGB], columns: int, gutter: int = 0, side: int = 600) -> RGB:
    """The images in a grid of so many columns, ``gutter`` pixels of white between them."""
    rows = len(images) // columns
    wide, high = (side - gutter * (columns - 1)) // columns, (side - gutter * (rows - 1)) // rows
    canvas = np.full((side, side, 3), 255, np.uint8)
    for place, image in enumerate(images[: rows * columns]):
        y, x = (place // columns) * (high + gutter), (place % columns) * (wide + gutter)
        canvas[y : y + high, x : x + wide] = _filling(image, wide, high)
    return canvas


def _filling(rgb: RGB, width: int, height: int) -> RGB:
    """The middle of the image, scaled to fill so many pixels."""
    scale = max(width / rgb.shape[1], height / rgb.shape[0])
    size = (max(width, round(rgb.shape[1] * scale)), max(height, round(rgb.shape[0] * scale)))
    scaled = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(scaled[y : y + height, x : x + width], np.uint8)


def screenshot(rgb: RGB, share: float, dark: bool = False) -> RGB:
    """A telephone's status bar above, and a bar of buttons below, over ``share`` of the height."""
    height, width = rgb.shape[:2]
    above, below = max(8, round(share * height * 0.4)), max(8, round(share * height * 0.6))
    ground, ink = ((24, 24, 28), (235, 235, 235)) if dark else ((248, 248, 248), (30, 30, 30))
    image = rgb.copy()
    image[:above], image[height - below :] = ground, ground
    scale = above / 40
    at = (round(width * 0.03), round(above * 0.75))
    cv2.putText(image, "12:41", at, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, max(1, round(scale * 2)))
    middle = above // 2
    for step in range(3):
        x = round(width * (0.97 - 0.04 * step)) - above // 2
        cv2.rectangle(
            image, (x, middle - above // 5), (x + above // 3, middle + above // 5), ink, -1
        )
    for step in range(4):
        centre = (round(width * (step + 0.5) / 4), height - below // 2)
        cv2.circle(image, centre, max(2, below // 5), ink, max(1, below // 14), cv2.LINE_AA)
    return image


def mosaic(rgb: RGB, block: int, share: float, at: tuple[float, float] = (0.45, 0.4)) -> RGB:
    """Blocks of ``block`` pixels of a constant colour over an ellipse of ``share`` of the area."""
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (-(-width // block), -(-height // block)), interpolation=cv2.INTER_AREA)
    blocks = np.repeat(np.repeat(small, block, axis=0), block, axis=1)[:height, :width]
    cell = np.repeat(np.repeat(_ellipse(small.shape[:2], share, at), block, 0), block, 1)
    return np.where(cell[:height, :width, None], blocks, rgb)


def _ellipse(shape: tuple[int, int], share: float, at: tuple[float, float]) -> NDArray[np.bool_]:
    """An upright ellipse of that ``share`` of an area, a little higher than wide, as faces are."""
    height, width = shape
    radius = np.sqrt(share * height * width / np.pi)
    y, x = np.mgrid[:height, :width]
    across, down = (
        (x + 0.5 - at[0] * width) / (radius / 1.12),
        (y + 0.5 - at[1] * height) / (radius * 1.12),
    )
    return np.asarray(across**2 + down**2 <= 1)


def overlaid(rgb: RGB, text: str, where: str, strength: float, dark: bool = False) -> RGB:
    """A watermark: ``text`` tiled, in the centre, or in a corner, with ``strength`` 0 to 1."""
    height, width = rgb.shape[:2]
    ink = np.zeros((height, width), np.uint8)
    font, thick = cv2.FONT_HERSHEY_DUPLEX, max(1, min(height, width) // 350)
    size = {"tile": 0.045, "centre": 0.11, "corner": 0.045}[where] * min(height, width) / 22
    (wide, high), _ = cv2.getTextSize(text, font, size, thick)
    if where == "tile":
        places = [
            (x, y)
            for row, y in enumerate(range(high, height + high, 5 * high))
            for x in range(-(row % 2) * wide // 2, width, round(1.5 * wide))
        ]
    elif where == "centre":
        places = [((width - wide) // 2, (height + high) // 2)]
    else:
        places = [(width - wide - high // 2, height - high // 2)]
    for place in places:
        cv2.putText(ink, text, place, font, size, 255, thick, cv2.LINE_AA)
    if where == "tile":
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 25, 1.0)
        ink = cv2.warpAffine(ink, turn, (width, height))
    alpha = (ink / 255.0 * strength)[..., None]
    return np.asarray(rgb * (1 - alpha) + (0 if dark else 255) * alpha, np.uint8)


def hidden(
    rgb: RGB, box: Sequence[float], how: str, strength: float, shape: str, grown: float
) -> RGB:
    """A face (left, top, right, bottom) under a patch ``grown`` times as large: a ``mosaic`` of so
    many blocks across the face, or ``blur`` with that deviation, in widths of the face.
    """
    left, top, right, bottom = box
    radii = (right - left) / 2 * grown, (bottom - top) / 2 * grown * 1.1
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    across, down = (x - (left + right) / 2) / radii[0], (y - (top + bottom) / 2) / radii[1]
    if shape == "ellipse":
        patch = across**2 + down**2 <= 1
    else:
        patch = (abs(across) <= 1) & (abs(down) <= 1)
    if how == "blur":
        instead = cv2.GaussianBlur(rgb, (0, 0), max(1.0, strength * (right - left)))
    else:
        instead = _blocks(rgb, max(3, round((right - left) / strength)), (int(left), int(top)))
    return np.where(patch[..., None], instead, rgb)


def _blocks(rgb: RGB, block: int, corner: tuple[int, int]) -> RGB:
    """The image as blocks, one of which has its corner there."""
    before = (-corner[1]) % block, (-corner[0]) % block
    after = [-(length + more) % block for length, more in zip(rgb.shape[:2], before, strict=True)]
    padded = np.pad(rgb, ((before[0], after[0]), (before[1], after[1]), (0, 0)), "edge")
    rows, columns = padded.shape[0] // block, padded.shape[1] // block
    means = padded.reshape(rows, block, columns, block, 3).mean(axis=(1, 3)).round()
    blocks = means.astype(np.uint8).repeat(block, 0).repeat(block, 1)
    height, width = rgb.shape[:2]
    return blocks[before[0] : before[0] + height, before[1] : before[1] + width]


def jpeg(rgb: RGB, quality: int = 85) -> bytes:
    """An (H, W, 3) image as a file."""
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
