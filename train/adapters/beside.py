"""A LoRA that is trained: computed beside the matrices of a network that stays as it is.

Each published matrix has a pair of its own, also where several are fused in a linear layer of ours,
so that what is trained is what peft trains on the network of diffusers, and a file has its names.

Shapes: T tokens; P matrices fused in a layer, K of them with a pair; m n of such a matrix; r rank.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from curation.failures.errors import UsageError
from train.adapters.lora import Pair, Pairs, matrices
from train.packing.keys import Source, ordered, parted, together
from train.tuning import AdapterConfiguration

_BLOCKS, _MODULATION = "transformer_blocks.", "_mod."


class Beside(nn.Module):
    """The pairs of a linear layer, of the matrices at ``places`` among those of its ``source``.

    ``up`` begins as zero, so that at first nothing is added, ``down`` as peft has it.
    """

    def __init__(
        self, source: Source, places: Sequence[int], shape: tuple[int, int], rank: int, scale: float
    ) -> None:
        super().__init__()
        self.source, self.places, self.scale = source, tuple(places), scale
        rows, columns = shape
        bound = columns**-0.5  # Kaiming's, by the slope of peft, the root of 5
        drawn = torch.empty(len(self.places), rank, columns).uniform_(-bound, bound)
        self.down = nn.Parameter(drawn)
        self.up = nn.Parameter(torch.zeros(len(self.places), rows, rank))  # rows in our order

    def forward(self, tokens: Tensor) -> Tensor:
        """What is added to a layer's output, (T, n) to (T, P m)."""
        fused, (count, rank, _) = len(self.source.parts), self.down.shape
        thin = functional.linear(tokens.to(self.down.dtype), self.down.flatten(0, 1))
        if fused == 1:
            return functional.linear(thin, self.up[0]) * self.scale
        by_pair = thin.view(-1, count, rank)
        of_each: Tensor = torch.einsum("tkr,kmr->tkm", by_pair, self.up)
        if count < fused:
            every = of_each.new_zeros(len(of_each), fused, of_each.shape[-1])
            of_each = every.index_copy(1, torch.tensor(self.places, device=every.device), of_each)
        by_head = of_each.view(len(of_each), fused, self.source.heads, -1).transpose(1, 2)
        return by_head.flatten(1) * self.scale

    def pairs(self, down: Tensor, up: Tensor) -> Iterator[tuple[str, Pair]]:
        """(published layer, pair), of values of its two parameters."""
        every = up.new_zeros(len(self.source.parts), *up.shape[1:])
        every[list(self.places)] = up
        keyed = list(parted(self.source, together(self.source, every)))
        for number, place in enumerate(self.places):
            key, rows = keyed[place]
            yield key.removesuffix(".weight"), Pair(down[number].contiguous(), rows, self.scale)


class Adapter(nn.Module):
    """All pairs that are trained, by layer of our network (with ``/`` for the points)."""

    def __init__(self, layers: Mapping[str, Beside]) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({name.replace(".", "/"): layers[name] for name in layers})

    def beside(self) -> Iterator[tuple[str, Beside]]:
        """(name of the layer in the network, its pairs)."""
        for name, module in self.layers.items():
            assert isinstance(module, Beside)
            yield name.replace("/", "."), module

    def pairs(self, values: Mapping[str, Tensor] | None = None) -> dict[str, Pair]:
        """By published layer, of ``values`` by the names of its parameters, else of its own."""
        stored = values if values is not None else self.state_dict()
        pairs: dict[str, Pair] = {}
        for name, module in self.layers.items():
            assert isinstance(module, Beside)
            down, up = (stored[f"layers.{name}.{part}"].detach() for part in ("down", "up"))
            pairs |= dict(module.pairs(down, up))
        return pairs


def start(network: Any, settings: AdapterConfiguration) -> Adapter:
    """A new adapter of a ``network``, from torch's random state.

    Weights that nothing is computed with, which have no gradient, get none. Raises ``UsageError``
    for targets that the network does not have.
    """
    sources, layers = network.sources(), dict[str, Beside]()
    targets, scale = settings.targets, (settings.alpha or settings.rank) / settings.rank
    known: set[str] = set()
    for name, module in network.named_modules():
        if not isinstance(module, nn.Linear) or not module.weight.requires_grad:
            continue
        source = sources[f"{name}.weight"]
        published = [part.key.removesuffix(".weight") for part in source.parts]
        known |= set(published)
        places = [number for number, layer in enumerate(published) if _is_wanted(layer, targets)]
        if places:
            shape = len(module.weight) // len(published), module.in_features
            layers[name] = Beside(source, places, shape, settings.rank, scale)
    for target in targets:
        if not any(_is_wanted(layer, [target]) for layer in known):
            ends = sorted({layer.split(".", 2)[-1] for layer in known if layer.startswith(_BLOCKS)})
            raise UsageError(
                f"adapter.targets: no matrix of this network ends with {target!r}; in its blocks"
                f" there are {', '.join(ends)}"
            )
    return Adapter(layers)


@torch.no_grad()
def fill(adapter: Adapter, stored: Pairs) -> None:
    """Let an ``adapter`` begin with what is ``stored``; matrices that are not in it
    begin as before.

    Raises ``ValueError`` for a rank that is not the adapter's, and for matrices that it has not.
    """
    left = dict(stored)
    for _, module in adapter.beside():
        for number, place in enumerate(module.places):
            part = module.source.parts[place]
            pair = left.pop(part.key.removesuffix(".weight"), None)
            if pair is None:
                continue
            if pair.rank != module.down.shape[1]:
                raise ValueError(
                    f"has rank {pair.rank}: set adapter.rank, which is {module.down.shape[1]}"
                )
            module.down[number] = pair.down.float()
            rows = ordered(module.source, part, pair.up.float()).flatten(0, 1)
            module.up[number] = rows * (pair.scale / module.scale)
    if left:
        raise ValueError(f"adapts {min(left)} too, which adapter.targets do not name")


def _is_wanted(layer: str, targets: Sequence[str]) -> bool:
    """Whether a published layer is among the targets, by the end of its name; without targets those
    in blocks are, but for modulation.
    """
    if not targets:
        return layer.startswith(_BLOCKS) and _MODULATION not in layer
    return any(layer == target or layer.endswith(f".{target}") for target in targets)


def attach(network: nn.Module, adapter: Adapter) -> None:
    """Let a ``network`` be computed with an ``adapter`` from now on. Its weights keep their names,
    and those of the adapter are none of its own.
    """
    for name, module in adapter.beside():
        network.get_submodule(name).register_forward_hook(_adding(module))


def _adding(module: Beside) -> Any:
    def added(_layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        change: Tensor = module(given[0])
        return output + change.to(output.dtype)

    return added


def parameters_of(network: Any, settings: AdapterConfiguration) -> int:
    """How many numbers an adapter of a ``network`` has, which may be on the meta device."""
    shapes = matrices(network)
    with torch.device("meta"):
        pairs = start(network, settings).pairs()
    return sum(settings.rank * sum(shapes[layer]) for layer in pairs)
