"""Everything a run learns from and is judged by, from the pattern of its shards.

Shapes: N examples of a bucket, C latent channels, h w latent cells.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from curation.failures.errors import UsageError
from curation.picture.sizes import Size
from train.autoencoders import autoencoder as autoencoders
from train.autoencoders.autoencoder import Autoencoder
from train.autoencoders.patch_pca import PatchPcaAutoencoder
from train.configuration import AutoencoderConfiguration, Configuration
from train.data import latents
from train.data.examples import Example, Pixels
from train.data.index import Index, scan
from train.data.latents import Batch, Latents, Notice, Row
from train.data.plan import Plan
from train.data.skipped import Skipped, Unreadable
from train.pixels import scaled
from train.seeds import seed_for
from train.trained_on import Captions

_FIT = 1024  # training images that a patch PCA is fitted on, at most
_WATCHED = 4096  # training images shown to who watches, at most

Watcher = Callable[[Example, Pixels], bool]


@dataclass(frozen=True)
class Bucket:
    """Examples of one ``size`` (width, height) in pixels, with ``latents`` (N, C, h, w)."""

    size: Size
    examples: list[Example]
    latents: Tensor


@dataclass(frozen=True)
class Data:
    """What a run trains on and is judged by.

    ``counts`` are the training images of each size, most first; ``held_out`` are examples with
    unseen texts, ordered by size and, inside, as in the shards, all of them or as many as are
    judged; ``shown`` are those that are generated at evaluations: the held-out ones, or where there
    are none some of the training images. ``skipped`` are the rows left out, ``seen`` what the
    training captions say. ``digest`` identifies rows, split and order.
    """

    counts: dict[Size, int]
    held_out: tuple[Bucket, ...]
    shown: tuple[Bucket, ...]
    autoencoder: Autoencoder
    skipped: Skipped
    seen: Captions
    digest: str
    index: Index
    plan: Plan
    batches: Latents

    def at(self, step: int) -> Batch:
        """The batch of the 1-based ``step``: a pure function of it, the seed and the shards."""
        return self.batches.at(step)


@dataclass(frozen=True)
class Sources:
    """What ``load`` is given besides the settings.

    ``autoencoder`` is the stored one, if any; a network encodes on ``device``. ``watch`` is called
    with the first training examples and their pixels (H, W, 3) until it says that it has seen
    enough, ``notice`` with every bad image that is met, at once or while training.
    ``judged_on`` are other shards to hold images out of, and to show to ``watch``; the same texts
    are held out of both.
    """

    pattern: str
    autoencoder: Autoencoder | None = None
    device: str = "cpu"
    watch: Watcher | None = None
    notice: Notice | None = None
    judged_on: str | None = None


def load(sources: Sources, configuration: Configuration) -> Data:
    """Index every shard that matches the pattern, in order of path, and read what is judged.

    A ``patch_pca`` that is not stored is fitted on the first training images. Raises ``UsageError``
    where nothing is left to train on, ``shard.ShardError`` for a damaged shard.
    """
    ready = sources.autoencoder or autoencoders.build(configuration.autoencoder)
    network: object = ready
    if isinstance(network, nn.Module):
        network.to(sources.device)
    factor = ready.factor if ready else configuration.autoencoder.factor
    skipped = Skipped()
    notice = _noticing(skipped, sources.notice)
    unit = factor * configuration.model.patch
    rows = scan(sources.pattern, unit, configuration.data, skipped)
    training, held_out = rows.index.only(~rows.held_out), rows.index.only(rows.held_out)
    watch = sources.watch
    if sources.judged_on:
        held_out = _judged_on(sources.judged_on, unit, configuration, watch)
        watch = None
    first = _first(training, configuration, notice, _FIT if ready is None else 1, watch)
    if not first:
        reasons = "; ".join(skipped.lines(configuration.data)) or "the shards have no rows"
        if rows.held_out.any() and rows.held_out.all():
            reasons = f"data.held_out: all {len(rows.held_out)} images are held out"
        raise UsageError(f"--data {sources.pattern}: nothing to train on: {reasons}")
    autoencoder = ready or _fit(first, configuration.autoencoder)
    ahead = latents.rows_ahead(
        training, autoencoder, configuration.batch, configuration.data.memory_bytes
    )
    shares = tuple(configuration.data.splits.values())
    plan = Plan(training, configuration.batch, configuration.seed, shares, -(-ahead // 2))
    batches = Latents(training, plan, autoencoder, configuration.data, notice, ahead)
    for row in first:
        batches.keep(row)
    judged = _some(held_out, configuration.evaluation.held_out, configuration.seed)
    kept = _buckets(judged, autoencoder, configuration, notice)
    some = training.only(np.arange(min(len(training), configuration.evaluation.images)))
    return Data(
        _counts(training),
        kept,
        kept or _buckets(some, autoencoder, configuration, notice),
        autoencoder,
        skipped,
        rows.seen,
        rows.digest,
        training,
        plan,
        batches,
    )


def _noticing(skipped: Skipped, notice: Notice | None) -> Notice:
    def both(bad: Unreadable) -> None:
        skipped.image(bad)
        if notice:
            notice(bad)

    return both


def _first(
    index: Index,
    configuration: Configuration,
    notice: Notice,
    least: int,
    watch: Watcher | None,
) -> list[Row]:
    """The first rows that can be read: at least so many, more where ``watch`` wants to see them."""
    first: list[Row] = []
    everyone = range(len(index))
    for row in latents.rows_read(index, everyone, configuration.data, notice, boxes=bool(watch)):
        first.append(row)
        if watch and (len(first) >= _WATCHED or not watch(row.example, row.pixels)):
            watch = None
        if not watch and len(first) >= least:
            break
    return first


def _judged_on(
    pattern: str, unit: int, configuration: Configuration, watch: Watcher | None
) -> Index:
    """The rows of other shards that are held out; ``watch`` is shown some of the others."""
    every = {"stage": "", "where": {}, "weight": ()}
    data = configuration.data.model_copy(update=every)
    rows = scan(pattern, unit, data, Skipped())
    if watch:
        _first(rows.index.only(~rows.held_out), configuration, lambda bad: None, 1, watch)
    if not rows.held_out.any():
        raise UsageError(f"--evaluate-on {pattern}: none of its images are held out")
    return rows.index.only(rows.held_out)


def _fit(first: list[Row], autoencoder: AutoencoderConfiguration) -> PatchPcaAutoencoder:
    images = [scaled(row.pixels) for row in first[:_FIT]]
    return PatchPcaAutoencoder.fit(images, autoencoder.factor, autoencoder.channels)


def _some(index: Index, most: int, seed: int) -> Index:
    """The index, or ``most`` of its rows by chance."""
    if len(index) <= most:
        return index
    random = np.random.default_rng(seed_for(seed, "held out", "rows"))
    return index.only(np.sort(random.choice(len(index), most, replace=False)))


def _buckets(
    index: Index, autoencoder: Autoencoder, configuration: Configuration, notice: Notice
) -> tuple[Bucket, ...]:
    gathered: dict[Size, tuple[list[Example], list[Tensor]]] = {}
    every = range(len(index))
    for row in latents.rows_read(index, every, configuration.data, notice, boxes=True):
        size = index.sizes[index.size[row.number]]
        members, encoded = gathered.setdefault(size, ([], []))
        members.append(row.example)
        encoded.append(latents.encode(autoencoder, row.pixels))
    return tuple(
        Bucket(size, members, torch.stack(encoded))
        for size, (members, encoded) in sorted(gathered.items())
    )


def _counts(index: Index) -> dict[Size, int]:
    counts = np.bincount(index.size, minlength=len(index.sizes)).tolist()
    ordered = sorted(zip(index.sizes, counts, strict=True), key=lambda entry: -entry[1])
    return {size: count for size, count in ordered if count}
