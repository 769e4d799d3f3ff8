"""Which optimiser moves which weights."""

from collections.abc import Mapping

import torch
from torch import nn
from torch.optim import Optimizer

from train.configuration import OptimiserConfiguration
from train.distributed.sharded import by_placement
from train.optimisers.muon import Muon
from train.packing.keys import Source


def build(
    configuration: OptimiserConfiguration,
    modules: Mapping[str, nn.Module],
    matrices: Mapping[str, Source],
    *,
    half: bool = False,
) -> tuple[Optimizer, ...]:
    """The optimisers, (AdamW,) or (AdamW, Muon), with their full learning rates; each trainable
    weight is moved by exactly one.

    ``matrices`` are Muon's among the weights of all ``modules``, by name, such as
    "transformer.blocks.0.out.weight", with what is fused in each; they are orthogonalised in
    bfloat16 where ``half``.
    """
    hidden: list[tuple[nn.Parameter, Source]] = []
    rest: list[nn.Parameter] = []
    for part, module in modules.items():
        for name, weight in module.named_parameters():
            source = matrices.get(f"{part}.{name}") if configuration.kind == "muon" else None
            if weight.requires_grad and source:
                hidden.append((weight, source))
            elif weight.requires_grad:
                rest.append(weight)
    adamw = _adamw(configuration, rest)
    if not hidden:
        return (adamw,)
    settings = (configuration.momentum, configuration.weight_decay)
    numbers = torch.bfloat16 if half else torch.float32  # on a CPU the quicker of the two
    return adamw, Muon(hidden, configuration.muon_learning_rate, *settings, numbers)


def _adamw(configuration: OptimiserConfiguration, weights: list[nn.Parameter]) -> Optimizer:
    rate, betas = configuration.learning_rate, configuration.betas
    if configuration.states == "int8":
        from train.optimisers import eight_bit

        return eight_bit.adamw(weights, rate, betas, configuration.weight_decay)
    alike = [{"params": group} for group in by_placement(weights)]  # which alone go together
    return torch.optim.AdamW(
        alike, lr=rate, betas=betas, weight_decay=configuration.weight_decay, fused=True
    )
