"""What a run will take, said before it is started: ``python -m train --plan``.

Shapes: c latent channels, D text feature width.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from curation.picture import sizes
from curation.picture.sizes import Size
from train import memory, phases, settling
from train.configuration import Configuration, DataConfiguration
from train.models.family import Family
from train.packing.layout import Layout
from train.peak import Peak, peak

_TEXTS = (32, 128, 512, 1024)  # tokens of captions that FLOPs are said for
_TYPICAL = 128
_BACKWARD = 3  # a step is three forward passes: the gradient takes two
_USEFUL = 0.4  # of the peak: what trainers of such networks reach
_PUBLISHED = {"qwen_image_21": (64, 16, 4096)}  # channels, pixels of a latent cell, text width
_PUBLISHED_QWEN_IMAGE = (16, 8, 3584)


def plan(configuration: Configuration, data: str) -> str:
    """The plan of a run on the shards ``data``, which need not be there: plain text.

    Raises ``UsageError`` for phases or parts that do not go together.
    """
    configuration = settling.settled(configuration, None)
    device = settling.usable_device(configuration.device)
    channels, factor, width = _parts(configuration)
    with torch.device("meta"):
        network: Any = configuration.model.build(channels, width)
    top = peak(device, configuration.precision)
    needed = memory.needed(configuration, network, channels, width)
    stretches = phases.of_run(configuration, data or "--data")
    lines = [_of_network(network, configuration, (channels, width))]
    lines += _of_sizes(configuration, network, factor, [phase.data for phase in stretches])
    total = 0.0
    for phase in stretches:
        steps = phase.last - phase.first + 1
        own = _sizes(phase.data, configuration.model.unit(factor))
        each = [_of_sample(configuration.model, network, size, _TYPICAL, factor) for size in own]
        flops = steps * phase.batch * sum(each) / len(each) if each else 0.0
        total += flops
        lines.append(
            f"phase {phase.label}: {steps:,} steps of {phase.batch:,} samples,"
            f" {steps * phase.batch:,} in all{_effort(flops, top)}"
        )
    return "\n".join([*lines, *_of_memory(needed, configuration, device), f"peak: {top}"]) + "\n"


def _parts(configuration: Configuration) -> tuple[int, int, int]:
    """c, the pixels of a latent cell and D; where the parts are not here yet, as published."""
    channels, factor, width = _PUBLISHED.get(str(configuration.model.name), _PUBLISHED_QWEN_IMAGE)
    if configuration.autoencoder.kind == "patch_pca":
        channels, factor = configuration.autoencoder.channels, configuration.autoencoder.factor
    if configuration.text_encoder.kind == "byte":
        return channels, factor, configuration.text_encoder.width
    path = Path(configuration.text_encoder.path) / "config.json"
    if path.is_file():
        content = json.loads(path.read_text("utf-8"))
        width = int(content.get("text_config", content)["hidden_size"])
    return channels, factor, width


def _of_network(network: Any, configuration: Configuration, widths: tuple[int, int]) -> str:
    count = sum(weight.numel() for weight in network.parameters())
    trained = sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
    return (
        f"network {configuration.model.name}: {count:,} parameters, {trained:,} of them trained;"
        f" latents of {widths[0]} channels, text of {widths[1]} values a token"
    )


def _sizes(data: DataConfiguration, step: int) -> list[Size]:
    """The sizes that stand for those of a phase; none where they are those of the images."""
    if data.resolutions:
        return [sizes.of_ratio(side, 1.0, step) for side in data.resolutions]
    return [size for text in data.sizes if (size := sizes.parse(text))]


def _of_sample(family: Family, network: Any, size: Size, text: int, factor: int) -> int:
    """FLOPs of training on one image of ``size`` with so many tokens of ``text``."""
    step = factor * family.patch
    sample = family.sample([text], (size[1] // step, size[0] // step), [])
    return _BACKWARD * family.flops(network, Layout((sample,)))


def _of_sizes(
    configuration: Configuration, network: Any, factor: int, data: Sequence[DataConfiguration]
) -> Iterator[str]:
    step = configuration.model.unit(factor)
    longest = configuration.text_encoder.longest
    texts = sorted({min(text, longest) for text in _TEXTS})
    known = sorted({size for each in data for size in _sizes(each, step)})
    if not known:
        yield "images keep their sizes: FLOPs are those of the data"
    for width, height in known:
        each = [
            _of_sample(configuration.model, network, (width, height), text, factor)
            for text in texts
        ]
        shown = ", ".join(
            f"{flops / 1e12:.4g} with {text}" for text, flops in zip(texts, each, strict=True)
        )
        yield f"TFLOP to train on an image of {width}x{height}, by tokens of text: {shown}"


def _effort(flops: float, top: Peak) -> str:
    if not flops:
        return ""
    hours = flops / (_USEFUL * top.flops) / 3600
    return (
        f", {flops:.3g} FLOP with {_TYPICAL} tokens of text:"
        f" {hours:,.1f} hours of this device at {100 * _USEFUL:.0f} % of its peak"
    )


def _of_memory(needed: memory.Memory, configuration: Configuration, device: str) -> Iterator[str]:
    def gib(size: int | None) -> str:
        return "unknown" if size is None else f"{size / 2**30:.4g}"

    yield (
        f"GiB of memory for the network: {gib(needed.total)} = weights {gib(needed.weights)}"
        f" + copies in bf16 {gib(needed.copies)} + gradients {gib(needed.gradients)}"
        f" + {configuration.optimiser.kind} with states in {configuration.optimiser.states}"
        f" {gib(needed.optimiser)} + averages {gib(needed.averages)} + activations of"
        f" {configuration.tokens_at_once:,} tokens with recompute {configuration.recompute}"
        f" {gib(needed.activations)}; autoencoder and text encoder come on top"
    )
    here = _memory_here(device)
    fits = "fits" if needed.total < here else f"takes {-(-needed.total // here)} such devices"
    yield f"{device} here has {gib(here)} GiB: it {fits}"


def _memory_here(device: str) -> int:
    if torch.device(device).type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
