"""How a run comes by units: from producers, or from a cache of its own.

Before anything is loaded ``begin`` says what of the encoders the run needs; when all is assembled
``connect`` gives it batches out of units.
"""

import time
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from curation import storage
from curation.failures.errors import UsageError
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import Configuration
from train.data.loading import Sources
from train.distributed.world import World
from train.parts import Parts
from train.producers import agreed, fingerprints, plans, workshop
from train.producers.caching import Cache, Known
from train.producers.consuming import UnitBatches
from train.producers.counters import Counters
from train.producers.folder import UnitFolder
from train.producers.making import Maker
from train.producers.plans import Encoders, Plan
from train.producers.prefetching import Prefetched
from train.producers.stand_ins import AbsentAutoencoder, AbsentTextEncoder
from train.producers.stores import Agreement, FolderStore, SharedStore
from train.producers.supply import Supply
from train.saying import Tell
from train.text_encoders.text_encoder import TextEncoder

_NAMED = "units-of.txt"  # in the folder of a run: its name among those that read units
_POLL, _PATIENCE = 1.0, 30.0  # seconds between looks for the plan, and until that is said


@dataclass(frozen=True)
class Absent:
    """What stands for the encoders; None where the run has its own: a fitted or a learnt one."""

    autoencoder: Autoencoder | None = None
    text_encoder: TextEncoder | None = None

    @property
    def any(self) -> bool:
        """Whether one of them is elsewhere: then nothing can be generated."""
        return bool(self.autoencoder or self.text_encoder)


def begin(configuration: Configuration, tell: Tell) -> tuple[SharedStore | None, Absent]:
    """The store that a run is to read, if any, and what stands for encoders that are elsewhere.

    Waits until producers have said what they make. Raises ``UsageError``.
    """
    settings = configuration.data
    if not settings.units:
        return None, Absent()
    if settings.cache:
        raise UsageError("data.units and data.cache: expected one of them: producers, or none")
    store = _store(settings.units, tell)
    encoders = plans.of_plain(_plan_of(store, settings.units, tell)["encoders"])
    absent = _absent(configuration, encoders)
    if absent.any and configuration.evaluation.evaluators:
        raise UsageError(
            "evaluation.evaluators: a run with data.units has no encoders to generate images with;"
            " expected [], and its checkpoints judged where the encoders are"
        )
    return store, absent


def connect(
    store: SharedStore | None, parts: Parts, sources: Sources, directory: Path, tell: Tell
) -> Supply | None:
    """Units for the run of a ``directory``: of a store, or of ``data.cache``; None where it has
    neither.

    Raises ``UsageError`` where the units are of something else.
    """
    configuration = parts.configuration
    counters = Counters()
    if store is not None:
        where = configuration.data.units
        plan = _consumers_plan(store, parts, sources, where)
        units = UnitBatches(plan, store, counters, tell)
        batches = Prefetched(
            units,
            counters,
            configuration.steps,
            configuration.data.prefetch,
            pinned=torch.device(parts.device).type == "cuda",
            begun=partial(store.tell_position, _name(directory, parts.world)),
            leads=parts.world.is_first,
        )
        return Supply(plan, batches, store, counters)
    if not configuration.data.cache:
        return None
    if parts.world.size > 1:
        raise UsageError(
            f"data.cache: for one process, not {parts.world.size}: give data.units, and run"
            " producers"
        )
    return _cached(parts, sources, counters, tell)


def _cached(parts: Parts, sources: Sources, counters: Counters, tell: Tell) -> Supply:
    configuration, data = parts.configuration, parts.data
    root = Path(configuration.data.cache)
    folder = UnitFolder(root)
    encoders = workshop.encoders_of(configuration, data, parts.text_encoder)
    plan = Plan(sources, configuration, data, encoders)
    content = workshop.content(plan, configuration, data)
    agreed.agree(root, content, configuration, sources.pattern)
    known = Known(folder)
    maker = Maker(plan, parts.text_encoder, configuration.seed, known.get)
    cache = Cache(folder, maker, known, configuration.data.cache_bytes, counters)
    batches = UnitBatches(plan, cache, counters, tell)
    return Supply(plan, batches, FolderStore(root), counters)


def _consumers_plan(store: Agreement, parts: Parts, sources: Sources, where: str) -> Plan:
    """The plan by the run's own settings, which must be that of the producers."""
    configuration, data = parts.configuration, parts.data
    there = store.plan() or {}
    encoders = plans.of_plain(there["encoders"])
    own = {
        "autoencoder": fingerprints.of_autoencoder(configuration, data.autoencoder),
        "text_encoder": fingerprints.of_text_encoder(configuration, None),
    }
    for name, value in own.items():
        expected = encoders.fingerprints[name]
        if value is not None and value != expected:
            raise UsageError(
                f"{where}: {name}: its units are made with fingerprint {expected}; that of"
                f" {name}.path here is {value}: give producers and this run the same, or another"
                " folder of units"
            )
    plan = Plan(sources, configuration, data, encoders)
    agreed.differs(f"{where}/{agreed.PLAN}", there, workshop.content(plan, configuration, data))
    return plan


def _absent(configuration: Configuration, encoders: Encoders) -> Absent:
    autoencoder: Autoencoder | None = None
    text_encoder: TextEncoder | None = None
    if configuration.autoencoder.kind != "patch_pca":
        autoencoder = AbsentAutoencoder(
            encoders.channels,
            encoders.factor,
            encoders.lines["autoencoder"],
            fingerprints.autoencoder_folders(configuration),
        )
    if encoders.fingerprints["text_encoder"] != fingerprints.LEARNT:
        text_encoder = AbsentTextEncoder(
            encoders.width,
            encoders.lines["text_encoder"],
            fingerprints.text_encoder_folders(configuration),
        )
    return Absent(autoencoder, text_encoder)


def _plan_of(store: Agreement, where: str, tell: Tell) -> Any:
    started, said = time.monotonic(), _PATIENCE
    while (plan := store.plan()) is None:
        waited = time.monotonic() - started
        if waited > said:
            said *= 2
            tell(f"data.units: waiting {waited:.0f} s for {where}/{agreed.PLAN}: start a producer")
        time.sleep(_POLL)
    return plan


def _name(directory: Path, world: World) -> str:
    """What the run of a directory is called, in all its processes and whenever it is continued: so
    nobody waits for a killed one that goes on.
    """
    path = directory / _NAMED
    if world.is_first and not path.is_file():
        storage.write_bytes(str(path), f"{uuid.uuid4().hex}\n".encode())
    name, *_ = world.everyone(path.read_text("ascii").strip() if world.is_first else "")
    return str(name)


def _store(where: str, tell: Tell) -> SharedStore:
    if where.startswith(("http://", "https://")):
        from train.producers.transport import HttpStore

        return HttpStore(where, tell)
    return FolderStore(Path(where))
