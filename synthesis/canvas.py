"""``--size``: one size of pictures, or a size class in all its aspect ratios."""

import re

from curation.failures.errors import UsageError
from curation.picture.sizes import CLASSES, Size, of_class

__all__ = ["CLASSES", "LARGEST_SIDE", "SMALLEST_SIDE", "Size", "sizes"]
LARGEST_SIDE = 4096
SMALLEST_SIDE = 16


def sizes(told: str) -> tuple[Size, ...]:
    """(width, height) of ``WIDTHxHEIGHT``, or of every aspect ratio of a class such as ``640``.

    Raises ``UsageError``.
    """
    told = told.strip()
    if told.isdigit() and int(told) in CLASSES:
        return of_class(int(told))
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", told)
    width, height = map(int, match.groups()) if match else (0, 0)
    if not (min(width, height) >= SMALLEST_SIDE and max(width, height) <= LARGEST_SIDE):
        classes = ", ".join(map(str, CLASSES))
        raise UsageError(
            f"--size {told}: expected WIDTHxHEIGHT, each {SMALLEST_SIDE} to {LARGEST_SIDE}, "
            f"such as 256x256, or a class in all aspect ratios: {classes}"
        )
    return ((width, height),)
