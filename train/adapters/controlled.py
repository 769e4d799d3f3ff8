"""A run that trains a ControlNet: a frozen network, once, with what is trained, and with its
average, by which images are generated.
"""

from pathlib import Path
from typing import Any

import torch

from curation.failures.errors import UsageError
from train import ema, execution
from train.adapters import adapted, base
from train.configuration import Configuration
from train.data.following import INPAINT
from train.data.loading import Data
from train.distributed import replicated
from train.distributed.world import World
from train.models.qwen_image import controlnet
from train.models.qwen_image.controlled import Controlled
from train.models.qwen_image.controlnet import PackedQwenImageControlNet
from train.models.qwen_image.network import PackedQwenImage
from train.optimisers import building
from train.parts import Parts, named_weights
from train.text_encoders.text_encoder import TextEncoder

PART = "controlnet"


def assemble(
    configuration: Configuration,
    data: Data,
    device: str,
    absent: TextEncoder | None = None,
    world: World | None = None,
    *,
    fresh: bool = True,
) -> Parts:
    """As ``parts.assemble``, of a configuration that ``base.settled`` settled; what is not
    ``fresh`` begins the same, and is then read from a checkpoint. Raises ``UsageError``.
    """
    world = world or World()
    replicated.check(world.tensor)
    encoder = adapted.frozen_encoder(configuration, device, absent)
    network = base.load(configuration, data.autoencoder.channels, encoder.width)
    if not isinstance(network, PackedQwenImage):
        raise UsageError(f"control: a {type(network).__name__} takes no ControlNet of ours yet")
    raw = {PART: _start(network, configuration).to(device).train()}
    network = network.requires_grad_(False).to(device)
    averages = ema.start(configuration.ema, raw)
    average: Any = averages[0].modules[PART]
    for each in (network, raw[PART]):
        execution.prepare(each, configuration, device)
    matrices = configuration.model.matrices(raw[PART])
    return Parts(
        configuration,
        device,
        data,
        Controlled(network, raw[PART]),
        encoder,
        raw,
        averages,
        building.build(
            configuration.optimiser,
            raw,
            {f"{PART}.{name}": source for name, source in matrices.items()},
        ),
        tuple(name for name, weight in named_weights(raw) if weight.requires_grad),
        world,
        judged=Controlled(network, average),
    )


def _start(network: PackedQwenImage, configuration: Configuration) -> PackedQwenImageControlNet:
    """The ControlNet that training begins with, in fp32."""
    settings = configuration.control
    assert settings is not None
    extra = network.config.patch_size**2 if INPAINT in configuration.data.conditions else 0
    if settings.start:
        own = controlnet.beside(network, Path(settings.start), torch.float32)
        if own.extra != extra:
            what = "inpaints, which data.conditions do not" if own.extra else "does not inpaint"
            raise UsageError(f"control.start: the ControlNet in {settings.start} {what}")
        return own
    try:
        return controlnet.of_base(network, settings.blocks, extra).float()
    except ValueError as error:
        raise UsageError(f"control.blocks: {error}") from error
