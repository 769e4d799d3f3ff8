"""The training state of a checkpoint: weights, their averages, and what optimisers remember.

Every process of a run writes what it has, and a run of any number of processes reads what it needs
(torch.distributed.checkpoint, in safetensors files). Names are "raw.", "ema.0." (of
every average its number) and "optimiser.", then the name of the weight and, of optimisers, that of
what is remembered.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from train.checkpoint_folder import CheckpointError
from train.optimisers import states

Modules = Mapping[str, nn.Module]
_OPTIMISER = "optimiser."
_LARGEST_FILE = 4 << 30  # bytes of tensors, over all processes: a file is in memory when written


def tensors(
    raw: Modules, averages: Sequence[Modules], optimisers: Sequence[Optimizer]
) -> dict[str, Tensor]:
    """All that is stored, sharing the memory of what is trained."""
    names: dict[Tensor, str] = {weight: name for name, weight in _named(raw)}
    return {
        **_weights(raw, averages),
        **{
            f"{_OPTIMISER}{names[weight]}.{slot}": value
            for weight, slot, value in states.plain(optimisers)
        },
    }


def write(folder: Path, state: Mapping[str, Tensor], group: Any) -> "Future[Any]":
    """Begin to write a ``state``, of which a copy was taken when this returns. The processes of the
    ``group`` do it together; None for one by itself.
    """
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.state_dict_saver import async_save

    writer = HuggingFaceStorageWriter(str(folder), _files(state), save_distributed=True)
    with _quiet():
        begun: Any = async_save(
            dict(state), storage_writer=writer, process_group=group, no_dist=group is None
        )
    return begun  # type: ignore[no-any-return]


def restore(
    folder: Path,
    raw: Modules,
    averages: Sequence[Modules],
    optimisers: Sequence[Optimizer],
    group: Any,
) -> None:
    """Put what is stored into the objects. Raises ``CheckpointError`` where it is of others."""
    stored, named = described(folder), dict(_named(raw))
    wanted = _weights(raw, averages)
    remembered: dict[nn.Parameter, dict[str, Tensor]] = {}
    for key, (shape, kind) in stored.items():
        if key.startswith(_OPTIMISER):
            name, slot = _divided(key.removeprefix(_OPTIMISER), named, folder)
            wanted[key] = _room(named[name].detach(), shape, kind)
            remembered.setdefault(named[name], {})[slot] = wanted[key]
    for key, tensor in wanted.items():
        there = stored[key][0] if key in stored else "missing"
        if there != tuple(tensor.shape):
            raise CheckpointError(
                f"{folder}: {key} is {there}, not {tuple(tensor.shape)}: of another model?"
            )
    _load(_reader(folder), wanted, group)
    states.load(optimisers, remembered)


def read(folder: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors, whole, whose names begin so, by what follows."""
    wanted = {
        key: torch.empty(shape, dtype=kind)
        for key, (shape, kind) in described(folder).items()
        if key.startswith(prefix)
    }
    _load(_reader(folder), wanted, None)
    return {key.removeprefix(prefix): tensor for key, tensor in wanted.items()}


class Stored(Mapping[str, Tensor]):
    """The tensors whose names begin with ``prefix``, by what follows; each is read, and whole, when
    it is asked for.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder, self._prefix = folder, prefix
        self._reader = _reader(folder)
        known: Any = self._reader.read_metadata()
        setattr(self._reader, "read_metadata", lambda: known)  # noqa: B010 - else for each tensor
        content = _described(known)
        self._content = {
            key.removeprefix(prefix): content[key] for key in content if key.startswith(prefix)
        }

    def __getitem__(self, name: str) -> Tensor:
        shape, kind = self._content[name]
        wanted = {self._prefix + name: torch.empty(shape, dtype=kind)}
        _load(self._reader, wanted, None)
        return wanted[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)


def _named(modules: Modules) -> Iterator[tuple[str, nn.Parameter]]:
    for part, module in modules.items():
        for name, weight in module.named_parameters():
            yield f"{part}.{name}", weight


def _weights(raw: Modules, averages: Sequence[Modules]) -> dict[str, Tensor]:
    kinds = {"raw": raw, **{f"ema.{number}": each for number, each in enumerate(averages)}}
    return {
        f"{kind}.{part}.{name}": value.detach()
        for kind, modules in kinds.items()
        for part, module in modules.items()
        for name, value in module.state_dict().items()
    }


def _divided(key: str, named: Mapping[str, nn.Parameter], folder: Path) -> tuple[str, str]:
    """The names of a weight and of what is remembered of it, of which either may have points."""
    name, slot = key, ""
    while name not in named:
        name, _, last = name.rpartition(".")
        slot = f"{last}.{slot}" if slot else last
        if not name:
            raise CheckpointError(f"{folder}: {_OPTIMISER}{key} is of no weight of this model")
    return name, slot


def _room(weight: Tensor, shape: tuple[int, ...], kind: torch.dtype) -> Tensor:
    """For what is remembered of a weight: divided as it is, or a number."""
    if shape == tuple(weight.shape):
        return torch.empty_like(weight, dtype=kind)
    return torch.empty(shape, dtype=kind)


def _files(state: Mapping[str, Tensor]) -> dict[str, int]:
    """The number of the file, from 1, that each tensor goes to."""
    numbers: dict[str, int] = {}
    number, used = 1, 0
    for key, tensor in state.items():
        size = tensor.numel() * tensor.element_size()
        if used and used + size > _LARGEST_FILE:
            number, used = number + 1, 0
        numbers[key] = number
        used += size
    return numbers


def described(folder: Path) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shape and type of all that is stored, by name."""
    return _described(_reader(folder).read_metadata())


def _described(metadata: Any) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    content: Any = metadata.state_dict_metadata
    return {key: (tuple(each.size), each.properties.dtype) for key, each in content.items()}


def _reader(folder: Path) -> Any:
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader

    return HuggingFaceStorageReader(str(folder))


def _load(reader: Any, wanted: dict[str, Tensor], group: Any) -> None:
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.state_dict_loader import load

    with _quiet():
        try:
            load(
                wanted,
                storage_reader=reader,
                process_group=group,
                no_dist=group is None,
            )
        except CheckpointException as error:  # which is no Exception
            raise cause(error) from error


def cause(error: BaseException) -> Exception:
    """What made a ``CheckpointException`` of torch: the failure of some process."""
    failures: Any = getattr(error, "failures", {})
    first = next((each for each, _ in failures.values() if isinstance(each, Exception)), None)
    return first or CheckpointError(f"{error}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the notices that a process is by itself, and that a file was written."""
    logging.getLogger("torch.distributed.checkpoint").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", "torch.distributed is disabled")
    yield
