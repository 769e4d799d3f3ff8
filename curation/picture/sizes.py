"""Training sizes: what is rendered, trained on and generated, in classes of nine aspect ratios.

The one place: text images are rendered at these sizes and the trainer's buckets are the same, so
that no text is blurred on its way from one to the other.
"""

import math
import re

Size = tuple[int, int]  # (width, height) in pixels

CLASSES = (256, 640, 1328)  # each about its square in pixels
RATIOS = ((1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (9, 16), (16, 9), (1, 3), (3, 1))
STEP = 16  # pixels: what an 8x autoencoder and 2x2 patches need
_WRITTEN = re.compile(r"([1-9]\d{0,4})[xX×]([1-9]\d{0,4})", re.ASCII)
_PUBLISHED = {  # Qwen-Image model card: the sizes of the 1328 class
    (1, 1): (1328, 1328),
    (16, 9): (1664, 928),
    (9, 16): (928, 1664),
    (4, 3): (1472, 1104),
    (3, 4): (1104, 1472),
    (3, 2): (1584, 1056),
    (2, 3): (1056, 1584),
}
_PUBLISHED_BY_RATIO = {width / height: size for (width, height), size in _PUBLISHED.items()}


def parse(text: str) -> Size | None:
    """``64x32`` -> (64, 32), width first; None where a text is no such size."""
    match = _WRITTEN.fullmatch(text.strip())
    return (int(match[1]), int(match[2])) if match else None


def of_class(side: int) -> tuple[Size, ...]:
    """The sizes of a class, in the order of ``RATIOS``."""
    return tuple(of_ratio(side, width / height) for width, height in RATIOS)


def of_ratio(side: int, ratio: float, step: int = STEP) -> Size:
    """The size of about ``side`` x ``side`` pixels and width over height about ``ratio``.

    Both are multiples of ``step``, which is a multiple of ``STEP`` or another network's own.
    """
    width, height = side * math.sqrt(ratio), side / math.sqrt(ratio)
    if side == CLASSES[-1] and ratio in _PUBLISHED_BY_RATIO:
        width, height = _PUBLISHED_BY_RATIO[ratio]
    return _whole(width, step), _whole(height, step)


def nearest(size: Size, ratios: tuple[float, ...]) -> float:
    """The aspect ratio nearest to that of ``size``, by its logarithm."""
    return min(ratios, key=lambda ratio: abs(math.log(ratio * size[1] / size[0])))


def _whole(length: float, step: int) -> int:
    return max(step, round(length / step) * step)
