"""Sizes of pictures: one size, or a size class in the nine aspect ratios of stage S1."""

import math
import re

from synthesis.problems import UsageError

LARGEST_SIDE = 4096
SMALLEST_SIDE = 16
RATIOS = ((1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (9, 16), (16, 9), (1, 3), (3, 1))
CLASSES = (256, 640, 1328)
_STEP = 16  # pixels: what an 8x image codec and 2x2 patches need
_PUBLISHED = {  # Qwen-Image model card: the sizes of the 1328 class
    (1, 1): (1328, 1328),
    (16, 9): (1664, 928),
    (9, 16): (928, 1664),
    (4, 3): (1472, 1104),
    (3, 4): (1104, 1472),
    (3, 2): (1584, 1056),
    (2, 3): (1056, 1584),
}
Size = tuple[int, int]


def sizes(told: str) -> tuple[Size, ...]:
    """(width, height) of ``WIDTHxHEIGHT``, or of every aspect ratio of a class such as ``640``.

    A class has about its square in pixels. Raises ``UsageError``.
    """
    told = told.strip()
    if told.isdigit() and int(told) in CLASSES:
        return tuple(_of_ratio(int(told), ratio) for ratio in RATIOS)
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", told)
    width, height = map(int, match.groups()) if match else (0, 0)
    if not (min(width, height) >= SMALLEST_SIDE and max(width, height) <= LARGEST_SIDE):
        classes = ", ".join(map(str, CLASSES))
        raise UsageError(
            f"--size {told}: expected WIDTHxHEIGHT, each {SMALLEST_SIDE} to {LARGEST_SIDE}, "
            f"such as 256x256, or a class in all aspect ratios: {classes}"
        )
    return ((width, height),)


def _of_ratio(side: int, ratio: tuple[int, int]) -> Size:
    if side == CLASSES[-1] and ratio in _PUBLISHED:
        return _PUBLISHED[ratio]
    width = side * math.sqrt(ratio[0] / ratio[1])
    return round(width / _STEP) * _STEP, round(side * side / width / _STEP) * _STEP
