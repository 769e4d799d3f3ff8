"""Whether a run fits into the memory of its devices, and what would make it fit."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from train import memory
from train.configuration import Configuration
from train.devices import Devices
from train.memory import Memory

_ROOM = 0.5  # of a device: what portions are made small enough for; the rest is for what is divided


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Change(_Frozen):
    """``settings`` with which each device has ``undivided`` bytes besides its part of what is
    divided, and the ``fewest`` devices that it all fits on then.
    """

    settings: str
    undivided: int
    fewest: int


class Fit(_Frozen):
    """Bytes ``of_each`` device, whether it ``fits``, the ``fewest`` devices that it would fit on
    (None: on no number of them), and ``changes`` that would need fewer.
    """

    of_each: int
    fits: bool
    fewest: int | None
    changes: tuple[Change, ...]


def fit(
    needed: Memory,
    devices: Devices,
    largest: int,
    configuration: Configuration,
    network: Any,
    widths: tuple[int, int],
) -> Fit:
    """Of a run that needs so much, whose ``largest`` sample has so many tokens, on ``devices``; its
    ``network`` is of ``widths`` c and D.
    """
    replicas = configuration.distributed.replicate  # weights are divided within each

    def fewest(of: Memory) -> int | None:
        processes = of.fewest(devices.memory)
        return None if processes is None else processes * replicas

    of_each = needed.of_each(max(1, devices.count // replicas))
    if of_each <= devices.memory:
        return Fit(of_each=of_each, fits=True, fewest=fewest(needed), changes=())
    again = None
    if configuration.recompute != "block" and needed.activations is not None:
        block = configuration.model_copy(update={"recompute": "block"})
        again = memory.needed(block, network, *widths)
    most, changes = fewest(needed), []
    tokens = configuration.tokens_at_once
    for settings, changed in _changed(needed, again, tokens, largest, devices.memory):
        count = fewest(changed)
        if count is not None and (most is None or count < most):
            changes.append(Change(settings=settings, undivided=changed.undivided, fewest=count))
    return Fit(of_each=of_each, fits=False, fewest=most, changes=tuple(changes))


def _changed(
    needed: Memory, block: Memory | None, tokens: int, largest: int, of_device: int
) -> Iterator[tuple[str, Memory]]:
    """Settings, and what is needed with them: blocks computed again, smaller portions, and both."""
    if block:
        yield "recompute: block", block
    for settings, base in (("", needed), ("recompute: block, ", block)):
        fewer = tokens
        while base and base.of_tokens(fewer / tokens).undivided > _ROOM * of_device:
            fewer //= 2
            if fewer < largest:
                break
        if base and largest <= fewer < tokens:
            yield f"{settings}tokens_at_once: {fewer}", base.of_tokens(fewer / tokens)
