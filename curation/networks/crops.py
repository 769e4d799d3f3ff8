"""What networks look at: the middle square of an image, reduced, as the numbers they were fed."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


def middle(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(H, W, 3) to (side, side, 3): the short side is made ``side`` (bicubic), the rest cut off."""
    height, width = rgb.shape[:2]
    ratio = side / min(height, width)
    size = max(side, round(width * ratio)), max(side, round(height * ratio))
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    reduced = Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(reduced.crop((left, top, left + side, top + side)))


def normalised(
    rgb: NDArray[np.uint8],
    mean: tuple[float, ...] = CLIP_MEAN,
    deviation: tuple[float, ...] = CLIP_DEVIATION,
) -> NDArray[np.float32]:
    """(H, W, 3) of 0 to 255 to (1, 3, H, W): each channel of 0 to 1 less its mean, by deviation."""
    scale = 1 / (255 * np.asarray(deviation, np.float32))
    offset = np.asarray(mean, np.float32) / np.asarray(deviation, np.float32)
    channels = (rgb.astype(np.float32) * scale - offset).transpose(2, 0, 1)
    return np.ascontiguousarray(channels[None], np.float32)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """(..., D) scaled to length 1."""
    plain = np.asarray(vectors, np.float32)
    return np.asarray(plain / np.linalg.norm(plain, axis=-1, keepdims=True), np.float32)
