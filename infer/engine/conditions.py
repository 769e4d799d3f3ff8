"""What an image is to follow: edges or lines of another one, a map that is given, or the image
around a hole.

Shapes: H W pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import conditions, decoding
from curation.picture.decoding import PictureError
from curation.picture.sizes import Size
from curation.storage import user_paths
from curation.strict_yaml import expected_one_of
from train.pixels import Pixels

INPAINT = "inpaint"
KINDS = (*conditions.COMPUTED, *conditions.GIVEN, INPAINT)


@dataclass(frozen=True)
class Condition:
    """``pixels`` (H, W, 3) as large as the image that follows them; with a ``hole`` (H, W) they are
    to be filled in. Followed as much as ``scale`` says, from the share ``start`` of the steps to
    the share ``end``.
    """

    pixels: Pixels
    hole: NDArray[np.bool_] | None = None
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0


def read(
    given: str, mask: str | None, size: Size, scale: float, span: tuple[float, float]
) -> Condition:
    """Of ``KIND:FILE``, such as ``canny:photo.jpg``, at the ``size`` of the image. ``mask`` is the
    file of the hole, white where it is to be filled.

    Raises ``UsageError`` for an unknown kind, what cannot be read, and shares that are none;
    ``OSError``.
    """
    kind, _, path = given.partition(":")
    if kind not in KINDS or not path:
        raise UsageError(f"--control {given}: expected KIND:FILE; {expected_one_of(kind, KINDS)}")
    if not 0 <= span[0] <= span[1] <= 1:
        raise UsageError(f"--control-span {span[0]:g} {span[1]:g}: expected 0 <= from <= to <= 1")
    if (kind == INPAINT) != (mask is not None):
        expected = "needs a --mask" if kind == INPAINT else "takes no --mask"
        raise UsageError(f"--control {given}: {expected}; inpaint is what fills holes")
    image = _image(path, "--control").resize(size, Image.Resampling.LANCZOS)
    rgb = np.array(image.convert("RGB"))
    compute = conditions.COMPUTED.get(kind)
    hole = conditions.hole(_image(mask, "--mask"), size) if mask else None
    return Condition(compute(rgb) if compute else rgb, hole, scale, *span)


def _image(path: str, option: str) -> Image.Image:
    try:
        return Image.fromarray(decoding.decode(user_paths.read(path, option), None).rgb)
    except PictureError as error:
        raise UsageError(f"{option} {path}: {error.reason}: {error.detail}") from error
