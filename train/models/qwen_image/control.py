"""Images that follow conditions: from a condition's pixels to latents, and from these to what the
ControlNet adds to a batch in which some samples have conditions, and some have none.

Shapes: H W pixels; c latent channels, h w latent cells, f pixels per cell; N samples; A target
tokens; C values of a token, E more of the mask.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.autoencoders.autoencoder import Autoencoder
from train.models.qwen_image.controlnet import PackedQwenImageControlNet
from train.models.qwen_image.network import PackedQwenImage
from train.models.qwen_image.residuals import Residuals
from train.packing import patches
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.packing.packed import Packed
from train.pixels import Pixels, scaled
from train.sampler import Step


@dataclass(frozen=True)
class Control:
    """A condition of an image: its ``latents`` (c, h, w), or (c + 1, h, w) with the mask; the
    ``scale`` of what is added, from the share ``start`` of the steps to the share ``end``.
    """

    latents: Tensor
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0

    def acts(self, step: int, steps: int) -> bool:
        """Whether in the step of a number from 0; a step counts where all of it is inside."""
        return self.start <= step / steps and (step + 1) / steps <= self.end


@dataclass(frozen=True)
class Controlled:
    """A ``control`` in a batch: it is seen with the prompt of the sample ``by``, and what comes of
    it is added to the targets of the samples ``to``, as large as those of ``by``. As in diffusers
    these are the sample itself and, under guidance, that of the negative prompt.
    """

    control: Control
    by: int
    to: tuple[int, ...]


def latents(autoencoder: Autoencoder, condition: Pixels, generator: torch.Generator) -> Tensor:
    """(c, h, w) of a condition (H, W, 3), a sample of the posterior. The pipeline draws it by the
    request's ``generator`` before the noise, which is what comes next (``sampler.Asked.noise``).

    Raises ``ValueError`` for a size that is no multiple of f.
    """
    return autoencoder.encode(scaled(condition), generator)[0]


def inpainting_latents(
    autoencoder: Autoencoder, image: Pixels, hole: NDArray[np.bool_], generator: torch.Generator
) -> Tensor:
    """(c + 1, h, w) of an ``image`` (H, W, 3) of which the ``hole`` (H, W) is to be filled: latents
    of the image with a black hole, and a channel that is 1 where it is kept, by the pixel in the
    top left of each cell.

    ``QwenImageControlNetInpaintPipeline`` samples them by torch's own random state, so that a seed
    does not say what comes out; here the ``generator`` does. Raises ``ValueError`` as ``latents``,
    and for a hole of another size.
    """
    if hole.shape != image.shape[:2]:
        raise ValueError(f"a hole of {hole.shape} in an image of {image.shape[:2]} (height, width)")
    pixels = scaled(image)
    masked = pixels.masked_fill(torch.from_numpy(hole), -1)
    encoded = autoencoder.encode(masked, generator)[0]
    cells = hole[:: autoencoder.factor, :: autoencoder.factor]
    kept = torch.from_numpy(~cells).to(encoded)[None]
    return torch.cat([encoded, kept])


def residuals(
    network: PackedQwenImageControlNet, packed: Packed, controls: Sequence[Controlled]
) -> Residuals | None:
    """What ``controls`` add to a batch at its noise levels; None without any. Raises ``ValueError``
    where latents are not as large as a sample's target.
    """
    if not controls:
        return None
    device = packed.image.device
    places = _places(packed.layout, tuple((each.by, each.to) for each in controls), device)
    condition = [patches.pack(each.control.latents, network.config.patch_size) for each in controls]
    counts = torch.tensor(places.layout.target_lengths)
    if [len(each) for each in condition] != counts.tolist():
        raise ValueError("latents of a condition that are not as large as the image")
    scale = torch.tensor([each.control.scale for each in controls]).repeat_interleave(counts)
    sigma = packed.sigma[[each.by for each in controls]]
    seen = Packed(packed.text[places.text], packed.image[places.image], sigma, places.layout)
    samples = network(seen, torch.cat(condition).to(device), scale.to(device))
    return Residuals(samples, places.of, places.to)


def begin(
    network: PackedQwenImage,
    control: PackedQwenImageControlNet,
    packed: Packed,
    controls: Sequence[Controlled],
    steps: int,
) -> Step:
    """What a sampler of so many ``steps`` calls in each: the velocity (A, C) of target tokens at
    noise levels (N,), with the ``controls`` that act in the step.
    """

    def step(tokens: Tensor, sigma: Tensor, number: int) -> Tensor:
        now = packed.with_targets(tokens, sigma)
        acting = [each for each in controls if each.control.acts(number, steps)]
        velocity: Tensor = network(now, residuals=residuals(control, now, acting))
        return velocity

    return step


@dataclass(frozen=True)
class _Places:
    """``layout`` of what the ControlNet sees; where its ``text`` and ``image`` tokens are in the
    batch, and ``of`` and ``to`` as ``Residuals``.
    """

    layout: Layout
    text: Tensor
    image: Tensor
    of: Tensor
    to: Tensor


@lru_cache(maxsize=2)  # the steps of sampling share it
def _places(
    layout: Layout, controls: tuple[tuple[int, tuple[int, ...]], ...], device: torch.device
) -> _Places:
    """Of a batch in which the prompt of a sample leads to what is added to samples."""
    targets = [layout.target_places[layout.target_sample == n] for n in range(len(layout.samples))]
    seen, text, image, of, to = [], [], [], [], []
    start = 0
    for by, samples in controls:
        spans = layout.samples[by]
        seen.append(tuple(s for s in spans if isinstance(s, TextSpan) or _is_target(s)))
        text.append(np.flatnonzero(layout.text_sample == by))
        image.append(targets[by])
        for sample in samples:
            if len(targets[sample]) != len(targets[by]):
                raise ValueError(f"sample {sample} is not as large as sample {by}")
            of.append(np.arange(start, start + len(targets[by])))
            to.append(targets[sample])
        start += len(targets[by])

    def moved(parts: list[NDArray[np.int64]]) -> Tensor:
        return torch.from_numpy(np.concatenate(parts)).to(device)

    return _Places(Layout(tuple(seen)), moved(text), moved(image), moved(of), moved(to))


def _is_target(span: object) -> bool:
    return isinstance(span, ImageSpan) and span.target
