"""What an image is to follow: edges or lines of another one, a map that is given, or the image
around a hole.

Shapes: H W pixels.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import conditions, decoding
from curation.picture.decoding import PictureError
from curation.picture.sizes import Size
from curation.storage import user_paths
from curation.strict_yaml import expected_one_of
from train import checkpoint_folder

if TYPE_CHECKING:
    from train.pixels import Pixels

INPAINT = "inpaint"
OUTLINES = (*conditions.COMPUTED, *conditions.GIVEN)
KINDS = (*OUTLINES, INPAINT)


@dataclass(frozen=True)
class Condition:
    """``pixels`` (H, W, 3) as large as the image that follows them; with a ``hole`` (H, W) they are
    to be filled in. Followed as much as ``scale`` says, from the share ``start`` of the steps to
    the share ``end``.
    """

    pixels: "Pixels"
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
    rgb = _seen(kind, _image(user_paths.read(path, "--control"), f"--control {path}"), size)
    hole = None
    if mask:
        shape = _image(user_paths.read(mask, "--mask"), f"--mask {mask}")
        hole = conditions.hole(shape, size)
    return Condition(rgb, hole, scale, *span)


def of_bytes(kind: str, data: bytes, name: str, size: Size) -> "Pixels":
    """(H, W, 3) of a condition by one of the ``OUTLINES``, for an image of that ``size``; ``name``
    begins a sentence about its file. Raises ``UsageError``.
    """
    return _seen(kind, _image(data, name), size)


def kinds(folder: Path) -> tuple[str, ...]:
    """What the ControlNet that an engine would take from a folder follows, by its ``config.json``
    alone. Raises ``UsageError`` for a folder without one.
    """
    try:
        path = checkpoint_folder.controlnet(folder) / "config.json"
        content = json.loads(path.read_text("utf-8"))
        extra = content.get("extra_condition_channels", 0)
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"--controlnet {folder}: no ControlNet ({error})") from error
    return (INPAINT,) if extra else OUTLINES


def _seen(kind: str, image: Image.Image, size: Size) -> "Pixels":
    rgb = np.array(image.resize(size, Image.Resampling.LANCZOS).convert("RGB"))
    compute = conditions.COMPUTED.get(kind)
    return compute(rgb) if compute else rgb


def _image(data: bytes, name: str) -> Image.Image:
    try:
        return Image.fromarray(decoding.decode(data, None).rgb)
    except PictureError as error:
        raise UsageError(f"{name}: {error.reason}: {error.detail}") from error
