"""``--size``: one size of images, or a size class in all its aspect ratios."""

from curation.failures.errors import UsageError
from curation.picture.sizes import CLASSES, Size, of_class, parse

__all__ = ["CLASSES", "LARGEST_SIDE", "SMALLEST_SIDE", "Size", "sizes"]
LARGEST_SIDE = 4096
SMALLEST_SIDE = 16


def sizes(size: str) -> tuple[Size, ...]:
    """(width, height) of ``WIDTHxHEIGHT``, or of every aspect ratio of a class such as ``640``.

    Raises ``UsageError``.
    """
    size = size.strip()
    if size.isdigit() and int(size) in CLASSES:
        return of_class(int(size))
    width, height = parse(size) or (0, 0)
    if not (min(width, height) >= SMALLEST_SIDE and max(width, height) <= LARGEST_SIDE):
        classes = ", ".join(map(str, CLASSES))
        raise UsageError(
            f"--size {size}: expected WIDTHxHEIGHT, each {SMALLEST_SIDE} to {LARGEST_SIDE}, "
            f"such as 256x256, or a class in all aspect ratios: {classes}"
        )
    return ((width, height),)
