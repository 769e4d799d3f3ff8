"""What training an autoencoder will take, worked out before it is started: ``--plan``."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict

from curation.failures.errors import UsageError
from train import devices, peak, phases, settling
from train.autoencoders import autoencoder as autoencoders
from train.autoencoders.trainable import Trainable
from train.configuration import Configuration
from train.devices import Devices
from train.memory import Counting
from train.planned_text import span
from train.reconstruction.settled import check_sizes, settled

_FP32 = 4  # bytes
_SIDE = 256  # of images, where neither a crop nor a resolution says one


class Plan(BaseModel):
    """What ``--plan`` says of an autoencoder; memory in bytes. ``flops`` are those of training on
    an image of ``side`` x ``side`` pixels, ``hours`` at the peak of the device. ``published`` says
    that the folder is not here, and sizes are those of Qwen-Image's.
    """

    model_config = ConfigDict(frozen=True)

    network: str
    published: bool
    parameters: int
    trained: int
    side: int
    samples: int
    flops: int
    hours: float
    weights: int
    optimiser: int
    activations: int
    portion: int
    devices: Devices

    @property
    def memory(self) -> int:
        """All of it."""
        return self.weights + self.optimiser + self.activations


def plan(configuration: Configuration, data: str, on: str = "") -> Plan:
    """The plan of a run on the device here. Raises ``UsageError``, also for other devices: their
    peak is known in bf16 alone.
    """
    configuration = settled(configuration)
    if on:
        raise UsageError(
            f"--plan-on {on}: an autoencoder is trained in fp32, and peaks are known in bf16: use"
            " --plan on that device"
        )
    chosen, _ = devices.named("", configuration)
    start, published = _start(configuration)
    objective: Any = configuration.objective
    check_sizes(objective, start.factor)
    network: Trainable = start.trainable(encoder=objective.trained == "both")
    encoder = 0 if network.encodes else _count(start.trainable(encoder=True)) - _count(network)
    stretches = phases.of_run(configuration, data or "--data")
    side = _side(configuration, objective.crop, network.factor)
    portion = max(1, objective.pixels_at_once // side**2)
    samples = sum(phase.batch * (phase.last - phase.first + 1) for phase in stretches)
    flops = peak.passes(frozen=False) * network.flops(side, side)
    count = _count(network)
    kept = len(configuration.ema.widths) if configuration.ema.kind == "power" else 1
    return Plan(
        network=type(start.model).__name__ if hasattr(start, "model") else type(start).__name__,
        published=published,
        parameters=count + encoder,
        trained=count,
        side=side,
        samples=samples,
        flops=flops,
        hours=chosen.hours(samples * flops, 1.0),
        weights=_FP32 * (count + encoder),
        optimiser=_FP32 * count * (3 + kept),  # gradients, two moments, averages
        activations=_activations(network, side) * min(portion, configuration.batch),
        portion=min(portion, configuration.batch),
        devices=chosen,
    )


def _start(configuration: Configuration) -> tuple[Any, bool]:
    """The autoencoder that is trained, on the meta device, or where its folder is not here that of
    Qwen-Image; whether it is that.
    """
    path = Path(configuration.autoencoder.path)
    if configuration.autoencoder.kind == "qwen" and not path.is_dir():
        from diffusers import AutoencoderKLQwenImage

        from train.autoencoders.qwen import QwenAutoencoder

        with torch.device("meta"):
            model = AutoencoderKLQwenImage()
        return QwenAutoencoder(model), True
    settling.check_parts(configuration)
    random = configuration.autoencoder.kind == "residual"
    try:
        with torch.device("meta") if random else nullcontext():
            return autoencoders.build(configuration.autoencoder), False
    except (OSError, ValueError) as error:
        raise UsageError(f"weights: {error}") from error


def _side(configuration: Configuration, crop: int, factor: int) -> int:
    """Of the square that stands for all images."""
    side = crop or max(configuration.data.resolutions, default=_SIDE)
    return max(factor, side // factor * factor)


def _count(network: Trainable) -> int:
    return sum(weight.numel() for weight in network.parameters())


def _activations(network: Trainable, side: int) -> int:
    """Bytes that are kept of an image for the backward pass."""
    own: Any = network.to("meta")
    cells = side // network.factor
    with torch.device("meta"), Counting() as counting:
        if network.encodes:
            posterior = own.posterior(torch.empty(1, network.colours, side, side))
            latents = posterior.mean
        else:
            latents = torch.empty(1, network.channels, cells, cells)
        output = own.decode(latents)
    kept: int = counting.alive()
    del output
    return kept


def as_text(planned: Plan) -> str:
    """Some lines for people; each figure follows from those above it."""
    gib = 2**30
    of = f"{planned.network}{', as published: no folder is here' if planned.published else ''}"
    per_image = (
        f"{planned.flops / 1e12:.4g} TFLOP to train on an image of {planned.side} px squared"
    )
    effort = planned.samples * planned.flops
    top = planned.devices
    fits = "it fits" if planned.memory <= top.memory else "it does not fit: lower pixels_at_once"
    return "\n".join(
        [
            f"autoencoder {of}: {planned.parameters:,} parameters for images, {planned.trained:,}"
            " of them trained",
            f"{per_image}, forth and back, without what terms compute",
            f"run: {planned.samples:,} images shown, {effort:.3g} FLOP, {span(planned.hours)} at"
            f" the peak of {top.flops / 1e12:.4g} TFLOP/s, {top.source}",
            f"GiB: {planned.memory / gib:.4g} = weights {planned.weights / gib:.4g} + gradients,"
            f" moments and averages {planned.optimiser / gib:.4g} + activations of"
            f" {planned.portion} images {planned.activations / gib:.4g}; what terms keep comes on"
            " top",
            f"{top.name} has {top.memory / gib:.4g} GiB: {fits}",
        ]
    )
