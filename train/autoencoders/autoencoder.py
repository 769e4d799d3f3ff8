"""What turns images into latents and back, and which of them a configuration or folder names.

Shapes: B batch, H W pixels, C latent channels, f pixels per latent cell side, h = H/f, w = W/f.
"""

import json
from pathlib import Path
from typing import Protocol

from torch import Generator, Tensor

from train.autoencoders.patch_pca import PatchPcaAutoencoder
from train.configuration import AutoencoderConfiguration

_CONFIGURATION = "config.json"


class Autoencoder(Protocol):
    """An image autoencoder. ``channels`` is C, ``factor`` is f.

    ``encode``: (B, 3, H, W) in [-1, 1] -> (B, C, h, w), normalised to about unit variance;
    with a generator a sample of the posterior, where there is one.
    ``decode``: its inverse, (B, C, h, w) -> (B, 3, H, W) clipped to [-1, 1].
    Neither needs or keeps a gradient. ``save`` writes its own folder below ``directory``,
    the ROOT of a checkpoint, and returns its lines for ``model_index.json``:
    ``{"autoencoder": ("patch_pca", "PatchPcaAutoencoder")}`` or ``{"vae": ("diffusers", ...)}``.
    """

    channels: int
    factor: int

    def encode(self, pixels: Tensor, generator: Generator | None = None) -> Tensor: ...

    def decode(self, latents: Tensor) -> Tensor: ...

    def save(self, directory: Path) -> dict[str, tuple[str, str]]: ...


def build(configuration: AutoencoderConfiguration) -> Autoencoder | None:
    """The stored autoencoder, or a residual one of random weights, by torch's random state; None
    where it has yet to be fitted (``PatchPcaAutoencoder.fit``). Raises as ``load_autoencoder``, and
    ``UsageError``.
    """
    if configuration.kind == "residual":
        from train.autoencoders import residual

        return residual.build(configuration.residual)
    return None if configuration.kind == "patch_pca" else load_autoencoder(configuration.path)


def load_autoencoder(directory: str) -> Autoencoder:
    """The autoencoder stored in a checkpoint's root, or in the autoencoder's own folder.

    ``autoencoder/`` (or a folder of class ``PatchPcaAutoencoder``) is ours; ``vae/`` (or a folder
    of class ``AutoencoderKLQwenImage``) is read by ``train.autoencoders.qwen``, of class
    ``AutoencoderKLQwenImage21`` by ``qwen21``. Raises ``FileNotFoundError`` and, for another class,
    ``ValueError``.
    """
    folder = Path(directory)
    for name in ("autoencoder", "vae"):
        if (folder / name / _CONFIGURATION).is_file():
            folder = folder / name
            break
    path = folder / _CONFIGURATION
    if not path.is_file():
        raise FileNotFoundError(
            f"{directory}: no autoencoder here; expected autoencoder/ or vae/ with a config.json"
        )
    kind = json.loads(path.read_text()).get("_class_name")
    if kind == "PatchPcaAutoencoder":
        return PatchPcaAutoencoder.from_pretrained(folder)
    if kind == "AutoencoderKLQwenImage":
        from train.autoencoders.qwen import QwenAutoencoder

        return QwenAutoencoder.load(folder)
    if kind == "AutoencoderKLQwenImage21":
        from train.autoencoders.qwen21 import Qwen21Autoencoder

        return Qwen21Autoencoder.load(folder)
    raise ValueError(
        f"{path}: class {kind!r}; expected PatchPcaAutoencoder, AutoencoderKLQwenImage or"
        " AutoencoderKLQwenImage21"
    )
