"""Images that went once through an autoencoder: nothing is generated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curation import progress, storage
from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from infer import checkpoints
from infer.harness.sources import Task
from infer.job import png

_SIZE = (1024, 1024)  # nobody asks: images have their own


@dataclass(frozen=True)
class Reconstructions:
    """The input of each request, encoded and decoded by the autoencoder of ``checkpoint``.

    Sides that are no multiple of its factor are continued by their last pixels, and cut again.
    """

    checkpoint: Path
    digest: str
    device: str
    folder: Path

    @property
    def size(self) -> tuple[int, int]:
        return _SIZE

    @property
    def identity(self) -> Mapping[str, Any]:
        return {
            "kind": "autoencoder",
            "name": checkpoints.name(self.checkpoint),
            "hash": self.digest,
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        return dict.fromkeys(("steps", "guidance", "negative", "batch_size", "size"))

    def make(self, benchmark: str, tasks: Sequence[Task]) -> None:
        """Those that are not there yet, one by one. Raises ``UsageError``, ``OSError``."""
        left = [task for task in tasks if not (self.folder / task.request.file).exists()]
        if not left:
            return
        import torch

        from infer.engine.engine import device_of
        from train.autoencoders.autoencoder import load_autoencoder
        from train.pixels import as_image, scaled

        try:
            autoencoder = load_autoencoder(str(self.checkpoint))
        except (OSError, ValueError) as error:
            raise UsageError(str(error)) from error
        place = device_of(self.device)
        if isinstance(autoencoder, torch.nn.Module):
            autoencoder.to(place).eval()
        self.folder.mkdir(parents=True, exist_ok=True)
        done, facts = 0, {"benchmark": benchmark, "checkpoint": checkpoints.name(self.checkpoint)}
        facts |= {"checkpoint_hash": self.digest}
        with progress.watch("", "images", lambda: (len(left), done)):
            for task in left:
                pixels = _decoded(task)
                height, width = pixels.shape[:2]
                down, across = -height % autoencoder.factor, -width % autoencoder.factor
                padded = np.pad(pixels, ((0, down), (0, across), (0, 0)), "edge")
                with torch.no_grad():
                    [back] = autoencoder.decode(autoencoder.encode(scaled(padded).to(place)))
                image = as_image(back[:, :height, :width])
                own = facts | {"prompt_id": task.request.id}
                storage.write_bytes(str(self.folder / task.request.file), png(image, own))
                done += 1


def _decoded(task: Task) -> Any:
    try:
        return np.array(decoding.decode(task.request.inputs[0], None).rgb)
    except PictureError as error:
        raise UsageError(f"{task.request.id}: {error.reason}: {error.detail}") from error
