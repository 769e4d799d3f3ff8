"""What a training run of a network keeps in memory from its first step on, whatever it is shown."""

import os
from typing import Any

from curation.failures.errors import TooLargeError
from train.configuration import Configuration

FP32 = 4  # bytes


def always(configuration: Configuration, network: Any) -> dict[str, int]:
    """Bytes by what they are for, as fields of ``memory.Memory``; the ``network`` may be on the
    meta device.
    """
    settings = configuration.optimiser
    trained = {name: w for name, w in network.named_parameters() if w.requires_grad}
    matrices = configuration.model.matrices(network) if settings.kind == "muon" else {}
    moved = sum(weight.numel() for name, weight in trained.items() if name in matrices)
    count = sum(weight.numel() for weight in trained.values())
    every = sum(weight.numel() for weight in network.parameters())
    of_adamw = 2 * (1 if settings.states == "int8" else FP32)  # two moments
    averages = len(configuration.ema.widths) if configuration.ema.kind == "power" else 1
    optimiser = of_adamw * (count - moved) + FP32 * moved
    return {
        "weights": FP32 * every,
        "copies": FP32 // 2 * every if configuration.precision != "fp32" else 0,
        "gradients": FP32 * count,
        "optimiser": optimiser,
        "averages": FP32 * every * averages,
        "reference": FP32 * every * configuration.objective.reference,
        "fake": (FP32 * (every + count) + optimiser) * configuration.objective.fake,
    }


def of_machine() -> int:
    """Bytes of memory of this machine, in use or not."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_room(configuration: Configuration, network: Any) -> None:
    """Raise ``TooLargeError`` where a CPU is to train a ``network`` that the memory of this machine
    cannot hold: the operating system would end the process without a word.
    """
    needed, there = sum(always(configuration, network).values()), of_machine()
    if needed > there:
        count = sum(weight.numel() for weight in network.parameters())
        raise TooLargeError(
            f"model: {count / 1e9:.1f} billion parameters: weights, gradients, what the optimiser"
            f" remembers and averages take {needed / 2**30:.0f} GiB, and this machine has"
            f" {there / 2**30:.0f}; take fewer model.layers or model.heads, or --preset lora;"
            " --plan says what a run takes"
        )
