"""Which numbers a network computes in."""

from contextlib import AbstractContextManager
from typing import Any

import torch


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """bf16 autocast on a device ("cpu", "cuda:1"), or nothing for fp32."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")
