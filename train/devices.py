"""What a run is planned for: the device here, or devices named on the command line."""

import re

import torch
from pydantic import BaseModel, ConfigDict

from curation.failures.errors import UsageError
from curation.strict_yaml import expected_one_of
from train import kept, peak, settling
from train.configuration import Configuration

_GIVEN = re.compile(r"(?P<name>.+?)(?:[x×](?P<count>[1-9]\d{0,6}))?", re.IGNORECASE)


class Devices(BaseModel):
    """``count`` of a device that has ``memory`` (bytes) and does ``flops`` a second at most, which
    ``source`` says the origin of.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    count: int
    memory: int
    flops: float
    source: str

    def hours(self, flops: float, share: float) -> float:
        """Of all of them together, at this ``share`` of their peak."""
        return flops / (share * self.flops * self.count) / 3600


def named(given: str, configuration: Configuration) -> tuple[Devices, Configuration]:
    """Those of a text such as ``h100x64``, and the run as they would carry it out; one of those
    here where it is empty.

    Raises ``UsageError`` for a device that is not in the table, or a precision that it is not for.
    """
    if not given:
        settled = settling.settled(configuration, None)
        return _here(settling.usable_device(settled.device), settled.precision), settled
    match = _GIVEN.fullmatch(given.strip())
    name, count = (match["name"], match["count"]) if match else (given, None)
    top, memory = peak.of_table(name), peak.memory_of_table(name)
    if top is None or memory is None:
        raise UsageError(
            f"--plan-on {given}: {expected_one_of(name, peak.names())}, such as h100x64"
        )
    if configuration.precision == "fp32":
        raise UsageError(
            f"--plan-on {given}: the peak of {name} is known in bf16, and precision is fp32"
        )
    precision = "bf16" if configuration.precision == "auto" else configuration.precision
    devices = Devices(
        name=name, count=int(count or 1), memory=memory, flops=top.flops, source=top.source
    )
    return devices, configuration.model_copy(update={"precision": precision})


def _here(device: str, precision: str) -> Devices:
    top = peak.peak(device, precision)
    source, is_gpu = top.source, torch.device(device).type == "cuda"
    if is_gpu:
        memory = int(torch.cuda.get_device_properties(device).total_memory)
    else:
        memory = kept.of_machine()
        source += ", which depends on what else runs"
    return Devices(name=f"{device} here", count=1, memory=memory, flops=top.flops, source=source)
