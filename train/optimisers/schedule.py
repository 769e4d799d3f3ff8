"""Learning rates from step to step: they rise, hold, and fall."""

import math
from collections.abc import Iterable

from torch import Tensor
from torch.optim import Optimizer

from train.configuration import Configuration, OptimiserConfiguration

FULL = "full_lr"  # of a group of parameters: its learning rate where the factor is 1


def learning_rate_factor(step: int, steps: int, configuration: OptimiserConfiguration) -> float:
    """The factor on all learning rates at the 1-based ``step`` of ``steps``, in (0, 1]."""
    rise = min(1.0, step / configuration.warmup) if configuration.warmup else 1.0
    falling = configuration.decay * steps
    fall = min(1.0, (steps - step + 1) / falling) if falling else 1.0
    return rise * fall


def full_until(steps: int, configuration: OptimiserConfiguration) -> int:
    """The last of ``steps`` before the learning rates begin to fall; ``steps`` if they never do."""
    falling = configuration.decay * steps
    return min(steps, math.floor(steps + 1 - falling)) if falling else steps


def set_at(
    optimisers: Iterable[Optimizer], step: int, configuration: Configuration, learning_rate: float
) -> None:
    """Set every learning rate for the 1-based ``step`` of a run, in a phase of so high a
    ``learning_rate``.
    """
    factor = learning_rate_factor(step, configuration.steps, configuration.optimiser)
    set_learning_rates(optimisers, factor * learning_rate / configuration.optimiser.learning_rate)


def set_learning_rates(optimisers: Iterable[Optimizer], factor: float) -> None:
    """Set every learning rate to its full value times ``factor``."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            rate = group.setdefault(FULL, float(group["lr"])) * factor
            if isinstance(group["lr"], Tensor):  # compiled steps would compile a number in
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
