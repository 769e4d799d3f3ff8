"""Generating images from prompts with a checkpoint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn

from curation.failures.errors import UsageError
from infer import checkpoints
from infer.inputs import Inputs
from infer.prompts import Prompt
from train import quieten
from train.autoencoders.autoencoder import Autoencoder
from train.checkpoint import load_for_inference
from train.flow import Asked, Flow, sample
from train.models.family import Family
from train.packing.packed import Packed, Text
from train.pixels import as_image, scaled
from train.text_encoders.text_encoder import TextEncoder


@dataclass(frozen=True)
class Settings:
    """How to generate: ``width`` and ``height`` in pixels; ``guidance`` at most 1 means none."""

    width: int
    height: int
    steps: int = 50
    guidance: float = 4.0
    negative: str = ""
    batch_size: int = 1


@dataclass(frozen=True)
class Generator:
    """A checkpoint in memory: the network, what surrounds it, and its noise schedule."""

    family: Family
    transformer: Any
    autoencoder: Autoencoder
    text_encoder: TextEncoder
    flow: Flow
    folder: Path


def load(folder: Path, device: str = "auto") -> Generator:
    """Load a checkpoint folder on a device (``auto``: a GPU if there is one).

    Raises ``UsageError`` for a folder that does not hold a whole checkpoint.
    """
    quieten.libraries()
    flow = checkpoints.schedule(folder)
    place = device_of(device)
    try:
        loaded = load_for_inference(folder)
    except (OSError, ValueError, SafetensorError) as error:
        raise UsageError(f"{folder}: not a whole checkpoint: {error}") from error
    parts = (loaded.transformer, loaded.autoencoder, loaded.text_encoder)
    for part in parts:
        if isinstance(part, nn.Module):
            part.to(place).eval()
    return Generator(loaded.family, *parts, flow, folder)


def device_of(name: str) -> torch.device:
    """The device of a name, ``auto`` being a GPU if there is one. Raises ``UsageError``."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(1, device=name).device
    except (AssertionError, RuntimeError) as error:  # how torch says: no such device
        raise UsageError(f"cannot use device {name!r}: {error}") from error


def generate(
    generator: Generator,
    prompts: Sequence[Prompt],
    settings: Settings,
    inputs: Inputs | None = None,
) -> Iterator[Image.Image]:
    """The images of the prompts, RGB, in order, or what these make of ``inputs``. Every prompt
    needs its seed.

    With ``batch_size`` 1 an image's bytes depend on its prompt, seed and settings only; larger
    batches round differently in the last bits. Raises ``UsageError`` for a size the checkpoint
    cannot generate, or when its weights give no finite image.
    """
    unit = generator.family.unit(generator.autoencoder.factor)
    checkpoints.check_size(settings.width, settings.height, unit)
    cells = (
        settings.height // generator.autoencoder.factor,
        settings.width // generator.autoencoder.factor,
    )
    guided = settings.guidance > 1  # as QwenImagePipeline: at most 1 is no guidance at all
    kind = next(generator.transformer.parameters()).dtype  # whatever that of the text encoder

    looked_at = inputs.looked_at if inputs else ()

    def encode(texts: Sequence[str]) -> list[Text]:
        images = [looked_at] * len(texts)
        return [_as(kind, text) for text in generator.text_encoder.encode(list(texts), images)]

    with torch.inference_mode():
        references = _references(generator, kind, inputs.encoded if inputs else ())
        negative = encode([settings.negative])[0] if guided else None
        for start in range(0, len(prompts), settings.batch_size):
            batch = prompts[start : start + settings.batch_size]
            texts = encode([prompt.text for prompt in batch])
            latents = sample(
                partial(_velocity, generator.transformer, kind),
                generator.family,
                [
                    Asked(text, _seed(prompt), negative, references)
                    for text, prompt in zip(texts, batch, strict=True)
                ],
                (generator.autoencoder.channels, *cells),
                steps=settings.steps,
                guidance=settings.guidance if guided else 1.0,
                flow=generator.flow,
                device=texts[0][0].device,
            )
            pixels = generator.autoencoder.decode(latents)
            if not pixels.isfinite().all():
                raise UsageError(f"{generator.folder}: generates no finite image: broken weights")
            yield from (as_image(row) for row in pixels)


def _velocity(network: Any, kind: torch.dtype, packed: Packed) -> Tensor:
    """The velocity in the network's own precision."""
    image, sigma = packed.image.to(kind), packed.sigma.to(kind)
    velocity: Tensor = network(Packed(packed.text, image, sigma, packed.layout))
    return velocity


def _references(
    generator: Generator, kind: torch.dtype, images: Sequence[NDArray[np.uint8]]
) -> tuple[Tensor, ...]:
    """The latents (c, h, w) of images, where the network is."""
    device = next(generator.transformer.parameters()).device
    encoded = (generator.autoencoder.encode(scaled(each))[0] for each in images)
    return tuple(each.to(device, kind) for each in encoded)


def _as(kind: torch.dtype, text: Text) -> Text:
    return tuple(stretch.to(kind) for stretch in text)


def _seed(prompt: Prompt) -> int:
    if prompt.seed is None:
        raise ValueError(f"prompt without a seed: {prompt.text!r}")
    return prompt.seed
