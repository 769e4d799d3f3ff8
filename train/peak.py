"""How many operations a second a device can do at most, against which a run is measured (MFU)."""

import time
from dataclasses import dataclass

import torch

from train.precision import autocast

_SIDE, _REPEATS = 1024, 2  # of the matrices that are multiplied on a CPU
_SIDE_GPU = 8192
# Dense bf16 with fp32 sums, of the makers' data sheets; the first whose words are all in a name.
_BF16 = (
    ("B200", 2250e12),
    ("H200", 989e12),
    ("H100 PCIe", 756e12),
    ("H100 NVL", 835e12),
    ("H100", 989e12),
    ("H800", 989e12),
    ("H20", 148e12),
    ("A100", 312e12),
    ("A800", 312e12),
    ("L40S", 362e12),
    ("L40", 181e12),
    ("L4", 121e12),
    ("A40", 150e12),
    ("A10", 125e12),
    ("RTX 5090", 210e12),
    ("RTX 4090", 165e12),
    ("RTX 3090", 71e12),
)


@dataclass(frozen=True)
class Peak:
    """``flops`` a second, and where that is from."""

    flops: float
    source: str

    def __str__(self) -> str:
        return f"{self.flops / 1e12:.4g} TFLOP/s, {self.source}"


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
    """Of a GPU by its ``name``; None where the table does not have it."""
    words = set(name.replace("-", " ").split())
    for model, flops in _BF16:
        if words >= set(model.split()):
            return Peak(flops, f"of the table of GPUs, for {model} in bf16")
    return None


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
