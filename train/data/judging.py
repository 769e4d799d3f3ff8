"""What a run is judged by: held-out images in memory, with their latents.

Shapes: N examples of a bucket, c latent channels, h w latent cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from curation.picture.sizes import Size
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import Configuration
from train.data import latents
from train.data.batches import Manner
from train.data.examples import Example
from train.data.index import Index
from train.data.latents import Reading
from train.pixels import Pixels
from train.saying import shown
from train.seeds import seed_for

Rows = Sequence[tuple[Index, Reading]]


@dataclass(frozen=True)
class Bucket:
    """Examples of one ``size`` (width, height) in pixels, with ``latents`` (N, c, h, w); of edits
    also what the network sees of the inputs, as ``Shown`` has it.
    """

    size: Size
    examples: list[Example]
    latents: Tensor
    references: list[tuple[Tensor, ...]]
    images: list[tuple[Pixels, ...]]


def read(
    held_out: Rows,
    training: Rows,
    autoencoder: Autoencoder,
    configuration: Configuration,
    manner: Manner,
) -> tuple[tuple[Bucket, ...], tuple[Bucket, ...]]:
    """What is held out, as many as are judged, and what is shown at evaluations: the same, or some
    of what is trained on where nothing is held out; edits as ``manner`` shows them.
    """
    settings = configuration.evaluation
    held = [
        (_some(index, settings.held_out, configuration.seed), reading)
        for index, reading in held_out
    ]
    manner = replace(manner, sees_result=configuration.reconstructs)
    kept = _buckets(held, autoencoder, settings.held_out, manner)
    most = settings.images
    some = [(index.only(np.arange(min(len(index), most))), reading) for index, reading in training]
    return kept, kept or _buckets(some, autoencoder, most, manner)


def _some(index: Index, most: int, seed: int) -> Index:
    """The index, or ``most`` of its rows by chance."""
    if len(index) <= most:
        return index
    random = np.random.default_rng(seed_for(seed, "held out", "rows"))
    return index.only(np.sort(random.choice(len(index), most, replace=False)))


def _buckets(
    rows_of: Rows, autoencoder: Autoencoder, most: int, manner: Manner
) -> tuple[Bucket, ...]:
    """At most so many rows of all, with their latents, those of edits as ``manner`` shows them."""
    gathered: dict[Size, list[tuple[Example, Tensor, tuple[Tensor, ...], tuple[Pixels, ...]]]] = {}
    left = total = min(most, sum(len(index) for index, _ in rows_of))
    tell = rows_of[0][1].tell if total else None
    sentence = f"reading and encoding {total:,} images for evaluations"
    with shown(tell, "images encoded", total, sentence) as done:
        for index, reading in rows_of:
            rows = range(min(left, len(index)))
            left -= len(rows)
            for row in latents.rows_read(index, rows, reading, boxes=True):
                size = index.sizes[index.size[row.number]]
                references: tuple[Tensor, ...] = ()
                if manner.sees_latents:
                    references = latents.inputs_encoded(autoencoder, row, reading)
                images = row.inputs if manner.sees_images else ()
                if manner.sees_result:
                    images = (row.pixels,)
                own = latents.encode(autoencoder, row.pixels)
                gathered.setdefault(size, []).append((row.example, own, references, images))
                done(1)
    buckets = []
    for size, members in sorted(gathered.items()):
        examples, encoded, references_of, images_of = zip(*members, strict=True)
        own = torch.stack(encoded)
        buckets.append(Bucket(size, list(examples), own, list(references_of), list(images_of)))
    return tuple(buckets)
