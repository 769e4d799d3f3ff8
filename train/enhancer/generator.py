"""The frozen generator that answers are judged through: a checkpoint of ours, or a published one.

Shapes: H W pixels of an image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from curation.failures.errors import UsageError
from curation.picture import sizes
from train import checkpoint, checkpoint_folder, sampler, stored_flow, stored_json, trained_on
from train.checkpoint_folder import CheckpointError
from train.enhancer.configuration import Frame
from train.flow import Flow
from train.pixels import Pixels, as_image
from train.precision import autocast
from train.sampler import Asked


@dataclass(frozen=True)
class FrozenGenerator:
    """All that makes an image of a prompt; nothing of it is trained."""

    loaded: Any
    flow: Flow
    cells: tuple[int, int]
    steps: int
    guidance: float
    at_once: int
    device: str
    precision: str
    name: str

    @classmethod
    def load(cls, given: str, frame: Frame, device: str, precision: str) -> "FrozenGenerator":
        """Of a checkpoint folder, or a training output. Raises ``UsageError``."""
        folder = place(given)
        try:
            loaded = checkpoint.load_for_inference(folder)
        except (OSError, ValueError, SafetensorError) as error:
            raise UsageError(f"generator: {given}: not a whole checkpoint: {error}") from error
        for part in (loaded.transformer, loaded.autoencoder, loaded.text_encoder):
            if isinstance(part, nn.Module):
                part.to(device).eval().requires_grad_(False)
        levels = stored_json.read(folder / "model_index.json").get("sample_sigmas") or ()
        judged = loaded.configuration.evaluation if loaded.configuration else None
        steps = len(levels) or frame.steps or (judged.steps if judged else None)
        guidance = frame.guidance or (judged.guidance if judged else None)
        if steps is None or guidance is None:
            raise UsageError(f"frame: {given} says not how it was judged: give steps and guidance")
        return cls(
            loaded,
            replace(stored_flow.read(folder), sigmas=tuple(map(float, levels))),
            _cells(folder, given, frame, loaded),
            steps,
            guidance,
            frame.at_once,
            device,
            precision,
            folder.resolve().name,
        )

    @torch.no_grad()
    def images(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Pixels]:
        """An image (H, W, 3) of each prompt, from the noise of its seed."""
        made: list[Pixels] = []
        for start in range(0, len(prompts), self.at_once):
            stop = start + self.at_once
            latents = self._latents(prompts[start:stop], seeds[start:stop])
            decoded = self.loaded.autoencoder.decode(torch.stack(latents)).float().cpu()
            made += [np.asarray(as_image(each).convert("RGB")) for each in decoded]
        return made

    def _latents(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Tensor]:
        encode = self.loaded.text_encoder.encode
        negative = self._ready(encode([""])[0]) if self.guidance != 1 else None
        shape = (self.loaded.autoencoder.channels, *self.cells)
        asked = [
            Asked(self._ready(text), shape, seed, negative, self.guidance)
            for text, seed in zip(encode(list(prompts)), seeds, strict=True)
        ]
        with autocast(self.device, self.precision):
            return sampler.sample(
                sampler.anew(self.loaded.transformer),
                self.loaded.family,
                asked,
                steps=self.steps,
                flow=self.flow,
                device=self.device,
            )

    def _ready(self, text: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(stretch.to(self.device, torch.float32) for stretch in text)


def place(given: str) -> Path:
    """The checkpoint that is given, or of a training output its latest. Raises ``UsageError``."""
    try:
        folder = checkpoint_folder.find(Path(given))
    except CheckpointError as error:
        raise UsageError(f"generator: {error}") from error
    if folder is None or not (folder / "transformer").is_dir():
        raise UsageError(
            f"generator: {given or 'none is named'}: expected a checkpoint or an output of `python"
            " -m train`, or a diffusers folder of Qwen-Image; or `rewards: []` for rules alone"
        )
    return folder


def _cells(folder: Path, given: str, frame: Frame, loaded: Any) -> tuple[int, int]:
    """Latent cells, (height, width)."""
    record = trained_on.read(folder)
    size = sizes.parse(frame.size) if frame.size else record and record.sizes[0]
    if not size:
        raise UsageError(f"frame: {given} says not what it was trained on: give size")
    width, height = size
    unit, factor = loaded.family.unit(loaded.autoencoder.factor), loaded.autoencoder.factor
    if width % unit or height % unit:
        raise UsageError(f"frame: size: {width}x{height}: expected multiples of {unit} pixels")
    return height // factor, width // factor
