"""Drawing held-out captions with the averaged weights, while training goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from curation.picture import contact_sheet
from train import flow, model
from train.codec import Codec
from train.configuration import Configuration
from train.data.examples import Example
from train.data.loading import Bucket, Data
from train.evaluation import Accuracy, Reader, judge
from train.seeds import seed_for
from train.text_encoder import TextEncoder

_LOSS_PICTURES = 256  # of the first held-out bucket
_TILE = 192  # pixels: the longer side of a picture in the grid, at most


@dataclass(frozen=True)
class Task:
    """A caption to draw, at the latent size (h, w) of its picture, with its own noise seed."""

    example: Example
    cells: tuple[int, int]
    seed: int


@dataclass(frozen=True)
class Artist:
    """The averaged weights and what surrounds them."""

    transformer: Any
    text_encoder: TextEncoder
    codec: Codec
    configuration: Configuration
    device: str


@dataclass(frozen=True)
class Outcome:
    """``accuracy`` is None where the pictures cannot be judged, ``loss`` where none is held out."""

    accuracy: Accuracy | None
    loss: float | None
    grid: Image.Image | None


def tasks(data: Data, seed: int) -> list[Task]:
    """Every distinct held-out caption once, in an order drawn by ``seed``.

    Without held-out pictures the training captions, then unjudged: a grid is worth looking at.
    """
    found: dict[str, Task] = {}
    for bucket in data.shown:
        height, width = bucket.latents.shape[2:]
        for example in bucket.examples:
            caption = example.captions[0]
            own = seed_for(seed, "held out", caption)
            found.setdefault(caption, Task(example, (height, width), own))
    order = np.random.default_rng(seed_for(seed, "held out")).permutation(len(found))
    listed = list(found.values())
    return [listed[place] for place in order]


def evaluate(artist: Artist, data: Data, chosen: Sequence[Task], reader: Reader | None) -> Outcome:
    """Draw the chosen captions, judge them where they can be, and lay out a grid."""
    settings = artist.configuration.evaluation
    pictures: list[Tensor] = [torch.empty(0)] * len(chosen)
    by_cells: dict[tuple[int, int], list[int]] = {}
    for place, task in enumerate(chosen):
        by_cells.setdefault(task.cells, []).append(place)
    for places in by_cells.values():
        for start in range(0, len(places), settings.batch):
            part = places[start : start + settings.batch]
            drawn = _draw(artist, [chosen[place] for place in part])
            for place, picture in zip(part, drawn, strict=True):
                pictures[place] = picture
    right = _judged(pictures, chosen, reader) if data.held_out else None
    grid = None
    if pictures:
        shown = slice(0, settings.grid)
        verdicts = [None if right is None else all(row) for row in right or [[]] * len(pictures)]
        captions = [task.example.captions[0] for task in chosen]
        wrong = [place for place, verdict in enumerate(verdicts[shown]) if verdict is False]
        tiles = [_image(picture) for picture in pictures[shown]]
        sheet = contact_sheet.compose(tiles, captions[shown], side=_TILE, framed=wrong)
        grid = sheet.image
    return Outcome(
        accuracy=None if right is None else judge(right),
        loss=_loss(artist, data.held_out[0]) if data.held_out else None,
        grid=grid,
    )


def _image(picture: Tensor) -> Image.Image:
    """A picture (3, H, W) in [-1, 1] as an image."""
    levels = ((picture.float() / 2 + 0.5).clamp(0, 1) * 255).round().byte()
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())


def _judged(
    pictures: Sequence[Tensor], chosen: Sequence[Task], reader: Reader | None
) -> list[list[bool]] | None:
    """Right or wrong per picture and cell; None without templates."""
    if reader is None:
        return None
    return [
        reader.right(picture[None], [task.example])[0]
        for picture, task in zip(pictures, chosen, strict=True)
    ]


@torch.no_grad()
def _draw(artist: Artist, chosen: Sequence[Task]) -> Tensor:
    """Pictures (B, 3, H, W) in [-1, 1] on the CPU, of tasks of one size."""
    configuration = artist.configuration
    settings = configuration.evaluation
    features, mask = artist.text_encoder.encode([task.example.captions[0] for task in chosen])
    negative, negative_mask = artist.text_encoder.encode([""])
    with (
        model.autocast(artist.device, configuration.precision),
        model.attention(configuration.model.attention),
    ):
        latents = flow.sample(
            artist.transformer,
            (artist.codec.channels, *chosen[0].cells),
            features.float(),
            mask,
            negative_features=negative.float(),
            negative_mask=negative_mask,
            steps=settings.steps,
            guidance=settings.guidance,
            seeds=[task.seed for task in chosen],
            flow=flow.build(configuration.flow),
        )
    return artist.codec.decode(latents).float().cpu()


@torch.no_grad()
def _loss(artist: Artist, bucket: Bucket) -> float:
    """The flow loss of the first held-out pictures, at the same noise every time."""
    configuration = artist.configuration
    data = bucket.latents[:_LOSS_PICTURES]
    generator = torch.Generator().manual_seed(seed_for(configuration.seed, "held out"))
    noise = torch.randn(data.shape, generator=generator)
    tokens = data.shape[2] * data.shape[3] // configuration.model.patch**2
    sigma = flow.build(configuration.flow).draw(len(data), tokens, generator)
    total = 0.0
    for start in range(0, len(data), configuration.evaluation.batch):
        part = slice(start, start + configuration.evaluation.batch)
        captions = [example.captions[0] for example in bucket.examples[:_LOSS_PICTURES][part]]
        x0, x1, level = (one[part].to(artist.device) for one in (data, noise, sigma))
        features, mask = artist.text_encoder.encode(captions)
        noisy = flow.path(x0, x1, level)
        with (
            model.autocast(artist.device, configuration.precision),
            model.attention(configuration.model.attention),
        ):
            velocity = model.predict(artist.transformer, noisy, level, features.float(), mask)
        total += float(flow.loss(velocity, x0, x1)) * len(x0)
    return total / len(data)
