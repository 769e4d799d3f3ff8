"""How many bytes the frozen parts take that an adapter or a ControlNet is trained with: by their
files, where they are there, else as published.
"""

from pathlib import Path
from typing import Any

from torch import nn

from train.adapters.quantising import BITS
from train.configuration import Configuration

_HALF, _FP32 = 2, 4  # bytes
# Parameters of the published text encoder (Qwen2.5-VL-7B, Qwen3-VL-8B) and autoencoder.
_PUBLISHED = {"qwen_image": (8_292_000_000, 126_900_000)}
_PUBLISHED |= {"qwen_image_21": (8_767_000_000, 337_700_000)}


def weights(configuration: Configuration, network: Any) -> int:
    """Of the network as it is held; published ones are stored in bfloat16, ours in float32."""
    count: int = sum(weight.numel() for weight in network.parameters())
    base = configuration.adapter.base if configuration.adapter else "stored"
    ours = _stored(Path(configuration.weights), "transformer") > 3 * count
    computed = configuration.precision == "fp32" and base != "bfloat16"
    stored = 8 * (_FP32 if ours or computed else _HALF)
    bits = BITS.get(base, stored)
    if base not in ("int8", "nf4"):
        return round(count * bits / 8)
    matrices = sum(module.weight.numel() for module in _matrices(network))
    return round((matrices * bits + (count - matrices) * stored) / 8)


def computed_back(configuration: Configuration, network: Any) -> int:
    """Of the largest matrix that is quantised, which is computed back for a product."""
    if not configuration.adapter or configuration.adapter.base not in ("int8", "nf4"):
        return 0
    size = _FP32 if configuration.precision == "fp32" else _HALF
    return size * max(module.weight.numel() for module in _matrices(network))


def _matrices(network: Any) -> list[nn.Linear]:
    return [module for module in network.blocks.modules() if isinstance(module, nn.Linear)]


def encoders(configuration: Configuration) -> int:
    """Of the autoencoder, and of the text encoder where that is on the device, too; none where
    producers have them.
    """
    if configuration.data.units:
        return 0
    text, image = _PUBLISHED.get(str(configuration.model.name), (0, 0))
    folder, on_device = Path(configuration.weights), configuration.text_encoder.device == "run"
    own = _stored(folder, "vae", "autoencoder") or _HALF * image
    return own + (_stored(folder, "text_encoder") or _HALF * text) * on_device


def _stored(folder: Path, *names: str) -> int:
    """Of the weights in folders of a pipeline; 0 where there are none."""
    files = (path for name in names for path in (folder / name).glob("*.safetensors"))
    return sum(path.stat().st_size for path in files)
