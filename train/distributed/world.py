"""The processes of a run, started by torchrun, and what each of them knows of the others.

Processes are in ``replicate`` x ``shard`` x ``tensor`` ranks, the last of which varies fastest:
those that differ in ``tensor`` only are shown the same samples, and share heads out among them.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed import device_mesh

from curation.failures.errors import UsageError
from train.configuration import DistributedConfiguration

_PATIENCE = timedelta(minutes=30)  # for the slowest: to read what is judged, to write a checkpoint
AXES = ("replicate", "shard", "tensor")


@dataclass(frozen=True)
class World:
    """The ``rank`` of this process among ``size``; ``mesh`` has the ``AXES`` as dimensions, None
    for a process by itself.
    """

    rank: int = 0
    size: int = 1
    mesh: Any = None

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once: all but the shards of checkpoints."""
        return self.rank == 0

    @property
    def tensor(self) -> int:
        """How many processes share heads out among them."""
        return 1 if self.mesh is None else int(self.mesh["tensor"].size())

    @property
    def data_ranks(self) -> int:
        """Among how many a batch is divided."""
        return self.size // self.tensor

    @property
    def data_rank(self) -> int:
        """Which part of a batch this process is shown."""
        return self.rank // self.tensor

    @property
    def group(self) -> Any:
        """All processes, as torch has them; None for a process by itself."""
        return None if self.mesh is None else distributed.group.WORLD

    def everyone(self, value: Any) -> list[Any]:
        """The ``value`` of every process, plain data, in order of ranks; all call it at once."""
        if self.mesh is None:
            return [value]
        written = torch.tensor(list(json.dumps(value).encode()), dtype=torch.uint8)
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        distributed.all_gather(lengths, torch.tensor([len(written)]))
        longest = max(int(length) for length in lengths)
        padded = torch.zeros(longest, dtype=torch.uint8)
        padded[: len(written)] = written
        gathered = [torch.zeros(longest, dtype=torch.uint8) for _ in range(self.size)]
        distributed.all_gather(gathered, padded)
        pairs = zip(gathered, lengths, strict=True)
        return [json.loads(bytes(each[: int(length)].tolist())) for each, length in pairs]

    def parts(self, value: Any) -> list[Any]:
        """As ``everyone``, of one process for each part of the batch."""
        return self.everyone(value)[:: self.tensor]

    def parts_of(self, tensor: Tensor) -> list[Tensor]:
        """As ``parts``, tensors on the CPU, all of the same shape."""
        if self.mesh is None:
            return [tensor]
        gathered = [torch.empty_like(tensor) for _ in range(self.size)]
        distributed.all_gather(gathered, tensor.contiguous())
        return gathered[:: self.tensor]

    def any(self, value: bool) -> bool:
        """Whether it is so for any process."""
        return any(self.everyone(value))

    def wait(self) -> None:
        """Until all have come here."""
        self.everyone(None)


@contextmanager
def started(settings: DistributedConfiguration, device: str) -> Iterator[World]:
    """The world that torchrun's environment tells of; of a single process without.

    Raises ``UsageError`` where ``settings`` ask for another number of processes.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    axes = axes_of(settings, size)
    if size == 1:
        yield World()
        return
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.set_device(torch.device(device))
    # numbers and checkpoints go by gloo, whatever tensors go by
    backend = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    mesh = device_mesh.init_device_mesh(kind, axes, mesh_dim_names=AXES)
    world = World(distributed.get_rank(), size, mesh)
    try:
        yield world
    except RuntimeError as error:
        if not _is_loss(error):
            raise
        raise ConnectionError(
            f"process {world.rank} of {size} lost another one of the run, which ended, or cannot be"
            " reached; what is saved is whole"
        ) from error
    distributed.destroy_process_group()  # not after a failure, where others would be waited for


def _is_loss(error: RuntimeError) -> bool:
    """Whether it says that others do not answer; gloo has no class of its own for it."""
    return isinstance(error, distributed.DistError) or "gloo" in str(error)


def check(world: World, batches: Iterable[int], states: str) -> None:
    """Raise ``UsageError`` for ``batches`` that have less than an image for each part, and for
    ``states`` of optimisers that are not divided.
    """
    if world.mesh is not None:
        check_divided(world.data_ranks, batches, states)


def check_divided(parts: int, batches: Iterable[int], states: str) -> None:
    """As ``check``, of ``parts`` of the batch, of several processes."""
    if (smallest := min(batches)) < parts:
        raise UsageError(
            f"a batch of {smallest} is divided among {parts} processes, and each"
            " needs an image: raise batch, or start fewer"
        )
    if states != "fp32":
        raise UsageError(
            f"optimiser.states {states} are those of a process by itself: set fp32, whose states"
            " are divided among all"
        )


def axes_of(settings: DistributedConfiguration, size: int) -> tuple[int, int, int]:
    """The ``AXES`` of ``size`` processes. Raises ``UsageError`` where they cannot be divided so."""
    given = settings.replicate * settings.tensor * (settings.shard or 1)
    shard = settings.shard or size // given
    if not shard or settings.replicate * shard * settings.tensor != size:
        asked = f"replicate {settings.replicate} x tensor {settings.tensor}"
        asked += f" x shard {settings.shard}" if settings.shard else ""
        a = "a multiple of " if not settings.shard else ""
        raise UsageError(
            f"distributed: {asked} needs {a}{given} processes, not {size}: start them with"
            f" torchrun --nproc-per-node {given} -m train ..., or change distributed"
        )
    return settings.replicate, shard, settings.tensor


def local_device(name: str) -> str:
    """``cuda``, of the GPU that is this process's own on its machine; else as it is."""
    local = os.environ.get("LOCAL_RANK")
    return f"cuda:{local}" if name == "cuda" and local is not None else name
