"""How much memory a training run takes, before it is started.

Activations are counted on a network of the same kind with few heads and layers, in whatever way it
is carried out; what is kept grows with the number of heads and with that of layers, each linearly.

Processes divide weights, gradients, averages and what the optimiser remembers (FSDP2). Activations
are of a process's own portion, and each gathers blocks of weights: these are not divided.

Shapes: d width, H heads, L layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from curation.failures.errors import UsageError
from train import execution, kept
from train.adapters import base_size, beside
from train.configuration import Configuration
from train.models.family import Family
from train.models.qwen_image import controlnet
from train.models.qwen_image.controlled import Controlled, planned
from train.models.qwen_image.network import PackedQwenImage
from train.packing.layout import Layout
from train.packing.packed import Packed
from train.precision import autocast
from train.tuning import ControlConfiguration

_GRID, _TEXT = (16, 16), 128  # image tokens and text of a sample that is counted on
_FP32 = 4  # bytes
_HELD = 3  # of a block: its weights, those of the next, which are gathered ahead, its gradients


@dataclass(frozen=True)
class Memory:
    """Bytes, by what they are for; ``copies`` of the weights in bf16, where a process by itself
    computes in it, and of the blocks that each of several has ``gathered``; ``activations`` of a
    portion, None where they are unknown, and what is computed ``again`` for a block at a time;
    ``encoders`` that are on the device, where they are counted; the network that the run started
    with, where that is the ``reference`` of its objective, and what a ``fake`` one takes, with its
    gradients and what its optimiser remembers.
    """

    weights: int
    copies: int
    gradients: int
    optimiser: int
    averages: int
    activations: int | None
    again: int
    gathered: int
    encoders: int = 0
    reference: int = 0
    fake: int = 0

    @property
    def divided(self) -> int:
        """What processes divide among them."""
        return self.weights + self.gradients + self.optimiser + self.averages

    @property
    def undivided(self) -> int:
        """What each of several processes has to itself, however many they are."""
        return (self.activations or 0) + self.again + self.gathered

    @property
    def total(self) -> int:
        """All of it, of a process by itself."""
        kept = self.encoders + self.reference + self.fake
        return self.divided + self.copies + (self.activations or 0) + self.again + kept

    def of_each(self, processes: int) -> int:
        """What each of so many takes."""
        if processes == 1:
            return self.total
        return -(-self.divided // processes) + self.undivided

    def fewest(self, of_device: int) -> int | None:
        """The least number of devices of so many bytes that it fits on; None: on no number."""
        if self.total <= of_device:
            return 1
        room = of_device - self.undivided
        return max(2, -(-self.divided // room)) if room > 0 else None

    def of_tokens(self, share: float) -> "Memory":
        """The same with portions of this share of the tokens."""
        kept = None if self.activations is None else round(self.activations * share)
        return replace(self, activations=kept, again=round(self.again * share))


def needed(configuration: Configuration, network: Any, channels: int, text_width: int) -> Memory:
    """By the ``network`` of a run, which may be on the meta device."""
    if configuration.beside:
        return _beside(configuration, network, channels, text_width)
    half = configuration.precision != "fp32"
    kept_of_portion = activations(configuration, channels, text_width)
    return Memory(
        **kept.always(configuration, network),
        activations=kept_of_portion,
        again=_again(configuration, kept_of_portion, channels, text_width),
        gathered=(_FP32 // 2 if half else _FP32) * _HELD * _largest(network),
    )


def trained_beside(configuration: Configuration, network: Any) -> tuple[int, int]:
    """How many numbers are trained beside a ``network``, which is frozen with that, and how many of
    them Muon moves.
    """
    if configuration.adapter:
        return beside.parameters_of(network, configuration.adapter), 0
    assert configuration.control is not None
    own = controlled(configuration, network, control_blocks(configuration.control)).control
    matrices = configuration.model.matrices(own) if configuration.optimiser.kind == "muon" else {}
    weights = {name: w.numel() for name, w in own.named_parameters() if w.requires_grad}
    return sum(weights.values()), sum(weights[name] for name in weights if name in matrices)


def control_blocks(settings: ControlConfiguration) -> int:
    """Of the ControlNet that is trained: that in the folder ``start``, where it is here."""
    stored = controlnet.blocks_in(Path(settings.start)) if settings.start else None
    return stored or settings.blocks


def controlled(configuration: Configuration, network: Any, blocks: int) -> Controlled:
    """A frozen ``network`` with a ControlNet of so many ``blocks``. Raises ``UsageError`` for a
    network that takes none, or has not so many blocks.
    """
    inpaints = "inpaint" in configuration.data.conditions
    if not isinstance(network, PackedQwenImage):
        raise UsageError(f"control: model {configuration.model.name} takes no ControlNet of ours")
    try:
        return planned(network, blocks, network.config.patch_size**2 * inpaints)
    except ValueError as error:
        raise UsageError(f"control.blocks: {error}") from error


def _beside(configuration: Configuration, network: Any, channels: int, text_width: int) -> Memory:
    """Of what is trained beside a frozen ``network``, all of it on a device by itself."""
    count, moved = trained_beside(configuration, network)
    of_adamw = 2 * (1 if configuration.optimiser.states == "int8" else _FP32)
    kept = len(configuration.ema.widths) if configuration.ema.kind == "power" else 1
    kept_of_portion = activations(configuration, channels, text_width)
    of_base = base_size.weights(configuration, network)
    optimiser = of_adamw * (count - moved) + _FP32 * moved
    return Memory(
        weights=of_base + _FP32 * count,
        copies=base_size.computed_back(configuration, network),
        gradients=_FP32 * count,
        optimiser=optimiser,
        averages=_FP32 * count * kept,
        activations=kept_of_portion,
        again=_again(configuration, kept_of_portion, channels, text_width),
        gathered=0,
        encoders=base_size.encoders(configuration),
        fake=(2 * _FP32 * count + optimiser) * configuration.objective.fake,
    )


def _again(configuration: Configuration, kept: int | None, channels: int, text_width: int) -> int:
    """Bytes that the backward pass computes again for a block, of a portion: a layer's share of
    what is kept less than without recomputation.
    """
    if kept is None or configuration.recompute == "none":
        return 0
    plain = configuration.model_copy(update={"recompute": "none"})
    all_of_it = activations(plain, channels, text_width) or 0
    return (all_of_it - kept) // int(configuration.model.model_dump()["layers"])


def _largest(network: Any) -> int:
    """The weights of the largest block; all where there are no blocks."""
    counts = [
        sum(w.numel() for w in block.parameters()) for block in getattr(network, "blocks", ())
    ]
    return max(counts) if counts else sum(w.numel() for w in network.parameters())


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
    if configuration.control:  # counted with a block of it; now for the others
        at_one, at_two = (
            _kept(family.model_copy(update={"heads": h, "layers": 3}), configuration, channels, 2)
            - kept[h, 3]
            for h in (1, 2)
        )
        of_token += (control_blocks(configuration.control) - 1) * _line(at_one, at_two, heads - 1)
    return round(of_token * configuration.tokens_at_once)


def _line_at(kept: Mapping[tuple[int, int], float], layers: int, heads: int) -> float:
    return _line(kept[1, layers], kept[2, layers], heads - 1)


def _line(at_0: float, at_1: float, place: int) -> float:
    return at_0 + (at_1 - at_0) * place


def _kept(family: Family, configuration: Configuration, channels: int, blocks: int = 1) -> float:
    """Bytes that the network keeps of each token: what a second sample adds to a first."""
    network: Any = family.model_copy(update=_ANYWHERE).build(channels, _TEXT)
    if configuration.adapter:
        adapter = beside.start(network, configuration.adapter)
        beside.attach(network.requires_grad_(False), adapter)
    execution.recompute(network, configuration.recompute)
    values, sample = network.image_in.in_features, family.sample([_TEXT], _GRID, [])
    if configuration.control:
        network = controlled(configuration, network, blocks)
        execution.recompute(network.control, configuration.recompute)
        references = [_GRID] * (2 if network.control.extra else 1)
        sample = family.sample([_TEXT], _GRID, references)
    precision = "fp32" if configuration.precision == "fp32" else "bf16"
    kept: list[int] = []
    for count in (1, 2):
        layout = Layout((sample,) * count)
        text = torch.zeros(sum(layout.text_lengths), _TEXT)
        image = torch.zeros(layout.tokens - len(text), values)
        packed = Packed(text, image, torch.full((count,), 0.5), layout)
        network(packed)  # what is made once for a layout is there
        with autocast("cpu", precision), Counting() as counting:
            velocities = network(packed)
        kept.append(counting.alive())
        del velocities
    return (kept[1] - kept[0]) / Layout((family.sample([_TEXT], _GRID, []),)).tokens


_ANYWHERE = {"attention": "pass_by_pass"}  # what is counted on is on a CPU


class Counting(TorchDispatchMode):
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
