"""Which numbers a network computes in."""

from contextlib import AbstractContextManager
from typing import Any

import torch


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """bf16 autocast on a device ("cpu", "cuda:1"), or nothing for fp32. Of float8 the matrices are
    modules of their own (``train.execution``), and all the rest is bf16.
    """
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision != "fp32")
