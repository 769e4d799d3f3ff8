"""Parts that are used as they were published: never trained, and stored as the files they are."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn


class Frozen(nn.Module):
    """A module without gradients that no call to ``train()`` takes out of evaluation mode."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def place(self) -> tuple[torch.device, torch.dtype]:
        weight: Tensor = next(self.model.parameters())
        return weight.device, weight.dtype


def keep(source: Path | None, target: Path, part: Any) -> None:
    """Save a frozen part: hard links to the files it came from, where the disk allows, else bytes.

    The shipped text encoder is 16 GB and never changes: a checkpoint must not copy it each time.
    """
    if source is None or not source.is_dir():
        part.save_pretrained(target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if not path.is_file():
            continue
        # Downloaded folders hold symbolic links, which os.link would copy as such.
        real, place = path.resolve(), target / path.name
        place.unlink(missing_ok=True)
        with suppress(OSError):
            os.link(real, place)
        if not place.exists():
            shutil.copyfile(real, place)
