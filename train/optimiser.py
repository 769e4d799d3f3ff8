"""Which optimiser moves which parameter, and how fast."""

import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.optim import Optimizer

from curation.failures.errors import UsageError
from train.configuration import OptimiserConfiguration


def split(modules: Mapping[str, nn.Module]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(Muon's, AdamW's) trainable parameters: each exactly once, in a fixed order.

    Muon orthogonalises matrices that map hidden states to hidden states: the two-dimensional
    weights inside the transformer's blocks. Input, output and timestep layers, embeddings, norms
    and biases are AdamW's (K. Jordan et al., "Muon", 2024).
    """
    hidden: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for module in modules.values():
        for name, weight in module.named_parameters():
            if weight.requires_grad:
                inside = "transformer_blocks." in name and weight.ndim == 2
                (hidden if inside else rest).append(weight)
    return hidden, rest


def build(
    configuration: OptimiserConfiguration, modules: Mapping[str, nn.Module]
) -> tuple[Optimizer, ...]:
    """The optimisers, (AdamW,) or (AdamW, Muon), with their full learning rates."""
    hidden, rest = split(modules)
    muon = configuration.kind == "muon"
    adamw = torch.optim.AdamW(
        rest if muon else [*rest, *hidden],
        lr=configuration.learning_rate,
        betas=configuration.betas,
        weight_decay=configuration.weight_decay,
    )
    if not muon:
        return (adamw,)
    if not hasattr(torch.optim, "Muon"):
        raise UsageError(f"optimiser.kind muon needs torch 2.9 or newer, found {torch.__version__}")
    return adamw, torch.optim.Muon(
        hidden,
        lr=configuration.muon_learning_rate,
        momentum=configuration.momentum,
        weight_decay=configuration.weight_decay,
    )


def learning_rate_factor(step: int, steps: int, configuration: OptimiserConfiguration) -> float:
    """The factor on all learning rates at the 1-based ``step`` of ``steps``, in (0, 1]."""
    rise = min(1.0, step / configuration.warmup) if configuration.warmup else 1.0
    falling = configuration.decay * steps
    fall = min(1.0, (steps - step + 1) / falling) if falling else 1.0
    return rise * fall


def full_until(steps: int, configuration: OptimiserConfiguration) -> int:
    """The last of ``steps`` before the learning rates begin to fall; ``steps`` if they never do."""
    falling = configuration.decay * steps
    return min(steps, math.floor(steps + 1 - falling)) if falling else steps


def set_learning_rates(
    optimisers: tuple[Optimizer, ...], factor: float, configuration: OptimiserConfiguration
) -> None:
    """Set every learning rate to its full value times ``factor``."""
    full = (configuration.learning_rate, configuration.muon_learning_rate)
    for optimiser, rate in zip(optimisers, full, strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate * factor
