"""What a ControlNet is shown of a training image: edges or lines computed of it, a hole in it, or a
map that its row brings along.

Shapes: H W pixels; c latent channels, h w latent cells.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curation.picture import conditions
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import Computed
from train.pixels import Pixels
from train.seeds import seed_for

INPAINT = "inpaint"
_MOST_HOLES = 3
_SIDES = (0.15, 0.6)  # of a hole, as shares of the image's
_SCALE = 1 << 32


def kind(mix: Mapping[Computed, float], of: str) -> Computed:
    """Which kind of a ``mix`` of shares the row with the id ``of`` has: always the same one, so
    that what is kept of a row does not depend on when it is shown.
    """
    left = seed_for(0, "condition", of) % _SCALE / _SCALE * sum(mix.values())
    for name, share in mix.items():
        left -= share
        if left < 0:
            return name
    return list(mix)[-1]


def condition(pixels: Pixels, mix: Mapping[Computed, float], of: str) -> tuple[Pixels, ...]:
    """Of the image (H, W, 3) of the row with the id ``of``: what is computed, (H, W, 3); for
    inpainting the image with holes in black, and those in white.
    """
    name = kind(mix, of)
    if name != INPAINT:
        return (conditions.COMPUTED[name](pixels),)
    where = holes(pixels.shape[:2], np.random.default_rng(seed_for(0, "hole", of)))
    white = np.where(where[:, :, None], np.uint8(255), np.zeros_like(pixels))
    return conditions.with_hole(pixels, where), white


def holes(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.bool_]:
    """(H, W) of one to three rectangles and ellipses; never all of it."""
    height, width = shape
    down, across = np.mgrid[:height, :width]
    where = np.zeros((height, width), bool)
    for _ in range(random.integers(1, _MOST_HOLES + 1)):
        tall, wide = (max(1.0, random.uniform(*_SIDES) * side) for side in (height, width))
        top, left = random.uniform(0, height - tall), random.uniform(0, width - wide)
        from_middle = (down - top) / tall * 2 - 1, (across - left) / wide * 2 - 1
        if random.random() < 0.5:
            where |= (np.abs(from_middle[0]) <= 1) & (np.abs(from_middle[1]) <= 1)
        else:
            where |= from_middle[0] ** 2 + from_middle[1] ** 2 <= 1
    return where


def kept(autoencoder: Autoencoder, hole: Pixels) -> Tensor:
    """(c, h, w) of a white ``hole`` (H, W, 3): 1 where a cell is kept, by the pixel in its top
    left, in every channel, so that it is stored as latents are.
    """
    factor = autoencoder.factor
    cells = torch.from_numpy(hole[::factor, ::factor, 0] == 0).float()
    return cells.expand(autoencoder.channels, *cells.shape).clone()
