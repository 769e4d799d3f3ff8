"""Pixels as a network has them and as an image has them.

Shapes: H W pixels.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Pixels = NDArray[np.uint8]  # (H, W, 3)
Images = tuple[Pixels, ...]  # those of a prompt
_MODES = {3: "RGB", 4: "RGBA"}


def scaled(pixels: Pixels) -> Tensor:
    """(H, W, 3 or 4) bytes -> (1, 3 or 4, H, W) in [-1, 1]."""
    return torch.tensor(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


def as_image(pixels: Tensor) -> Image.Image:
    """(3, H, W) in [-1, 1] -> RGB, or (4, H, W) -> RGBA, rounded as diffusers does."""
    levels = (pixels.float() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu()
    return Image.fromarray((levels * 255).round().to(torch.uint8).numpy(), _MODES[len(pixels)])
