"""Everything a run learns from and is judged by: the shards of all phases.

Shapes: N examples of a bucket, c latent channels, h w latent cells.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from curation.failures.errors import UsageError
from curation.picture.sizes import Size
from train import phases
from train.autoencoders import autoencoder as autoencoders
from train.autoencoders.autoencoder import Autoencoder
from train.autoencoders.patch_pca import PatchPcaAutoencoder
from train.configuration import AutoencoderConfiguration, Configuration, Task
from train.data import latents
from train.data.batches import Batches, Manner, Shown
from train.data.examples import Example
from train.data.index import Index, scan
from train.data.latents import Latents, Notice, Reading, Row
from train.data.plan import Stream, Stretch
from train.data.skipped import Skipped, Unreadable
from train.phases import Phase
from train.pixels import Pixels, scaled
from train.seeds import seed_for
from train.trained_on import Captions

_FIT = 1024  # training images that a patch PCA is fitted on, at most
_WATCHED = 4096  # training images shown to who watches, at most

Watcher = Callable[[Example, Pixels], bool]


@dataclass(frozen=True)
class Bucket:
    """Examples of one ``size`` (width, height) in pixels, with ``latents`` (N, c, h, w)."""

    size: Size
    examples: list[Example]
    latents: Tensor


@dataclass(frozen=True)
class Data:
    """What a run trains on and is judged by.

    ``counts`` are the training images of each size, those of the last phase first and of these the
    most; ``held_out`` are examples with unseen texts of the last phase, ordered by size and,
    inside, as in the shards, all of them or as many as are judged; ``shown`` are those that are
    generated at evaluations: the held-out ones, or where there are none some of the training
    images. ``skipped`` are the rows left out, ``seen`` what the training captions say. ``digest``
    identifies rows, split and order.
    """

    counts: dict[Size, int]
    held_out: tuple[Bucket, ...]
    shown: tuple[Bucket, ...]
    autoencoder: Autoencoder
    skipped: Skipped
    seen: Captions
    digest: str
    phases: tuple[Phase, ...]
    batches: Batches

    def at(self, step: int) -> list[Shown]:
        """What the 1-based ``step`` is shown: a pure function of it, the seed and the shards."""
        return self.batches.at(step)


@dataclass(frozen=True)
class Sources:
    """What ``load`` is given besides the settings.

    ``autoencoder`` is the stored one, if any; a network encodes on ``device``. ``watch`` is called
    with the first training examples and their pixels (H, W, 3) until it says that it has seen
    enough, ``notice`` with every bad image that is met, at once or while training.
    ``judged_on`` are other shards to hold images out of, and to show to ``watch``; the same texts
    are held out of both. ``looks`` says whether the text encoder sees images.
    """

    pattern: str
    autoencoder: Autoencoder | None = None
    device: str = "cpu"
    watch: Watcher | None = None
    notice: Notice | None = None
    judged_on: str | None = None
    looks: bool = False


@dataclass
class _Source:
    """Shards as one phase or several read them: all rows of theirs that can be used."""

    reading: Reading
    training: Index
    held_out: Index


@dataclass
class _Scanned:
    """The sources of all phases, each once; the number of each phase's own."""

    sources: list[_Source] = field(default_factory=list)
    numbers: list[list[int]] = field(default_factory=list)
    seen: Captions = field(default_factory=Captions)
    digest: str = ""


def load(sources: Sources, configuration: Configuration) -> Data:
    """Index every shard of every phase, and read what is judged.

    A ``patch_pca`` that is not stored is fitted on the first training images. Raises ``UsageError``
    where nothing is left to train on, ``shard.ShardError`` for a damaged shard.
    """
    ready = sources.autoencoder or autoencoders.build(configuration.autoencoder)
    network: object = ready
    if isinstance(network, nn.Module):
        network.to(sources.device)
    factor = ready.factor if ready else configuration.autoencoder.factor
    unit = configuration.model.unit(factor)
    skipped = Skipped()
    notice = _noticing(skipped, sources.notice)
    curriculum = phases.of_run(configuration, sources.pattern)
    scanned = _scan(curriculum, unit, skipped, notice)
    last = [scanned.sources[number] for number in scanned.numbers[-1]]
    judged, watch = last, sources.watch
    if sources.judged_on:
        judged = [_judged_on(sources.judged_on, Reading(last[0].reading.data, unit, notice), watch)]
        watch = None
    least = _FIT if ready is None else 1
    first = [_first(each, -(-least // len(scanned.sources)), watch) for each in scanned.sources]
    _refuse_nothing(first, scanned, configuration, sources.pattern, skipped)
    every = [row for rows in first for row in rows]
    autoencoder = ready or _fit(every, configuration.autoencoder)
    batches = _batches(scanned, curriculum, autoencoder, configuration, sources.looks)
    for number, rows in enumerate(first):
        for row in rows:
            batches.latents[number].keep(row)
    seed = configuration.seed
    held = [_some(each.held_out, configuration.evaluation.held_out, seed) for each in judged]
    kept = _buckets(held, judged, autoencoder, configuration.evaluation.held_out)
    most = configuration.evaluation.images
    some = [each.training.only(np.arange(min(len(each.training), most))) for each in last]
    return Data(
        _counts(scanned),
        kept,
        kept or _buckets(some, last, autoencoder, most),
        autoencoder,
        skipped,
        scanned.seen,
        scanned.digest,
        curriculum,
        batches,
    )


def digest(pattern: str, unit: int, configuration: Configuration) -> str:
    """What identifies the rows that a run trains on, ``Data.digest``."""
    curriculum = phases.of_run(configuration, pattern)
    return _scan(curriculum, unit, Skipped(), lambda bad: None).digest


def _scan(curriculum: Sequence[Phase], unit: int, skipped: Skipped, notice: Notice) -> _Scanned:
    scanned, known, digests = _Scanned(), dict[tuple[str, str], int](), []
    for phase in curriculum:
        own: list[int] = []
        for source in phase.sources:
            rows_by = source.data.model_copy(update=_NO_MATTER)
            key = (source.pattern, rows_by.model_dump_json())
            if key not in known:
                known[key] = len(scanned.sources)
                rows = scan(source.pattern, unit, source.data, skipped, scanned.seen)
                reading = Reading(source.data, unit, notice)
                training, held = rows.index.only(~rows.held_out), rows.index.only(rows.held_out)
                scanned.sources.append(_Source(reading, training, held))
                digests.append(rows.digest)
            own.append(known[key])
        scanned.numbers.append(own)
    of_all = hashlib.blake2b("".join(digests).encode(), digest_size=16).hexdigest()
    scanned.digest = digests[0] if len(digests) == 1 else of_all
    return scanned


_NO_MATTER = {"caption_dropout": 0.0, "tasks": {"t2i": 1.0}, "references": "both"}  # to the index


def _batches(
    scanned: _Scanned,
    curriculum: Sequence[Phase],
    autoencoder: Autoencoder,
    configuration: Configuration,
    looks: bool,
) -> Batches:
    memory = configuration.data.memory_bytes // max(map(len, map(set, scanned.numbers)))
    kept = {
        number: Latents(each.training, autoencoder, each.reading, memory, looks)
        for number, each in enumerate(scanned.sources)
    }
    largest = max(phase.batch for phase in curriculum)
    ahead = {
        number: latents.rows_ahead(each.training, autoencoder, largest, memory)
        for number, each in enumerate(scanned.sources)
        if len(each.training)
    }
    stretches, manners = [], []
    for place, phase in enumerate(curriculum):
        streams, shares = _streams(scanned, place, phase, configuration.seed, ahead)
        stretches.append(Stretch(phase.first, phase.last, phase.batch, streams, shares))
        data = phase.data
        manners.append(
            Manner(
                data.caption_dropout,
                data.references in ("both", "latents"),
                looks and data.references in ("both", "text"),
            )
        )
    return Batches(stretches, manners, kept, ahead)


def _streams(
    scanned: _Scanned, place: int, phase: Phase, seed: int, ahead: dict[int, int]
) -> tuple[list[Stream], list[float]]:
    """The streams of a phase, of every source for every task; a task's share is divided among the
    sources that have rows for it.
    """
    streams: list[Stream] = []
    shares: list[float] = []
    for task, of_task in phase.data.tasks.items():
        able = []
        for source, number in zip(phase.sources, scanned.numbers[place], strict=True):
            rows = np.flatnonzero(_is_for(scanned.sources[number].training, task))
            if len(rows):
                able.append((source, number, rows))
        if not able:
            raise UsageError(
                f"{phase.label}: tasks asks for {task}, and no source of it has {_NEEDED[task]}"
            )
        total = sum(source.share for source, *_ in able)
        for source, number, rows in able:
            index = scanned.sources[number].training
            splits = (*source.data.splits.values(), 1.0)
            stream = Stream(
                index,
                rows,
                number,
                task,
                seed,
                f"{place}:{number}:{task}",
                splits,
                -(-ahead[number] // 2),
                source.data.languages,
            )
            streams.append(stream)
            shares.append(of_task * source.share / total)
    return streams, shares


_NEEDED: dict[Task, str] = {
    "t2i": "images with captions",
    "ti2i": "edit pairs with instructions",
    "i2i": "images",
}


def _is_for(index: Index, task: Task) -> NDArray[np.bool_]:
    """(N,) which rows a task can be made of."""
    return index.pair if task == "ti2i" else ~index.pair


def _refuse_nothing(
    first: Sequence[Sequence[Row]],
    scanned: _Scanned,
    configuration: Configuration,
    pattern: str,
    skipped: Skipped,
) -> None:
    """Raise ``UsageError`` for a source of which no row is left, with the reasons."""
    for rows, source in zip(first, scanned.sources, strict=True):
        if rows:
            continue
        reasons = "; ".join(skipped.lines(source.reading.data)) or "the shards have no rows"
        if len(source.held_out) and not len(source.training):
            reasons = f"data.held_out: all {len(source.held_out)} images are held out"
        raise UsageError(f"--data {pattern}: nothing to train on: {reasons}")


def _noticing(skipped: Skipped, notice: Notice | None) -> Notice:
    def both(bad: Unreadable) -> None:
        skipped.image(bad)
        if notice:
            notice(bad)

    return both


def _first(source: _Source, least: int, watch: Watcher | None) -> list[Row]:
    """The first rows that can be read: at least so many, more where ``watch`` wants to see them."""
    first: list[Row] = []
    everyone = range(len(source.training))
    for row in latents.rows_read(source.training, everyone, source.reading, boxes=bool(watch)):
        first.append(row)
        if watch and (len(first) >= _WATCHED or not watch(row.example, row.pixels)):
            watch = None
        if not watch and len(first) >= least:
            break
    return first


def _judged_on(pattern: str, reading: Reading, watch: Watcher | None) -> _Source:
    """The rows of other shards that are held out; ``watch`` is shown some of the others."""
    data = reading.data.model_copy(update={"stage": "", "where": {}, "weight": ()})
    reading = Reading(data, reading.unit, lambda bad: None)
    rows = scan(pattern, reading.unit, data, Skipped())
    source = _Source(reading, rows.index.only(~rows.held_out), rows.index.only(rows.held_out))
    if watch:
        _first(source, 1, watch)
    if not rows.held_out.any():
        raise UsageError(f"--evaluate-on {pattern}: none of its images are held out")
    return source


def _fit(first: Sequence[Row], autoencoder: AutoencoderConfiguration) -> PatchPcaAutoencoder:
    images = [scaled(row.pixels) for row in first[:_FIT]]
    return PatchPcaAutoencoder.fit(images, autoencoder.factor, autoencoder.channels)


def _some(index: Index, most: int, seed: int) -> Index:
    """The index, or ``most`` of its rows by chance."""
    if len(index) <= most:
        return index
    random = np.random.default_rng(seed_for(seed, "held out", "rows"))
    return index.only(np.sort(random.choice(len(index), most, replace=False)))


def _buckets(
    indexes: Sequence[Index], sources: Sequence[_Source], autoencoder: Autoencoder, most: int
) -> tuple[Bucket, ...]:
    """At most so many rows of all, with their latents."""
    gathered: dict[Size, tuple[list[Example], list[Tensor]]] = {}
    left = most
    for index, source in zip(indexes, sources, strict=True):
        rows = range(min(left, len(index)))
        left -= len(rows)
        for row in latents.rows_read(index, rows, source.reading, boxes=True):
            size = index.sizes[index.size[row.number]]
            members, encoded = gathered.setdefault(size, ([], []))
            members.append(row.example)
            encoded.append(latents.encode(autoencoder, row.pixels))
    return tuple(
        Bucket(size, members, torch.stack(encoded))
        for size, (members, encoded) in sorted(gathered.items())
    )


def _counts(scanned: _Scanned) -> dict[Size, int]:
    last = set(scanned.numbers[-1])
    counted: list[tuple[bool, int, Size]] = []
    for own in (True, False):
        total: Counter[Size] = Counter()
        for number, source in enumerate(scanned.sources):
            if (number in last) == own:
                index = source.training
                counts = np.bincount(index.size, minlength=len(index.sizes)).tolist()
                total.update(dict(zip(index.sizes, counts, strict=True)))
        counted += [(not own, -count, size) for size, count in total.items() if count]
    merged: dict[Size, int] = {}
    for _, count, size in sorted(counted, key=lambda entry: entry[:2]):
        merged[size] = merged.get(size, 0) - count
    return merged
