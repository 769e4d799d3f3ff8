"""Images from requests, with a checkpoint of ours or a published diffusers folder.

Shapes: A target tokens of a batch, C values of a token; c latent channels, h w latent cells.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn

from curation.failures import memory
from curation.failures.errors import TooLargeError, UsageError
from infer import checkpoints
from infer.engine.execution import Execution, carried_out
from infer.engine.request import Request, batches
from train import quieten
from train.autoencoders.autoencoder import Autoencoder
from train.checkpoint import load_for_inference
from train.flow import Flow
from train.models.family import Family
from train.models.qwen_image import control, controlnet
from train.models.qwen_image.control import Control, Controlled
from train.models.qwen_image.controlnet import PackedQwenImageControlNet
from train.models.qwen_image.network import PackedQwenImage
from train.models.qwen_image.tabled import Tables
from train.packing.packed import Packed, Text
from train.pixels import as_image, scaled
from train.sampler import Asked, Step, sample
from train.text_encoders.text_encoder import TextEncoder

# Of a batch: how many of its steps are done, and how many there are. What it raises ends the batch.
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Engine:
    """A checkpoint in memory: the network, what surrounds it, and its noise schedule."""

    family: Family
    transformer: Any
    autoencoder: Autoencoder
    text_encoder: TextEncoder
    flow: Flow
    folder: Path
    device: torch.device
    execution: Execution
    tables: Tables | None = None
    controlnet: PackedQwenImageControlNet | None = None

    @classmethod
    def load(cls, folder: Path, device: str = "auto", chosen: Execution | None = None) -> "Engine":
        """Load a checkpoint folder on a device (``auto``: a GPU if there is one), as ``chosen``.

        Raises ``UsageError`` for a folder that does not hold a whole checkpoint, ``TooLargeError``
        where there is too little memory for it.
        """
        try:
            return cls._loaded(folder, device, chosen or Execution())
        except (RuntimeError, MemoryError) as error:
            if not memory.ran_out(error):
                raise
            raise TooLargeError(
                f"{folder}: too little memory to load it ({error}); --precision int8 or int4 takes"
                " less, of a GPU also --offload and --encode-on-cpu (--plan says how much)"
            ) from error

    @classmethod
    def _loaded(cls, folder: Path, device: str, chosen: Execution) -> "Engine":
        quieten.libraries()
        flow, place = checkpoints.schedule(folder), device_of(device)
        try:
            loaded = load_for_inference(folder)
        except (OSError, ValueError, SafetensorError) as error:
            raise UsageError(f"{folder}: not a whole checkpoint: {error}") from error
        control = None
        if chosen.controlnet:
            control = controlnet_of(loaded.transformer, chosen.controlnet).to(place)
        tables = carried_out(loaded.transformer.eval(), place, chosen)
        around = (loaded.autoencoder, loaded.text_encoder)
        for part in around:
            if isinstance(part, nn.Module):
                waits = chosen.offload or chosen.encode_on_cpu  # until it encodes, or for ever
                here = part is not loaded.text_encoder or not waits
                part.to(place if here else "cpu").eval()
        parts = (loaded.family, loaded.transformer, *around)
        return cls(*parts, flow, folder, place, chosen, tables, control)

    @property
    def unit(self) -> int:
        """Sides of images are multiples of so many pixels."""
        return self.family.unit(self.autoencoder.factor)

    def check(self, request: Request) -> None:
        """Raise ``UsageError`` for what this checkpoint cannot generate."""
        settings = request.settings
        checkpoints.check_size(settings.width, settings.height, self.unit)
        if self.flow.sigmas and settings.steps != len(self.flow.sigmas):
            raise UsageError(
                f"steps is {settings.steps}: this checkpoint was distilled to"
                f" {len(self.flow.sigmas)} and takes no other number"
            )
        if request.condition and self.controlnet is None:
            raise UsageError("--control: nothing here follows conditions; name a --controlnet")
        if request.condition and bool(self.controlnet and self.controlnet.inpaints) != (
            request.condition.hole is not None
        ):
            raise UsageError("--controlnet: one that inpaints takes holes, and no other does")

    def generate(
        self, requests: Sequence[Request], at_once: int = 1, watch: Watch | None = None
    ) -> Iterator[Image.Image]:
        """The images of the requests, RGB, in order, so many ``at_once`` (``batches``).

        Same batch, same bytes; alone, an image's bytes depend on its own request only, and in any
        other batch it differs from that in the last bits. Raises ``UsageError`` for what the
        checkpoint cannot generate, or when its weights give no finite image; ``TooLargeError``.
        """
        for request in requests:
            self.check(request)
        for batch in batches(requests, at_once):
            try:
                with torch.inference_mode():
                    images = self._decoded(self.latents(batch, watch))
            except RuntimeError as error:
                if not memory.ran_out(error):
                    raise
                largest = max(
                    (each.settings for each in batch), key=lambda of: of.width * of.height
                )
                raise TooLargeError(
                    f"out of memory at {largest.width}x{largest.height}, {len(batch)} at once; a"
                    " smaller --size or --batch-size takes less (--plan says how much)"
                ) from error
            yield from images

    @torch.inference_mode()
    def latents(self, batch: Sequence[Request], watch: Watch | None = None) -> list[Tensor]:
        """Those (c, h, w) of requests with as many steps, of any sizes, in one pass a step."""
        steps, done = batch[0].settings.steps, watch or (lambda _, __: None)
        texts = self._texts([(each.prompt, each) for each in batch])
        guided = [each for each in batch if each.settings.is_guided]
        negatives = iter(self._texts([(each.settings.negative, each) for each in guided]))
        if self.tables:
            self.tables.cover(self._levels(batch))

        inputs = {id(each.inputs): each.inputs for each in batch if each.inputs}
        references = {key: self._references(each.encoded) for key, each in inputs.items()}
        asked = [
            self._asked(
                each,
                text,
                next(negatives) if each.settings.is_guided else None,
                references.get(id(each.inputs), ()),
            )
            for each, text in zip(batch, texts, strict=True)
        ]
        asked, controls = self._controlled(batch, asked)

        def begin(packed: Packed) -> Step:
            if self.controlnet is not None and controls:
                parts = (self.transformer, self.controlnet)
                step = control.begin(*parts, packed, controls, steps)
            else:
                step = self.family.begin(self.transformer, packed)

            def watched(tokens: Tensor, sigma: Tensor, number: int) -> Tensor:
                done(number, steps)
                return step(tokens.to(self._kind), sigma.to(self._kind), number)

            return watched

        return sample(begin, self.family, asked, steps=steps, flow=self.flow, device=self.device)

    def _controlled(
        self, batch: Sequence[Request], asked: list[Asked]
    ) -> tuple[list[Asked], list[Controlled]]:
        """The latents of conditions, and what is asked for with the noise that is drawn after them,
        as the pipeline does; those of guided samples lead the negative prompt, too.
        """
        controls: list[Controlled] = []
        negative = len(asked)
        for number, (request, own) in enumerate(zip(batch, list(asked), strict=True)):
            if (condition := request.condition) is not None:
                generator = torch.Generator().manual_seed(request.seed)
                parts = (self.autoencoder, condition.pixels)
                latents = (
                    control.latents(*parts, generator)
                    if condition.hole is None
                    else control.inpainting_latents(*parts, condition.hole, generator)
                ).to(self.device, self._kind)
                given = Control(latents, condition.scale, condition.start, condition.end)
                to = (number, negative) if own.is_guided else (number,)
                controls.append(Controlled(given, by=number, to=to))
                noise = torch.randn(own.shape, generator=generator)
                asked[number] = replace(own, noise=noise)
            negative += own.is_guided
        return asked, controls

    @property
    def _kind(self) -> torch.dtype:
        """The numbers that the network computes with, whatever those of the text encoder."""
        kind: torch.dtype = next(self.transformer.parameters()).dtype
        return kind

    def _levels(self, batch: Sequence[Request]) -> list[float]:
        """All noise levels that the steps of a batch have, in the numbers of the network."""
        cell = self.autoencoder.factor * self.family.patch
        sizes = {(each.settings.width, each.settings.height) for each in batch}
        tokens = sorted({width * height // cell**2 for width, height in sizes})
        steps = batch[0].settings.steps
        levels = [self.flow.schedule(steps, count)[:-1] for count in tokens]
        rounded = torch.tensor(levels, dtype=torch.float64).float().to(self._kind)
        return [float(level) for level in rounded.flatten()]

    def _asked(
        self,
        request: Request,
        text: Text,
        negative: Text | None,
        references: tuple[Tensor, ...],
    ) -> Asked:
        settings, factor = request.settings, self.autoencoder.factor
        return Asked(
            text,
            (self.autoencoder.channels, settings.height // factor, settings.width // factor),
            request.seed,
            negative,
            settings.guidance if negative else 1.0,
            references,
        )

    def _texts(self, wanted: Sequence[tuple[str, Request]]) -> list[Text]:
        """Features of texts as seen with the inputs of their requests, each encoded once."""
        keys = [(text, id(request.inputs)) for text, request in wanted]
        first = dict(zip(keys, wanted, strict=True))
        encoded: dict[tuple[str, int], Text] = {}
        for has_inputs in (False, True):
            some = [key for key, (_, of) in first.items() if bool(of.inputs) == has_inputs]
            if some:
                images = [
                    inputs.looked_at if (inputs := first[key][1].inputs) else () for key in some
                ]
                features = self._encoder().encode([text for text, _ in some], images)
                encoded |= zip(some, map(self._typed, features), strict=True)
        self._encoded()
        return [encoded[key] for key in keys]

    def _encoder(self) -> TextEncoder:
        """The text encoder, where it encodes."""
        self._moved(self.device)
        return self.text_encoder

    def _encoded(self) -> None:
        """It may leave the device again."""
        self._moved("cpu")

    def _moved(self, device: torch.device | str) -> None:
        """Bring a text encoder that comes and goes to a device."""
        comes = self.execution.offload and not self.execution.encode_on_cpu
        if comes and isinstance(self.text_encoder, nn.Module):
            self.text_encoder.to(device)

    def _typed(self, text: Text) -> Text:
        return tuple(stretch.to(self.device, self._kind) for stretch in text)

    def _references(self, images: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, ...]:
        """The latents (c, h, w) of images, where the network is."""
        encoded = (self.autoencoder.encode(scaled(each))[0] for each in images)
        return tuple(each.to(self.device, self._kind) for each in encoded)

    def _decoded(self, latents: Sequence[Tensor]) -> list[Image.Image]:
        """Images, those of one size that follow one another together."""
        images: list[Image.Image] = []
        for _, alike in groupby(latents, lambda each: each.shape):
            pixels = self.autoencoder.decode(torch.stack(list(alike)))
            if not pixels.isfinite().all():
                raise UsageError(f"{self.folder}: generates no finite image: broken weights")
            images += [as_image(row) for row in pixels]
        return images


def controlnet_of(network: Any, folder: Path) -> PackedQwenImageControlNet:
    """A ControlNet for a ``network``. Raises ``UsageError`` for one of another, or none."""
    if not isinstance(network, PackedQwenImage):
        raise UsageError("--controlnet: this checkpoint's network takes none")
    return controlnet.beside(network, folder)


def device_of(name: str) -> torch.device:
    """The device of a name, ``auto`` being a GPU if there is one. Raises ``UsageError``."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(1, device=name).device
    except (AssertionError, RuntimeError) as error:  # how torch says: no such device
        if memory.ran_out(error):
            raise
        raise UsageError(f"cannot use device {name!r}: {error}") from error
