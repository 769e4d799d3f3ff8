"""A training job from its arguments to its result: start, resume, or find it finished."""

import json
from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from curation import storage
from curation.failures.errors import UsageError
from curation.storage import ownership
from train import (
    checkpoint,
    checkpoint_folder,
    checkpoint_state,
    checkpoint_writing,
    extension,
    held_out,
    loop,
    model_card,
    parts,
    phases,
    quieten,
    records,
    settling,
    starting,
)
from train.adapters import adapted, base, controlled
from train.autoencoders.autoencoder import Autoencoder, load_autoencoder
from train.checkpoint import Progress
from train.configuration import Configuration
from train.data import loading, skipped
from train.data.loading import Data, Sources
from train.distributed.world import World, check, local_device, started
from train.fake import FAKE
from train.folders import packing
from train.folders.packing import is_folder
from train.judges import Judges
from train.producers import connecting
from train.reconstruction import assembled
from train.reconstruction import settled as reconstruction
from train.stopping import stopping
from train.text_encoders import text_encoder
from train.text_encoders.text_encoder import TextEncoder

KIND = "training"
RESULT = "result.json"
HELD_OUT_CAPTIONS = "held_out_captions.txt"
UNREADABLE = "unreadable.jsonl"
_PACKED = {"data": "data", "judged_on": "data-judged-on"}  # below the output
_OPTIONS = {"data": "--data ", "judged_on": "--evaluate-on "}


@dataclass(frozen=True)
class Request:
    """What to train on (a folder or glob of shards, or a folder of images with captions), into
    which folder, and what to be judged on: shards to hold images out of, in place of those trained
    on.
    """

    data: str
    directory: Path
    judged_on: str | None = None


def run(
    configuration: Configuration, request: Request, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Train as asked; returns the result.

    A directory that holds a checkpoint of the same run is continued, bit for bit on a CPU with the
    same number of threads. Raises ``UsageError``, ``OwnershipError``, ``CheckpointError``,
    ``OSError``, ``shard.ShardError`` and, after saving, ``Interruption``.
    """
    if configuration.reconstructs:
        configuration = reconstruction.settled(configuration)
    elif configuration.beside:
        units = bool(configuration.data.units)
        configuration = base.settled(configuration, units=units)
    device = local_device(settling.usable_device(configuration.device))
    folders = [name for name in (request.data, request.judged_on) if name and is_folder(name)]
    for name in folders:
        packing.refuse_inside(name, request.directory)
    if not configuration.data.units and not folders:
        loading.check_there(phases.of_run(configuration, request.data), request.judged_on)
    with started(configuration.distributed, device) as world:
        with ExitStack() as first:
            if world.is_first:
                first.enter_context(ownership.held(str(request.directory), KIND))
            say = tell if world.is_first else _nothing
            settling.settled(configuration, checkpoint_folder.newest(request.directory))
            request = _packed(request, say, world) if folders else request
            result = _run(configuration, request, say, device, world)
            world.wait()
        return result


def _packed(request: Request, tell: Callable[[str], None], world: World) -> Request:
    """The same with folders of images in shards, which the first process makes."""
    places = {"data": request.data, "judged_on": request.judged_on}
    changes = dict[str, Any]()
    for name, place in places.items():
        if place and is_folder(place):
            directory = request.directory / _PACKED[name]
            if world.is_first:
                packing.packed(place, _OPTIONS[name] + place, directory, tell)
            changes[name] = str(directory / packing.PARTS)
    world.wait()
    return replace(request, **changes)


def _nothing(message: str) -> None:
    """The first process says it."""


def _run(
    configuration: Configuration,
    request: Request,
    tell: Callable[[str], None],
    device: str,
    world: World,
) -> dict[str, Any]:
    directory = request.directory
    quieten.libraries()
    settling.check_parts(configuration)
    world.wait()
    latest = checkpoint_folder.newest(directory)
    configuration = settling.settled(configuration, latest)
    if latest and (done := _finished(directory, configuration)):
        if not configuration.data.units:  # else the encoder that sizes depend on is elsewhere
            _check_data(latest, _digest(latest, request.data, configuration, tell))
        rest = _nothing_to_do(configuration)
        tell(f"{directory} is finished at step {configuration.steps}: {rest}")
        return done
    start = extension.start(latest, configuration) if latest else None
    judges = Judges(configuration)
    store, absent = connecting.begin(configuration, tell)
    home = _home(configuration, start.folder if start else None)
    stored = absent.autoencoder or _stored(configuration, home)
    _remove_leavings(directory, world)
    unreadable = UNREADABLE if world.is_first else f"unreadable-{world.rank}.jsonl"
    bad = skipped.Log(directory / unreadable, tell, resume=start is not None)
    encoder = absent.text_encoder
    looks = _looks(configuration, encoder)
    sources = Sources(request.data, stored, device, judges.watch, bad.add, request.judged_on, looks)
    sources = replace(sources, judged=not absent.any, tell=tell if world.is_first else None)
    loaded = loading.load(sources, configuration)
    _tell_data(loaded, configuration, tell)
    check(world, (phase.batch for phase in loaded.phases), configuration.optimiser.states)
    run = _assembly(configuration)(
        configuration, loaded, device, absent.text_encoder, world, fresh=start is None
    )
    parts.check_frozen(run.trained, loaded.phases)
    progress = Progress(0, loaded.digest, tuple(loaded.counts), 0.0, 0.0)
    if start:
        progress = _resume(start, run, progress, tell)
    units = connecting.connect(store, run, sources, directory, tell)
    if units:
        units.replay(progress.plan)
        run = units.connected(run)
    tell(_weights(run))
    ahead = judges.prepare(loaded, tell)
    with stopping() as stopped, closing(units) if units else nullcontext():
        trained = loop.Loop(run, progress, directory, judges.evaluations, tell, units)
        if loaded.held_out and world.is_first and not configuration.reconstructs:
            _write_captions(directory, held_out.captions(loaded, configuration.seed))
        figures = trained.run(stopped)
    skips = {**loaded.skipped.counts, **bad.counts}
    if trained.cut:
        steps = figures.get("stopped_after", configuration.steps)
        tell(
            f"{trained.cut} of {_shown(loaded, steps)} captions shown were cut: the"
            " text encoder takes no longer ones (text_encoder.longest, 1024 tokens at most)"
        )
    values = {**ahead, "skipped": skips, "captions_cut": trained.cut}
    result = _result(trained, figures, values)
    if world.is_first:
        _write_result(directory, result)
    return result


def _home(configuration: Configuration, checkpoint: Path | None) -> Path | None:
    """The folder of the autoencoder that a run goes on with; None where it begins without: that of
    its checkpoint, or of the one whose weights it begins with, if it has a small one beside them.
    """
    if configuration.beside:
        return Path(configuration.weights)
    if configuration.reconstructs:
        return None  # it begins as it did
    if checkpoint is None and configuration.weights:
        start = starting.home(configuration.weights)
        small = configuration.autoencoder.kind == "patch_pca"
        return start if small and (start / "autoencoder").is_dir() else None
    return checkpoint


def _stored(configuration: Configuration, home: Path | None) -> Autoencoder | None:
    """The autoencoder that data is read with; None where it has yet to be fitted."""
    if configuration.reconstructs:
        return assembled.begun(configuration)
    return load_autoencoder(str(home)) if home else None


def _looks(configuration: Configuration, absent: TextEncoder | None) -> bool:
    """Whether something sees images themselves."""
    if configuration.reconstructs:
        return True
    return absent.sees_images if absent else text_encoder.sees_images(configuration.text_encoder)


def _assembly(configuration: Configuration) -> Callable[..., parts.Parts]:
    """What assembles the objects of such a run."""
    if configuration.reconstructs:
        return assembled.assemble
    if configuration.control:
        return controlled.assemble
    return adapted.assemble if configuration.adapter else parts.assemble


def _nothing_to_do(configuration: Configuration) -> str:
    more = f"; --steps {2 * configuration.steps} would train it for longer"
    return f"nothing to do{'' if configuration.objective.moves else more}"


def _weights(run: parts.Parts) -> str:
    """How many are trained."""
    trained = [part for name, part in run.raw.items() if name != FAKE]
    count = sum(weight.numel() for part in trained for weight in part.parameters())
    settings = run.configuration
    said = f"{count / 1e6:.1f} M parameters"
    if adapter := settings.adapter:
        said = f"{count:,} parameters of a LoRA of rank {adapter.rank} beside {settings.weights}"
    elif settings.control:
        said = f"{said} of a ControlNet beside {settings.weights}"
    elif settings.reconstructs:
        said = f"{said} of an autoencoder ({settings.objective.trained})"
    more = ", and as many of a fake network" if run.fake else ""
    return f"{said}{more}, {settings.precision}, device {run.device}"


def _remove_leavings(directory: Path, world: World) -> None:
    """What a killed run left, when all have read what is there."""
    world.wait()
    if world.is_first:
        checkpoint_folder.remove_leavings(directory)
        storage.remove_partials(str(directory), str(directory / records.SAMPLES))


def _write_result(directory: Path, result: dict[str, Any]) -> None:
    """The card in the last checkpoint with its figures, and then what says that all is done."""
    model_card.write(Path(result["checkpoint"]), result)
    written = json.dumps(result, indent=1) + "\n"
    storage.write_bytes(str(directory / RESULT), written.encode())


def _result(trained: loop.Loop, figures: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    configuration, directory = trained.configuration, trained.directory
    shown = configuration.steps if trained.best is None else trained.best
    samples = directory / "samples" / f"step-{shown:06d}.png"
    pictured = not configuration.reconstructs or samples.is_file()
    return {
        "preset": configuration.preset,
        "step": configuration.steps,
        **figures,
        **more,
        "cpu_seconds": round(trained.cpu_seconds, 1),
        "wall_seconds": round(trained.wall_seconds, 1),
        "checkpoint": str(checkpoint_folder.latest(directory)),
        "samples": str(samples) if pictured else None,
    }


def _write_captions(directory: Path, captions: list[str]) -> None:
    """The captions of images never trained on, one per line: prompts to try the model with."""
    lines = "".join(" ".join(caption.split()) + "\n" for caption in captions)
    storage.write_bytes(str(directory / HELD_OUT_CAPTIONS), lines.encode("utf-8", "replace"))


def _finished(directory: Path, configuration: Configuration) -> dict[str, Any] | None:
    path = directory / RESULT
    if not path.is_file():
        return None
    result: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return result if result["step"] == configuration.steps else None


def _resume(
    start: extension.Start, run: parts.Parts, progress: Progress, tell: Callable[[str], None]
) -> Progress:
    folder = start.folder
    earlier = checkpoint.read_progress(folder)
    _check_data(folder, progress.data)
    if start.reason:
        tell(start.reason)
    modules = [average.modules for average in run.averages]
    state, group = folder / checkpoint_folder.STATE, run.world.group
    checkpoint_state.restore(state, run.raw, modules, run.optimisers, group)
    if run.world.is_first:
        (folder.parent / RESULT).unlink(missing_ok=True)
        checkpoint_writing.point_to(folder)
    tell(f"continuing {folder} after step {earlier.step}")
    return earlier


def _digest(
    folder: Path, data: str, configuration: Configuration, tell: Callable[[str], None]
) -> str:
    """What identifies the rows that a finished run would train on."""
    stored = _stored(configuration, _home(configuration, folder))
    unit = configuration.unit(stored.factor if stored else configuration.autoencoder.factor)
    return loading.digest(data, unit, configuration, tell)


def _check_data(folder: Path, digest: str) -> None:
    if checkpoint.read_progress(folder).data != digest:
        raise UsageError(
            f"--data: not the images that {folder.parent} was trained on; give it the same shards,"
            " or another --out"
        )


def _shown(loaded: Data, steps: int) -> int:
    """Images shown in all steps of a run."""
    return sum(phase.batch * (min(phase.last, steps) - phase.first + 1) for phase in loaded.phases)


def _tell_data(loaded: Data, configuration: Configuration, tell: Callable[[str], None]) -> None:
    for (width, height), count in sorted(loaded.counts.items()):
        tell(f"bucket {width}x{height}: {count} images")
    judged = sum(len(bucket.examples) for bucket in loaded.held_out)
    tell(f"held out by text: {judged} images are judged")
    if not judged and loaded.shown:
        tell(
            "nothing is held out: no reconstruction is judged, and samples/ stays empty"
            if configuration.reconstructs
            else "nothing is held out: the images of samples/ are of captions that are trained on"
        )
    for line in loaded.said:
        tell(line)
