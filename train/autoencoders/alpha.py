"""Pixels with opacity, for autoencoders that know it. What comes without is opaque, and what is
asked for without lies over white: both are decided here, and nowhere else.

Shapes: (B, 3 or 4, H, W) in [-1, 1], the fourth channel from clear to opaque.
"""

import torch
from torch import Tensor


def with_alpha(pixels: Tensor) -> Tensor:
    """Four channels."""
    if pixels.shape[1] == 4:
        return pixels
    return torch.cat([pixels, torch.ones_like(pixels[:, :1])], dim=1)


def over_white(pixels: Tensor) -> Tensor:
    """Three channels."""
    if pixels.shape[1] == 3:
        return pixels
    opacity = (pixels[:, 3:] + 1) / 2
    return pixels[:, :3] * opacity + (1 - opacity)
