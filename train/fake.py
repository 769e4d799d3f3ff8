"""The network that learns what the network of a run generates, as it changes: the fake score of
distribution matching (DMD2, arXiv 2405.14867), with optimisers of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from train.configuration import Configuration
from train.distributed import sharded
from train.optimisers import building, schedule
from train.packing.keys import Source

FAKE = "fake"  # among what a run trains


@dataclass(frozen=True)
class Fake:
    """A ``network``, of which weights are moved by ``optimisers``."""

    network: Any
    optimisers: tuple[Optimizer, ...]

    @classmethod
    def begun(
        cls,
        configuration: Configuration,
        network: Any,
        trained: nn.Module,
        matrices: Mapping[str, Source],
        *,
        half: bool = False,
    ) -> Self:
        """A ``network`` of which all that is ``trained`` is moved as that of the run is, Muon's
        ``matrices`` by name among it.
        """
        own = {f"{FAKE}.{name}": source for name, source in matrices.items()}
        settings = configuration.optimiser
        return cls(network, building.build(settings, {FAKE: trained}, own, half=half))

    def update(
        self,
        step: int,
        configuration: Configuration,
        learning_rate: float,
        losses: Iterable[Tensor],
    ) -> Tensor:
        """Move the weights once, at the ``learning_rate`` of the phase of a 1-based ``step``, by
        ``losses``, the gradient of each of which is taken before the next is asked for; of what is
        not finite they stay as they are. Returns the sum, a scalar.
        """
        taken = list[Tensor]()
        for loss in losses:
            loss.backward()  # type: ignore[no-untyped-call]
            taken.append(loss.detach())
        total = torch.stack(taken).sum()
        weights = [w for each in self.optimisers for g in each.param_groups for w in g["params"]]
        norm = sharded.clip(weights, configuration.optimiser.clip)
        if torch.isfinite(total) and norm < float("inf"):
            schedule.set_at(self.optimisers, step, configuration, learning_rate)
            for each in self.optimisers:
                each.step()
        for each in self.optimisers:
            each.zero_grad(set_to_none=True)
        return total
