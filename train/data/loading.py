"""Everything a run learns from and is judged by: the shards of all phases.

Shapes: N examples of a bucket, c latent channels, h w latent cells.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from curation.failures.errors import UsageError
from curation.picture.sizes import Size
from train import phases, saying
from train.autoencoders import autoencoder as autoencoders
from train.autoencoders.autoencoder import Autoencoder
from train.autoencoders.patch_pca import PatchPcaAutoencoder
from train.configuration import AutoencoderConfiguration, Configuration
from train.data import chosen, indexed, judging, latents, shard_files, streams
from train.data.batches import Batches, Manner, Shown, Steps
from train.data.examples import Example
from train.data.index import Scan, scan
from train.data.indexed import Indexed
from train.data.judging import Bucket
from train.data.latents import Latents, Notice, Reading, Row
from train.data.plan import Stretch
from train.data.skipped import Skipped, Unreadable
from train.phases import Phase
from train.pixels import Pixels, scaled
from train.saying import Tell
from train.trained_on import Captions

_FIT, _FIT_PIXELS = 1024, 2**26  # training images of a patch PCA, and their pixels, at most
_WATCHED = 4096  # training images shown to who watches, at most

Watcher = Callable[[Example, Pixels], bool]


@dataclass(frozen=True)
class Data:
    """What a run trains on and is judged by.

    ``counts`` are the training images of each size, those of the last phase first and of these the
    most; ``held_out`` are examples with unseen texts of the last phase, ordered by size and,
    inside, as in the shards, all of them or as many as are judged; ``shown`` are those that are
    generated at evaluations: the held-out ones, or where there are none some of the training
    images. ``skipped`` are the rows left out, ``said`` what is to be told of each source, ``seen``
    what the training captions say. ``digest`` identifies rows, split and order.
    """

    counts: dict[Size, int]
    held_out: tuple[Bucket, ...]
    shown: tuple[Bucket, ...]
    autoencoder: Autoencoder
    skipped: Skipped
    said: tuple[str, ...]
    seen: Captions
    digest: str
    phases: tuple[Phase, ...]
    batches: Steps

    def at(self, step: int) -> list[Shown]:
        """What the 1-based ``step`` is shown: a pure function of it, the seed and the shards."""
        return [shown for _, shown in self.batches.at(step)]


@dataclass(frozen=True)
class Sources:
    """What ``load`` is given besides the settings.

    ``autoencoder`` is the stored one, if any; a network encodes on ``device``. ``watch`` is called
    with the first training examples and their pixels (H, W, 3) until it says that it has seen
    enough, ``notice`` with every bad image that is met, at once or while training.
    ``judged_on`` are other shards to hold images out of, and to show to ``watch``; the same texts
    are held out of both. ``looks`` says whether the text encoder sees images, ``judged`` whether
    held-out images are read at all. ``tell`` is told of what takes long, and its progress is shown.
    """

    pattern: str
    autoencoder: Autoencoder | None = None
    device: str = "cpu"
    watch: Watcher | None = None
    notice: Notice | None = None
    judged_on: str | None = None
    looks: bool = False
    judged: bool = True
    tell: Tell | None = None


@dataclass
class _Scanned:
    """The sources of all phases, each once; the number of each phase's own."""

    sources: list[Indexed] = field(default_factory=list)
    numbers: list[list[int]] = field(default_factory=list)
    seen: Captions = field(default_factory=Captions)
    digest: str = ""


def load(sources: Sources, configuration: Configuration) -> Data:
    """Index every shard of every phase, and read what is judged.

    A ``patch_pca`` that is not stored is fitted on the first training images. Raises ``UsageError``
    where nothing is left to train on, ``shard.ShardError`` for a damaged shard.
    """
    curriculum = phases.of_run(configuration, sources.pattern)
    check_there(curriculum, sources.judged_on)
    ready = sources.autoencoder or autoencoders.build(configuration.autoencoder)
    network: object = ready
    if isinstance(network, nn.Module):
        network.to(sources.device)
    factor = ready.factor if ready else configuration.autoencoder.factor
    unit = configuration.unit(factor)
    skipped = Skipped()
    notice = _noticing(skipped, sources.notice)
    scanned = _scan(curriculum, unit, skipped, notice, sources.tell)
    last = [scanned.sources[number] for number in scanned.numbers[-1]]
    judged, watch = last, sources.watch
    if sources.judged_on:
        judged = [_judged_on(sources.judged_on, last[0].reading, watch)]
        watch = None
    fitted = 1 if ready else _fitted(scanned)
    least = -(-fitted // len(scanned.sources))
    if not ready and sources.tell:
        images = min(fitted, sum(len(each.training) for each in scanned.sources))
        sources.tell(f"fitting the autoencoder on {images:,} images")
    first = [_first(each, least, watch) for each in scanned.sources]
    indexed.refuse_nothing(scanned.sources, map(len, first))
    every = [row for rows in first for row in rows[:least]]  # the same whoever watches
    autoencoder = ready or _fit(every, configuration.autoencoder)
    batches = _batches(scanned, curriculum, autoencoder, configuration, sources.looks)
    manner = _manner(curriculum[-1], sources.looks)
    kept, shown = tuple[Bucket, ...](), tuple[Bucket, ...]()
    if sources.judged:
        with saying.shown(sources.tell, "images encoded", sum(map(len, first))) as done:
            for number, rows in enumerate(first):
                for row in rows:
                    batches.latents[number].keep(row)
                    done(1)
                _refuse_not_finite(scanned.sources[number], batches.latents[number], rows)
        pairs = [(each.held_out, each.reading) for each in judged]
        others = [(each.training, each.reading) for each in last]
        kept, shown = judging.read(pairs, others, autoencoder, configuration, manner)
    counts = indexed.counts(scanned.sources, set(scanned.numbers[-1]))
    scanned.seen.images = sum(counts.values())
    return Data(
        counts,
        kept,
        shown,
        autoencoder,
        skipped,
        (*indexed.lines(scanned.sources), *_idle(scanned, curriculum)),
        scanned.seen,
        scanned.digest,
        curriculum,
        batches,
    )


def replanned(
    sources: Sources,
    configuration: Configuration,
    curriculum: Sequence[Phase],
    autoencoder: Autoencoder,
    seed: int,
) -> tuple[Batches, str]:
    """The batches of another curriculum, shuffled by another ``seed``, and what identifies its
    rows. Raises as ``load``.
    """
    unit = configuration.unit(autoencoder.factor)
    skipped = Skipped()
    notice = _noticing(skipped, sources.notice)
    scanned = _scan(curriculum, unit, skipped, notice, sources.tell)
    first = [_first(each, 1, None) for each in scanned.sources]
    indexed.refuse_nothing(scanned.sources, map(len, first))
    reseeded = configuration.model_copy(update={"seed": seed})
    batches = _batches(scanned, curriculum, autoencoder, reseeded, sources.looks)
    return batches, scanned.digest


def digest(pattern: str, unit: int, configuration: Configuration, tell: Tell) -> str:
    """What identifies the rows that a run trains on, ``Data.digest``."""
    curriculum = phases.of_run(configuration, pattern)
    return _scan(curriculum, unit, Skipped(), lambda bad: None, tell).digest


def check_there(curriculum: Sequence[Phase], judged_on: str | None) -> None:
    """Raise ``UsageError`` for shards that are not there, of any phase, before the first are read:
    that may take hours.
    """
    named = {source.pattern: source.named for phase in curriculum for source in phase.sources}
    if judged_on:
        named.setdefault(judged_on, f"--evaluate-on {judged_on}")
    for pattern, name in named.items():
        shard_files.entries(pattern, name, or_images=name.startswith("--"))  # as options may say
    for phase in curriculum:
        for source in phase.sources:
            chosen.liked(source.data)


def _scan(
    curriculum: Sequence[Phase], unit: int, skipped: Skipped, notice: Notice, tell: Tell | None
) -> _Scanned:
    scanned, known, digests = _Scanned(), dict[tuple[str, str], int](), []
    for phase in curriculum:
        own: list[int] = []
        for source in phase.sources:
            rows_by = source.data.model_copy(update=_NO_MATTER)
            key = (source.pattern, rows_by.model_dump_json())
            if key not in known:
                known[key] = len(scanned.sources)
                own_skipped = Skipped()
                rows = scan(source.pattern, unit, source.data, own_skipped, scanned.seen, tell)
                skipped.add(own_skipped)
                reading = Reading(source.data, unit, _noticing(own_skipped, notice), tell)
                place = (source.pattern, source.named)
                scanned.sources.append(_source(*place, reading, rows, own_skipped))
                digests.append(rows.digest)
            own.append(known[key])
        scanned.numbers.append(own)
    of_all = hashlib.blake2b("".join(digests).encode(), digest_size=16).hexdigest()
    scanned.digest = digests[0] if len(digests) == 1 else of_all
    return scanned


def _source(pattern: str, named: str, reading: Reading, rows: Scan, skipped: Skipped) -> Indexed:
    training, held = rows.index.only(~rows.held_out), rows.index.only(rows.held_out)
    return Indexed(pattern, named, reading, training, held, skipped)


# of the rows judged
_ANY: dict[str, Any] = {"stage": "", "where": {}, "weight": (), "picks": "", "best": None}
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
        number: latents.rows_ahead(each.training, autoencoder, largest, memory, looks)
        for number, each in enumerate(scanned.sources)
        if len(each.training)
    }
    stretches, manners = [], []
    for place, phase in enumerate(curriculum):
        own = [(number, scanned.sources[number].training) for number in scanned.numbers[place]]
        of_phase, shares = streams.of_phase(phase, place, own, configuration.seed, ahead)
        stretches.append(Stretch(phase.first, phase.last, phase.batch, of_phase, shares))
        manners.append(_manner(phase, looks))
    return Batches(stretches, manners, kept, ahead)


def _idle(scanned: _Scanned, curriculum: Sequence[Phase]) -> Iterator[str]:
    for number, source in enumerate(scanned.sources):
        asked = {
            task
            for phase, own in zip(curriculum, scanned.numbers, strict=True)
            for task in phase.data.tasks
            if number in own
        }
        yield from streams.idle(source.named, source.training, asked)


def _manner(phase: Phase, looks: bool) -> Manner:
    """How a phase shows samples. Raises ``UsageError`` where a task needs a text encoder that
    ``looks``, and this one does not.
    """
    data = phase.data
    blind = "i2i" in data.tasks or ("ti2i" in data.tasks and data.references == "text")
    if blind and not looks:
        raise UsageError(
            f"{phase.named}: tasks i2i, and ti2i with references: text, need a text encoder that"
            " sees images: text_encoder.view of kind byte, or the folder of an edit pipeline, with"
            " its processor/"
        )
    return Manner(
        data.caption_dropout,
        data.references in ("both", "latents", "condition"),
        looks and data.references in ("both", "text"),
    )


def _refuse_not_finite(source: Indexed, kept: Latents, rows: Sequence[Row]) -> None:
    """Raise ``UsageError`` where the latents of not one of the first ``rows`` are finite."""
    if all(kept.is_bad(row.number) for row in rows):
        raise UsageError(
            f"{source.named}: the autoencoder gives of none of the first {len(rows)} images latents"
            " that are finite numbers: check the weights in autoencoder.path"
        )


def _noticing(skipped: Skipped, notice: Notice | None) -> Notice:
    def both(bad: Unreadable) -> None:
        skipped.image(bad)
        if notice:
            notice(bad)

    return both


def _first(source: Indexed, least: int, watch: Watcher | None) -> list[Row]:
    """The first rows that can be read: at least so many, more where ``watch`` wants to see them."""
    first: list[Row] = []
    everyone = range(len(source.training))
    total = 0 if watch else min(least, len(everyone))  # who watches says when it is enough
    with saying.shown(source.reading.tell, "images read", total) as done:
        for row in latents.rows_read(source.training, everyone, source.reading, boxes=bool(watch)):
            first.append(row)
            done(1)
            if watch and (len(first) >= _WATCHED or not watch(row.example, row.pixels)):
                watch = None
            if not watch and len(first) >= least:
                break
    return first


def _judged_on(pattern: str, reading: Reading, watch: Watcher | None) -> Indexed:
    """The rows of other shards that are held out; ``watch`` is shown some of the others."""
    data = reading.data.model_copy(update=_ANY)
    reading = replace(reading, data=data, notice=lambda bad: None)
    rows = scan(pattern, reading.unit, data, Skipped(), tell=reading.tell)
    source = _source(pattern, f"--evaluate-on {pattern}", reading, rows, Skipped())
    if watch:
        _first(source, 1, watch)
    if not rows.held_out.any():
        raise UsageError(
            f"{source.named}: none of its images are held out: raise data.held_out, the share of"
            " texts that are, or name more images"
        )
    return source


def _fitted(scanned: _Scanned) -> int:
    """How many images a patch PCA is fitted on: fewer of large ones."""
    sizes = [size for each in scanned.sources for size in each.training.sizes]
    largest = max((width * height for width, height in sizes), default=1)
    return max(1, min(_FIT, _FIT_PIXELS // largest))


def _fit(first: Sequence[Row], settings: AutoencoderConfiguration) -> PatchPcaAutoencoder:
    images = [scaled(row.pixels) for row in first[:_FIT]]
    return PatchPcaAutoencoder.fit(images, settings.factor, settings.channels, settings.whitening)
