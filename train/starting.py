"""The weights that a run starts with: random, or those of a published network; of several processes
each gets its part of them tensor by tensor.

In a run of several processes networks are on the meta device until they are divided, but for the
first process, which makes what is random. So the memory of a machine holds them once, not once for
each process, and they do not depend on how many there are.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, distributed, nn

from curation.failures.errors import UsageError
from train import checkpoint_folder, kept
from train.checkpoint_folder import CheckpointError
from train.configuration import Configuration
from train.distributed import sharded
from train.distributed.world import World
from train.ema import Average
from train.models.family import Family
from train.packing import weights
from train.seeds import seed_for
from train.text_encoders import text_encoder
from train.text_encoders.byte_text import ByteTextEncoder
from train.text_encoders.text_encoder import TextEncoder

Values = Iterator[tuple[str, Tensor]]


@dataclass(frozen=True)
class Start:
    """The text encoder, and what is trained, by name: with weights, or on the meta device. Then
    ``values`` are its weights, of a process that has them.
    """

    encoder: TextEncoder
    raw: Mapping[str, nn.Module]
    values: Mapping[str, Values]


def build(
    configuration: Configuration,
    channels: int,
    world: World,
    *,
    absent: TextEncoder | None = None,
    fresh: bool = True,
) -> Start:
    """Build what has weights by the configuration's seed. ``absent`` stands for a text encoder that
    is not here; what is not ``fresh`` will be read from a checkpoint.

    Raises ``UsageError`` where there is no such network in the folder ``weights``,
    ``TooLargeError`` where this machine cannot hold what trains it.
    """
    alone = world.mesh is None
    makes = alone or (fresh and world.is_first)
    published = configuration.weights if fresh else ""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(configuration.seed, "weights"))
        learnt = absent is None and configuration.text_encoder.kind == "byte"
        with _on_meta(learnt and not makes):
            encoder = absent or text_encoder.build(configuration.text_encoder)
        if learnt and makes and published:
            _take_over(encoder, home(published))
        if alone and _holds_weights(configuration.device):
            with torch.random.fork_rng(devices=[]), _on_meta(True):
                kept.check_room(configuration, configuration.model.build(channels, encoder.width))
        with _on_meta(not makes or bool(published)):
            transformer = configuration.model.build(channels, encoder.width)
    raw: dict[str, nn.Module] = {"transformer": transformer.train()}
    if isinstance(encoder, nn.Module) and any(each.requires_grad for each in encoder.parameters()):
        raw["text_encoder"] = encoder.train()
    values: dict[str, Values] = {}
    if not alone:
        for name, module in raw.items():
            _check_stored(module)
            if makes:
                values[name] = iter(module.state_dict().items())
            module.to("meta")
    if published:
        folder = _of_family(home(published), configuration.model, transformer)
        if world.is_first:
            values["transformer"] = _read(folder, transformer)
    return Start(encoder, raw, values)


def home(weights: str) -> Path:
    """The folder that ``weights`` means: itself, or of a training output its newest checkpoint.
    Raises ``UsageError``.
    """
    try:
        return checkpoint_folder.find(Path(weights)) or Path(weights)
    except CheckpointError as error:
        raise UsageError(f"weights: {error}") from error


def _take_over(encoder: Any, folder: Path) -> None:
    """The weights of the text encoder that was learnt with a network, where they are beside it."""
    stored = folder / "text_encoder"
    if not isinstance(encoder, ByteTextEncoder) or not (stored / weights.CONFIGURATION).is_file():
        return
    try:
        other: Any = text_encoder.load_text_encoder(str(stored))
        encoder.load_state_dict(other.state_dict())
    except (RuntimeError, ValueError, OSError, AttributeError) as error:
        raise UsageError(
            f"weights: {stored}: not of the text encoder of this run; give text_encoder the"
            f" settings that it has there ({str(error).splitlines()[-1].strip()})"
        ) from error


def _holds_weights(device: str) -> bool:
    """Whether the memory of this machine is where weights are to be, and not a GPU's or, where
    somebody asks for their names alone, none.
    """
    on_cpu = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
    return on_cpu and not torch.empty(0).is_meta


def _on_meta(really: bool) -> AbstractContextManager[Any]:
    return torch.device("meta") if really else nullcontext()


def _check_stored(module: nn.Module) -> None:
    stored = module.state_dict()
    if lost := [name for name, _ in module.named_buffers() if name not in stored]:
        raise UsageError(
            f"a run of several processes: {type(module).__name__} has buffers that are not stored,"
            f" such as {lost[0]}, and would lose them: store them, or make them when they are used"
        )


def _of_family(folder: Path, family: Family, network: Any) -> Path:
    """Where in a ``folder``, or a checkpoint of ours, there is a network like this ``network`` of a
    ``family``. Raises ``UsageError``.
    """
    inside = folder / "transformer"
    folder = inside if inside.is_dir() else folder
    path = folder / weights.CONFIGURATION
    if not path.is_file():
        raise UsageError(
            f"weights: no {weights.CONFIGURATION} in {folder}: name a network's folder"
        )
    stored = family.recognised(json.loads(path.read_text("utf-8")))
    if stored is None or not hasattr(network, "sources"):
        raise UsageError(f"weights: {folder} has no network of model {family.name}")
    for key, value in stored.model_dump(exclude={"attention"}).items():
        if getattr(family, key) != value:
            raise UsageError(
                f"weights: in {folder} model.{key} is {value}, not {getattr(family, key)}: set it"
            )
    return folder


def _read(folder: Path, network: Any) -> Values:
    try:
        yield from weights.read(network, network.sources(), folder)
    except (ValueError, FileNotFoundError, SafetensorError) as error:
        raise UsageError(f"weights: {error}") from error


@torch.no_grad()
def fill(start: Start, averages: tuple[Average, ...], world: World, device: str) -> None:
    """Put the weights of a ``start`` into what is on the meta device, in ``averages`` of it, too;
    what has no values, which a checkpoint has, stays undefined.
    """
    first = world.everyone(sorted(start.values))[0]
    for name, module in start.raw.items():
        if not any(weight.is_meta for weight in module.parameters()):
            continue
        copies = [average.modules[name] for average in averages]
        for each in (module, *copies):
            each.to_empty(device=device)
        if name in first:
            _fill(module, start.values.get(name, iter(())), world)
            for copy in copies:
                for own, given in zip(_tensors(copy), _tensors(module), strict=True):
                    sharded.local(own).copy_(sharded.local(given))


def _fill(module: nn.Module, values: Values, world: World) -> None:
    """Of ``values`` that the first process has, in the order of the module's."""
    for tensor in _tensors(module):
        value = next(values, None)
        room = torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device)
        if value is not None:
            room.copy_(value[1])
        if world.mesh is not None:
            distributed.broadcast(room, 0)
        sharded.local(tensor).copy_(sharded.part_of(room, tensor))


def _tensors(module: nn.Module) -> list[Tensor]:
    return list(module.state_dict().values())
