"""How a loaded checkpoint is carried out: in which numbers, and what of it is on the device.

In this order: weights from elsewhere, tables, precision, device, compilation. Heavy imports come
late.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.failures.errors import UsageError
from infer.engine import precision
from infer.engine.precision import Precision

if TYPE_CHECKING:
    import torch

    from train.models.qwen_image.tabled import Tables


@dataclass(frozen=True)
class Execution:
    """``weights`` is a GGUF file in place of the network's own; ``adapters`` are LoRA files, each
    with its factor, that are merged into them. ``controlnet`` is a folder of diffusers, for
    requests with conditions. ``precision`` is that of the network's weights.
    ``offload``: what computes comes to the device block by block, and leaves it again. ``tables``:
    modulation of Qwen-Image is looked up, which keeps a third of its weights off the device, in the
    bits that a single sample has; None: where the device is not the CPU. ``compiles`` blocks for
    any number of tokens. With ``encode_on_cpu`` the text encoder, which computes once for an image,
    never comes to the device.
    """

    weights: Path | None = None
    adapters: tuple[tuple[Path, float], ...] = ()
    controlnet: Path | None = None
    precision: Precision = "stored"
    offload: bool = False
    tables: bool | None = None
    compiles: bool = False
    encode_on_cpu: bool = False


def carried_out(network: Any, device: "torch.device", chosen: Execution) -> "Tables | None":
    """Bring a ``network`` from the CPU to the device; its tables, where it has them.

    Raises ``UsageError`` for what this network or machine does not have.
    """
    if chosen.weights:
        from infer.engine import gguf_weights

        gguf_weights.load(network, chosen.weights, network.image_in.weight.dtype)
    if chosen.adapters:
        from train.adapters import reading

        reading.apply(network, chosen.adapters)
    tables = None
    if chosen.tables or (chosen.tables is None and device.type != "cpu"):
        tables = tabled(network, device)
    if chosen.offload:
        precision.held(network, chosen.precision)
        offload(network, device)
    else:
        network.to(device)
        precision.held(network, chosen.precision)
    if chosen.compiles:
        network.compile_blocks()
    return tables


def tabled(network: Any, device: "torch.device") -> "Tables | None":
    """Tables of modulation, where there is one in each block."""
    from train.models.qwen_image.network import PackedQwenImage
    from train.models.qwen_image.tabled import Tables

    if not isinstance(network, PackedQwenImage):
        return None
    return Tables(network, device=device)


def offload(network: Any, device: "torch.device") -> None:
    """Keep the blocks of a ``network`` on the CPU, and bring each to the device when its turn
    comes, the next one meanwhile.
    """
    import torch
    from diffusers.hooks import apply_group_offloading

    try:
        apply_group_offloading(
            network,
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=device.type == "cuda",
        )
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"--offload: {error}") from error
