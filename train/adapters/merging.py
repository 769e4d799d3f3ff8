"""LoRAs merged into the weights of a network: at inference they cost nothing then.

That is the only way here. A LoRA that is computed beside its matrix (unmerged) pays two more
products of every matrix in every step, for what an engine does not need: which adapters it has is
known when it loads, several add up in the weights exactly as they do beside them, and to be rid of
them it loads again. In bf16 the sum is rounded once, from float32.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from train.adapters.lora import Network, Pair, Pairs
from train.packing.keys import ordered, views


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
    if strangers := sorted(key for key in changed if homes.get(key) not in weights):
        raise ValueError(f"no {strangers[0]} in this network; merge adapters right after loading")
    for name in sorted({homes[key] for key in changed}):
        source, weight = sources[name], weights[name]
        for part, view in views(source, weight):
            layer = part.key.removesuffix(".weight")
            own = [(pairs[layer], factor) for pairs, factor in adapters if layer in pairs]
            if own:
                up, down = _together(own, weight.device)
                view.copy_(view.float() + ordered(source, part, up) @ down)


def _together(own: Sequence[tuple[Pair, float]], device: torch.device) -> tuple[Tensor, Tensor]:
    """(m, r) and (r, n) float32 whose product is all that adapters add, r the sum of their ranks:
    rows are reordered in the thin matrix.
    """
    ups = [pair.up.to(device, torch.float32) * (factor * pair.scale) for pair, factor in own]
    downs = [pair.down.to(device, torch.float32) for pair, _ in own]
    return torch.cat(ups, dim=1), torch.cat(downs)
