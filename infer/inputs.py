"""Images to be edited: read, and cut as a checkpoint saw such while it was trained.

Shapes: H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import ValidationError

from curation.failures.errors import UsageError
from curation.picture import decoding, sizes
from curation.picture.decoding import PictureError
from curation.picture.sizes import Size
from curation.storage import user_paths
from train import families, phases
from train.configuration import Configuration, DataConfiguration
from train.data import examples
from train.pixels import Pixels

MOST = 3
_SIDE, _UNIT = 1024, 32  # published edit models see about 1024 x 1024 px, in multiples of 32


@dataclass(frozen=True)
class Inputs:
    """Images (H, W, 3) as the autoencoder and as the text encoder is to see them, none of which a
    checkpoint may have learnt to see so; and the size of what is made of them.
    """

    encoded: tuple[Pixels, ...]
    looked_at: tuple[Pixels, ...]
    size: Size


def read(paths: Sequence[str], folder: Path, unit: int) -> Inputs | None:
    """The images at ``paths`` for the checkpoint in ``folder``, whose sizes are multiples of
    ``unit`` pixels; None where there are none. The result is as large as the last one.

    Raises ``UsageError`` for too many, an image that cannot be read, or is too small; ``OSError``.
    """
    if len(paths) > MOST:
        raise UsageError(f"--input: {len(paths)} images; expected at most {MOST}")
    return of_bytes(
        [(f"--input {path}", user_paths.read(path, "--input")) for path in paths], folder, unit
    )


def of_bytes(named: Sequence[tuple[str, bytes]], folder: Path, unit: int) -> Inputs | None:
    """The same of images, each with what a sentence about it begins with."""
    if not named:
        return None
    settings = _settings(folder)
    if settings is None:
        natives = tuple(_decoded(name, each) for name, each in named)
        encoded = tuple(_published(each) for each in natives)
        # Where latents stand in the places of what a text encoder sees, both are of one size.
        alike = families.of_folder(folder).name == "qwen_image_21"
        size = (encoded[-1].shape[1], encoded[-1].shape[0])
        return Inputs(encoded, encoded if alike else natives, size)
    return as_trained(named, settings, unit)


def under(name: str, data: bytes, folder: Path, unit: int, size: Size) -> Pixels:
    """(H, W, 3): the image as what is made of it, of that ``size``, lies over it, of its own pixels
    and not of those that a published model sees. Raises ``UsageError``.
    """
    settings = _settings(folder)
    pixels = _cut(name, data, settings, unit) if settings else _decoded(name, data)
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def as_trained(
    named: Sequence[tuple[str, bytes]], settings: DataConfiguration, unit: int
) -> Inputs:
    """The same for a network that is trained by these settings. Raises ``UsageError``."""
    cut = tuple(_cut(name, each, settings, unit) for name, each in named)
    references = settings.references
    return Inputs(
        () if references == "text" else cut,
        () if references == "latents" else cut,
        (cut[-1].shape[1], cut[-1].shape[0]),
    )


def _decoded(name: str, data: bytes) -> Pixels:
    try:
        return np.array(decoding.decode(data, None).rgb)
    except PictureError as error:
        raise UsageError(f"{name}: {error.reason}: {error.detail}") from error


def _published(pixels: Pixels) -> Pixels:
    """At the size in which the published models see it."""
    size = sizes.of_ratio(_SIDE, pixels.shape[1] / pixels.shape[0], _UNIT)
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _cut(name: str, data: bytes, settings: DataConfiguration, unit: int) -> Pixels:
    """As an input of the training data is cut."""
    try:
        header = decoding.read_header(data)
        native = (header.width, header.height)
        size = examples.target_size(*native, unit, settings)
        if not all(size):
            trained = ", ".join(settings.sizes) or f"multiples of {unit}"
            raise UsageError(
                f"{name}: {native[0]}x{native[1]} px is none of the sizes that this"
                f" checkpoint was trained on: {trained}"
            )
        row = {"image": {"bytes": data}, "width": native[0], "height": native[1]}
        return examples.decode(row, size, settings)
    except PictureError as error:
        raise UsageError(f"{name}: {error.reason}: {error.detail}") from error


def _settings(folder: Path) -> DataConfiguration | None:
    """How the last phase of a checkpoint's training took images; None for a foreign folder."""
    path = folder / "training_state" / "configuration.json"
    if not path.is_file():
        return None
    try:
        configuration = Configuration.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UsageError(f"{path}: not what this version writes") from error
    return phases.of_run(configuration, "of the run")[-1].data
