"""How many operations a second a device can do at most, against which a run is measured (MFU),
and what memory GPUs have.
"""

import re
import time
from dataclasses import dataclass

import torch

from train.precision import autocast

_SIDE, _REPEATS = 1024, 2  # of the matrices that are multiplied on a CPU
_SIDE_GPU = 8192
_GB = 10**9  # a device has some percent more, which its own software takes
_GIGABYTES = re.compile(r"\b(\d{1,3})GB\b", re.IGNORECASE)
# FLOPs a second in dense bf16 with fp32 sums, and GB of memory, of the makers' data sheets; the
# first whose words are all in a name.
_LISTED = (
    ("B200", 2250e12, 180),
    ("H200", 989e12, 141),
    ("H100 PCIe", 756e12, 80),
    ("H100 NVL", 835e12, 94),
    ("H100", 989e12, 80),
    ("H800", 989e12, 80),
    ("H20", 148e12, 96),
    ("A100", 312e12, 80),
    ("A800", 312e12, 80),
    ("L40S", 362e12, 48),
    ("L40", 181e12, 48),
    ("L4", 121e12, 24),
    ("A40", 150e12, 48),
    ("A10", 125e12, 24),
    ("RTX 5090", 210e12, 32),
    ("RTX 4090", 165e12, 24),
    ("RTX 3090", 71e12, 24),
)


@dataclass(frozen=True)
class Peak:
    """``flops`` a second, and where that is from."""

    flops: float
    source: str

    def __str__(self) -> str:
        return f"{self.flops / 1e12:.4g} TFLOP/s, {self.source}"


def passes(*, frozen: bool) -> int:
    """How many forward passes a step counts as: the gradient takes two, one of these of weights,
    which a ``frozen`` network has none of.
    """
    return 2 if frozen else 3


def peak(device: str, precision: str) -> Peak:
    """Of a device in a precision ("fp32", "bf16"; "float8" counts as bf16): of the table for GPUs
    that it has, else measured now by products of matrices, the fastest of a few.
    """
    place = torch.device(device)
    if place.type == "cuda" and precision != "fp32":
        listed = of_table(torch.cuda.get_device_name(place))
        if listed:
            return listed
    return Peak(measured(device, precision), f"measured by products of matrices on {device}")


def of_table(name: str) -> Peak | None:
    """Of a GPU by its ``name``, in whatever case; None where the table does not have it."""
    row = _row(name)
    return Peak(row[1], f"of the table of GPUs, for {row[0]} in bf16") if row else None


def memory_of_table(name: str) -> int | None:
    """Bytes of memory of such a GPU: those in its name, as in "A100-40GB", else the usual."""
    row = _row(name)
    if row is None:
        return None
    given = _GIGABYTES.search(name)
    return _GB * (int(given[1]) if given else row[2])


def names() -> tuple[str, ...]:
    """Those of the table, as a command line has them."""
    return tuple(model.lower().replace(" ", "-") for model, _, _ in _LISTED)


def _row(name: str) -> tuple[str, float, int] | None:
    words = set(name.casefold().replace("-", " ").split())
    return next((row for row in _LISTED if words >= set(row[0].casefold().split())), None)


def measured(device: str, precision: str) -> float:
    """FLOPs a second of products of matrices."""
    place = torch.device(device)
    side = _SIDE_GPU if place.type == "cuda" else _SIDE
    matrix = torch.ones(side, side, device=place)
    best = float("inf")
    with autocast(device, precision), torch.no_grad():
        for _ in range(_REPEATS + 1):
            begin = time.perf_counter()
            matrix @ matrix
            if place.type == "cuda":
                torch.cuda.synchronize(place)
            best = min(best, time.perf_counter() - begin)
    return 2 * side**3 / best
