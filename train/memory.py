"""How much memory a training run takes, before it is started.

Activations are counted on a network of the same kind with few heads and layers, in whatever way it
is carried out; what is kept grows with the number of heads and with that of layers, each linearly.

Shapes: d width, H heads, L layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from train import execution
from train.configuration import Configuration
from train.models.family import Family
from train.packing.layout import Layout
from train.packing.packed import Packed
from train.precision import autocast

_GRID, _TEXT = (16, 16), 128  # image tokens and text of a sample that is counted on
_FP32 = 4  # bytes


@dataclass(frozen=True)
class Memory:
    """Bytes, by what they are for; ``copies`` of the weights in bf16, where the network computes in
    it, ``activations`` of a portion, None where they are unknown.
    """

    weights: int
    copies: int
    gradients: int
    optimiser: int
    averages: int
    activations: int | None

    @property
    def total(self) -> int:
        """All of it."""
        known = (
            self.weights,
            self.copies,
            self.gradients,
            self.optimiser,
            self.averages,
            self.activations,
        )
        return sum(part or 0 for part in known)


def needed(configuration: Configuration, network: Any, channels: int, text_width: int) -> Memory:
    """By the ``network`` of a run, which may be on the meta device."""
    settings = configuration.optimiser
    trained = {name: w for name, w in network.named_parameters() if w.requires_grad}
    matrices = configuration.model.matrices(network) if settings.kind == "muon" else {}
    moved = sum(weight.numel() for name, weight in trained.items() if name in matrices)
    count = sum(weight.numel() for weight in trained.values())
    every = sum(weight.numel() for weight in network.parameters())
    of_adamw = 2 * (1 if settings.states == "int8" else _FP32)  # two moments
    kept = len(configuration.ema.widths) if configuration.ema.kind == "power" else 1
    return Memory(
        weights=_FP32 * every,
        copies=0 if configuration.precision == "fp32" else _FP32 // 2 * every,
        gradients=_FP32 * count,
        optimiser=of_adamw * (count - moved) + _FP32 * moved,
        averages=_FP32 * every * kept,
        activations=activations(configuration, channels, text_width),
    )


def activations(configuration: Configuration, channels: int, text_width: int) -> int | None:
    """Bytes that a portion of ``tokens_at_once`` tokens keeps for the backward pass of the network;
    None for a family without ``heads`` and ``layers``.
    """
    family = configuration.model
    size = family.model_dump()
    heads, layers = size.get("heads"), size.get("layers")
    if heads is None or layers is None:
        return None
    kept = {
        (h, n): _kept(family.model_copy(update={"heads": h, "layers": n}), configuration, channels)
        for h in (1, 2)
        for n in (2, 3)
    }
    of_token = _line(_line_at(kept, 2, heads), _line_at(kept, 3, heads), layers - 2)
    return round(of_token * configuration.tokens_at_once)


def _line_at(kept: Mapping[tuple[int, int], float], layers: int, heads: int) -> float:
    return _line(kept[1, layers], kept[2, layers], heads - 1)


def _line(at_0: float, at_1: float, place: int) -> float:
    return at_0 + (at_1 - at_0) * place


def _kept(family: Family, configuration: Configuration, channels: int) -> float:
    """Bytes that the network keeps of each token: what a second sample adds to a first."""
    network: Any = family.model_copy(update=_ANYWHERE).build(channels, _TEXT)
    execution.recompute(network, configuration.recompute)
    precision = "fp32" if configuration.precision == "fp32" else "bf16"
    sample = family.sample([_TEXT], _GRID, [])
    kept: list[int] = []
    for count in (1, 2):
        layout = Layout((sample,) * count)
        text = torch.zeros(sum(layout.text_lengths), _TEXT)
        image = torch.zeros(layout.tokens - len(text), network.image_in.in_features)
        packed = Packed(text, image, torch.full((count,), 0.5), layout)
        network(packed)  # what is made once for a layout is there
        with autocast("cpu", precision), _Counting() as counting:
            velocities = network(packed)
        kept.append(counting.alive())
        del velocities
    return (kept[1] - kept[0]) / Layout((sample,)).tokens


_ANYWHERE = {"attention": "pass_by_pass"}  # what is counted on is on a CPU


class _Counting(TorchDispatchMode):
    """Remembers what was made, and says how much of it is still there."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._made: dict[int, tuple[Any, int]] = {}

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                place: Any = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                self._made[storage._cdata] = (place, storage.nbytes())
        return result

    def alive(self) -> int:
        """Bytes; of weights too, where a view of them was taken."""
        return sum(size for storage, size in self._made.values() if not storage.expired())
