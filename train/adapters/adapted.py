"""The objects of a run that trains an adapter: a frozen network twice, its weights once.

Beside the first is what is trained, beside the second its average, by which images are generated.
To the trainer an adapter is what a network is elsewhere: a module with weights.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from curation.failures.errors import UsageError
from train import ema, execution, reference
from train.adapters import adapter_folder, base, beside, reading
from train.checkpoint_folder import CheckpointError
from train.configuration import Configuration
from train.data.loading import Data
from train.distributed import replicated
from train.distributed.world import World
from train.fake import FAKE, Fake
from train.optimisers import building
from train.parts import Parts, named_weights
from train.seeds import seed_for
from train.text_encoders import text_encoder
from train.text_encoders.text_encoder import TextEncoder

PART = "adapter"


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
    settings = configuration.adapter
    assert settings is not None
    encoder = frozen_encoder(configuration, device, absent)
    network = base.load(configuration, data.autoencoder.channels, encoder.width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(configuration.seed, "weights"))
        adapter = beside.start(network, settings)
        other = beside.start(network, settings) if configuration.objective.fake else None
    if settings.start and fresh:
        _go_on_with(settings.start, adapter, network)
    network = base.frozen(network, configuration).to(device)
    judged = base.twin(network)
    of_other = base.twin(network) if other else None
    start = None
    if configuration.objective.reference:
        reference.check_alone(configuration, world.size)
        start = base.twin(network)
    raw: dict[str, nn.Module] = {PART: adapter.train().to(device)}
    averages = ema.start(configuration.ema, raw)
    average: Any = averages[0].modules[PART]
    beside.attach(network, adapter)
    beside.attach(judged, average)
    execution.prepare(network, configuration, device)
    optimisers, fake = building.build(configuration.optimiser, raw, {}), None
    if other and of_other:
        beside.attach(of_other, other.train().to(device))
        execution.prepare(of_other, configuration, device)
        fake = Fake.begun(configuration, of_other, other, {})
        raw[FAKE], optimisers = other, (*optimisers, *fake.optimisers)
    return Parts(
        configuration,
        device,
        data,
        network,
        encoder,
        raw,
        averages,
        optimisers,
        tuple(name for name, _ in named_weights(raw)),
        world,
        judged=judged,
        reference=start,
        fake=fake,
    )


def _go_on_with(start: str, adapter: beside.Adapter, network: Any) -> None:
    """Let an ``adapter`` begin with the LoRA at ``start``. Raises ``UsageError``."""
    try:
        beside.fill(adapter, reading.read(adapter_folder.file_of(Path(start)), network))
    except (UsageError, CheckpointError) as error:
        raise UsageError(f"adapter.start: {error}") from error
    except ValueError as error:
        raise UsageError(f"adapter.start: the LoRA in {start} {error}") from error


def frozen_encoder(
    configuration: Configuration, device: str, absent: TextEncoder | None
) -> TextEncoder:
    """That of the folder ``weights``, never trained, where its settings say; ``absent`` stands in
    for it. Raises ``UsageError``.
    """
    settings = configuration.text_encoder
    try:
        encoder = absent or text_encoder.load_text_encoder(configuration.weights, settings.longest)
    except (OSError, ValueError, SafetensorError) as error:
        raise UsageError(f"weights: {error}") from error
    if isinstance(encoder, nn.Module):
        encoder.requires_grad_(False).eval()
        text_encoder.place(encoder, settings, device)
    return encoder
