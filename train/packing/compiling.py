"""Blocks of packed networks compiled, but for attention: its passes change from batch to batch."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


def compile_parts(blocks: Iterable[nn.Module], **options: Any) -> None:
    """Compile ``before`` and ``after`` attention of each block, for any number of tokens."""
    for block in blocks:
        for part in ("before", "after"):
            setattr(block, part, torch.compile(getattr(block, part), dynamic=True, **options))
