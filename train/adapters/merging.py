"""LoRAs merged into the weights of a network: at inference they cost nothing then.

That is the only way here. A LoRA that is computed beside its matrix (unmerged) pays two more
products of every matrix in every step, for what an engine does not need: which adapters it has is
known when it loads, several add up in the weights exactly as they do beside them, and to be rid of
them it loads again. In bf16 the sum is rounded once, from float32.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from train.adapters.lora import Network, Pairs
from train.packing.keys import Published, joined


@torch.no_grad()
def merge(network: Network, adapters: Sequence[tuple[Pairs, float]]) -> None:
    """Add adapters, each times its own factor, to the weights of a ``network``.

    Before modulation is tabled, or weights are quantised: raises ``ValueError`` for a matrix that
    the network no longer has. What it was before is had by loading it again.
    """
    sources = network.sources()
    homes = {part.key: name for name, source in sources.items() for part in source.parts}
    weights = dict(network.named_parameters())
    changed = {f"{layer}.weight" for pairs, _ in adapters for layer in pairs}
    for name in dict.fromkeys(homes[key] for key in changed if key in homes):
        if name not in weights:
            raise ValueError(f"{name} is no weight of this network; merge adapters right after it")
        source, weight = sources[name], weights[name]
        shape = (weight.shape[0] // len(source.parts), *weight.shape[1:])
        parts = [_change(part, adapters, weight.new_zeros(shape).float()) for part in source.parts]
        weight.copy_(weight.float() + joined(source, parts))
    if strangers := changed - homes.keys():
        raise ValueError(f"no {sorted(strangers)[0]} in this network")


def _change(part: Published, adapters: Sequence[tuple[Pairs, float]], change: Tensor) -> Tensor:
    """What adapters add to a published matrix, added to zeros."""
    layer = part.key.removesuffix(".weight")
    for pairs, factor in adapters:
        if layer in pairs:
            change += factor * pairs[layer].change(change.device)
    return change
