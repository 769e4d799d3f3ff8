"""Captions that were held out: the tasks they make, images generated of them, and their loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import mse_loss

from curation.picture import contact_sheet
from train import flow
from train.data.examples import Example
from train.data.judging import Bucket
from train.data.loading import Data
from train.generating import Generator, Inputs
from train.packing import patches
from train.packing.packed import Item, pack
from train.pixels import as_image
from train.precision import autocast
from train.seeds import seed_for
from train.string_reader import Accuracy, Reader, judge

_LOSS_IMAGES = 256  # of the first held-out bucket
_TILE = 192  # pixels: the longer side of an image in the grid, at most


@dataclass(frozen=True)
class Task:
    """A caption to generate an image of, of so many latent cells (h, w), with its noise seed; an
    instruction with what is seen of its inputs.
    """

    example: Example
    cells: tuple[int, int]
    seed: int
    inputs: Inputs


@dataclass(frozen=True)
class Outcome:
    """``accuracy`` is None where the images cannot be judged, ``loss`` where none is held out."""

    accuracy: Accuracy | None
    loss: float | None
    grid: Image.Image | None


def tasks(data: Data, seed: int) -> list[Task]:
    """Every distinct held-out caption once, in an order by ``seed``.

    Without held-out images the training captions, then unjudged: a grid is worth looking at.
    """
    tasks_by_caption: dict[str, Task] = {}
    for bucket in data.shown:
        height, width = bucket.latents.shape[2:]
        seen = zip(bucket.examples, bucket.references, bucket.images, strict=True)
        for example, references, images in seen:
            caption = example.captions[0]
            own = seed_for(seed, "held out", caption)
            inputs = Inputs(references, images)
            tasks_by_caption.setdefault(caption, Task(example, (height, width), own, inputs))
    order = np.random.default_rng(seed_for(seed, "held out")).permutation(len(tasks_by_caption))
    listed = list(tasks_by_caption.values())
    return [listed[place] for place in order]


def captions(data: Data, seed: int) -> list[str]:
    """The captions that are generated at evaluations, in their order."""
    return [task.example.captions[0] for task in tasks(data, seed)]


def evaluate(
    generator: Generator, data: Data, chosen: Sequence[Task], reader: Reader | None
) -> Outcome:
    """Generate the chosen captions, judge them where they can be, and lay out a grid."""
    settings = generator.configuration.evaluation
    images = generated(generator, chosen)
    right = _judged(images, chosen, reader) if data.held_out else None
    grid = None
    if images:
        shown = slice(0, settings.grid)
        verdicts = [None if right is None else all(row) for row in right or [[]] * len(images)]
        texts = [task.example.captions[0] for task in chosen]
        wrong = [place for place, verdict in enumerate(verdicts[shown]) if verdict is False]
        tiles = [as_image(image) for image in images[shown]]
        sheet = contact_sheet.compose(tiles, texts[shown], side=_TILE, framed=wrong)
        grid = sheet.image
    return Outcome(
        accuracy=None if right is None else judge(right),
        loss=_loss(generator, data.held_out[0]) if data.held_out else None,
        grid=grid,
    )


def generated(generator: Generator, chosen: Sequence[Task]) -> list[Tensor]:
    """Images (3, H, W) in [-1, 1] of the chosen captions."""
    batch = generator.configuration.evaluation.batch
    images: list[Tensor] = [torch.empty(0)] * len(chosen)
    by_cells: dict[tuple[int, int], list[int]] = {}
    for place, task in enumerate(chosen):
        by_cells.setdefault(task.cells, []).append(place)
    for cells, places in by_cells.items():
        for start in range(0, len(places), batch):
            part = places[start : start + batch]
            texts = [chosen[place].example.captions[0] for place in part]
            seeds = [chosen[place].seed for place in part]
            inputs = [chosen[place].inputs for place in part]
            made = generator.generate(texts, cells, seeds, inputs)
            for place, image in zip(part, made, strict=True):
                images[place] = image
    return images


def _judged(
    images: Sequence[Tensor], chosen: Sequence[Task], reader: Reader | None
) -> list[list[bool]] | None:
    """Right or wrong per image and cell; None without templates."""
    if reader is None:
        return None
    return [
        reader.right(image[None], [task.example])[0]
        for image, task in zip(images, chosen, strict=True)
    ]


@torch.no_grad()
def _loss(generator: Generator, bucket: Bucket) -> float:
    """The flow loss of the first held-out images, at the same noise every time."""
    configuration, family = generator.configuration, generator.configuration.model
    schedule = flow.build(configuration.flow)
    examples = bucket.examples[:_LOSS_IMAGES]
    captions = [example.captions[0] for example in examples]
    texts = generator.text_encoder.encode(captions, bucket.images[:_LOSS_IMAGES])
    device = generator.device
    random = torch.Generator().manual_seed(seed_for(configuration.seed, "held out"))
    total = 0.0
    for start in range(0, len(examples), configuration.evaluation.batch):
        rows = range(start, min(start + configuration.evaluation.batch, len(examples)))
        latents = [bucket.latents[row].to(device) for row in rows]
        references = [tuple(each.to(device) for each in bucket.references[row]) for row in rows]
        zipped = zip(rows, latents, references, strict=True)
        items = [
            Item(tuple(text.to(device) for text in texts[row]), own, seen)
            for row, own, seen in zipped
        ]
        tokens = latents[0][0].numel() // family.patch**2
        levels = [schedule.level(tokens, random) for _ in rows]
        sigma = torch.tensor(levels, device=device)
        packed = pack(items, [family.order(item) for item in items], sigma, family.patch)
        data = torch.cat([patches.pack(own, family.patch) for own in latents])
        noise = torch.randn(data.shape, generator=random).to(device)
        level = sigma.repeat_interleave(tokens)
        noisy = packed.with_targets(flow.path(data, noise, level), sigma)
        with autocast(device, configuration.precision):
            velocity = generator.transformer(noisy)
        wanted = flow.target(data, noise)
        total += float(mse_loss(velocity.float(), wanted)) * len(rows)
    return total / len(examples)
