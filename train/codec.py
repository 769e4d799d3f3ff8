"""What turns pictures into latents and back, and which of them a configuration or folder names.

Shapes: B batch, H W pixels, C latent channels, f pixels per latent cell side, h = H/f, w = W/f.
"""

import json
from pathlib import Path
from typing import Protocol

from torch import Tensor

from train.configuration import CodecConfiguration
from train.patch_pca import PatchPcaCodec

_CONFIGURATION = "config.json"


class Codec(Protocol):
    """An image codec. ``channels`` is C, ``factor`` is f.

    ``encode``: (B, 3, H, W) in [-1, 1] -> (B, C, h, w), normalised to about unit variance.
    ``decode``: its inverse, (B, C, h, w) -> (B, 3, H, W) clipped to [-1, 1].
    Neither needs or keeps a gradient. ``save`` writes the codec's own folder below ``directory``,
    the ROOT of a checkpoint, and returns its lines for ``model_index.json``:
    ``{"codec": ("patch_pca", "PatchPcaCodec")}`` or ``{"vae": ("diffusers", ...)}``.
    """

    channels: int
    factor: int

    def encode(self, pixels: Tensor) -> Tensor: ...

    def decode(self, latents: Tensor) -> Tensor: ...

    def save(self, directory: Path) -> dict[str, tuple[str, str]]: ...


def build(configuration: CodecConfiguration) -> Codec | None:
    """The stored codec; None where it has yet to be fitted (``PatchPcaCodec.fit``)."""
    return None if configuration.kind == "patch_pca" else load_codec(configuration.path)


def load_codec(directory: str) -> Codec:
    """The codec stored in a checkpoint's root, or in the codec's own folder.

    ``codec/`` (or a folder of class ``PatchPcaCodec``) is ours; ``vae/`` (or a folder of class
    ``AutoencoderKLQwenImage``) is read by ``train.qwen``. Raises ``FileNotFoundError`` and, for
    another class, ``ValueError``.
    """
    folder = Path(directory)
    for name in ("codec", "vae"):
        if (folder / name / _CONFIGURATION).is_file():
            folder = folder / name
            break
    path = folder / _CONFIGURATION
    if not path.is_file():
        raise FileNotFoundError(
            f"{directory}: no codec here; expected codec/ or vae/ with a config.json"
        )
    kind = json.loads(path.read_text()).get("_class_name")
    if kind == "PatchPcaCodec":
        return PatchPcaCodec.from_pretrained(folder)
    if kind == "AutoencoderKLQwenImage":
        from train.qwen import QwenCodec

        return QwenCodec.load(folder)
    raise ValueError(f"{path}: class {kind!r}; expected PatchPcaCodec or AutoencoderKLQwenImage")
