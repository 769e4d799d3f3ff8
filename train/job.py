"""A training job from its arguments to its result: start, resume, or find it finished."""

import json
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from curation import storage
from curation.failures.errors import UsageError
from curation.storage import ownership
from train import checkpoint, checkpoint_folder, extension, loop, records
from train.checkpoint import Progress
from train.codec import load_codec
from train.configuration import Configuration
from train.data import loading, skipped
from train.data.loading import Data, Sources
from train.evaluation import LABEL, Reader, Templates, judge

KIND = "training"
RESULT = "result.json"
HELD_OUT_CAPTIONS = "held_out_captions.txt"
UNREADABLE = "unreadable.jsonl"
# What may change between a run and its continuation without changing the curve (see extension).
_FREE = {"steps", "device", "log_every", "evaluation", "checkpoint"}


@dataclass(frozen=True)
class Request:
    """What to train on (a folder or glob of shards), into which folder, and what to be judged on:
    shards to hold images out of, in place of those trained on.
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
    ``OSError``, ``shard.ShardError`` and, after saving, ``KeyboardInterrupt``.
    """
    with ownership.held(str(request.directory), KIND):
        return _run(configuration, request, tell)


def _run(
    configuration: Configuration, request: Request, tell: Callable[[str], None]
) -> dict[str, Any]:
    directory = request.directory
    _quieten()
    _check_parts(configuration)
    device = _device(configuration.device)
    found = checkpoint_folder.newest(directory)
    configuration = _settled(configuration, found)
    if found and (done := _finished(directory, configuration)):
        more = f"--steps {2 * configuration.steps} would train it for longer"
        tell(f"{directory} is finished at step {configuration.steps}: nothing to do; {more}")
        return done
    start = extension.start(found, configuration) if found else None
    checkpoint_folder.remove_leavings(directory)
    storage.remove_partials(str(directory), str(directory / records.SAMPLES))
    templates = Templates()
    stored = load_codec(str(start.folder)) if start else None
    bad = skipped.Log(directory / UNREADABLE, tell, resume=start is not None)
    sources = Sources(request.data, stored, device, templates.watch, bad.add, request.judged_on)
    loaded = loading.load(sources, configuration)
    _tell_data(loaded, configuration, tell)
    parts = loop.assemble(configuration, loaded, device)
    progress = Progress(0, loaded.digest, tuple(loaded.counts), 0.0, 0.0)
    if start:
        progress = _resume(start, parts, progress, tell)
    weights = sum(weight.numel() for part in parts.raw.values() for weight in part.parameters())
    tell(f"{weights / 1e6:.1f} M parameters, {configuration.precision}, device {parts.device}")
    reader = templates.reader()
    ceiling = _ceiling(loaded, reader)
    if ceiling is not None:
        tell(f"through the codec alone {100 * ceiling:.1f} % of the held-out strings stay exact")
    with _stopping() as stopped:
        trained = loop.Loop(parts, progress, directory, reader, tell)
        if loaded.held_out:
            _write_captions(directory, trained.captions)
        figures = trained.run(stopped)
    result = {
        "preset": configuration.preset,
        "step": configuration.steps,
        **figures,
        "held_out_ceiling": ceiling,
        "held_out_label": LABEL,
        "cpu_seconds": round(trained.cpu_seconds, 1),
        "wall_seconds": round(trained.wall_seconds, 1),
        "skipped": {**loaded.skipped.counts, **bad.counts},
        "checkpoint": str(checkpoint_folder.latest(directory)),
        "samples": str(directory / "samples" / f"step-{configuration.steps:06d}.png"),
    }
    storage.write_bytes(str(directory / RESULT), (json.dumps(result, indent=1) + "\n").encode())
    return result


def _ceiling(loaded: Data, reader: Reader | None) -> float | None:
    """The share of held-out pictures still read right after the codec: no model can do better."""
    if reader is None or not loaded.held_out:
        return None
    right: list[list[bool]] = []
    for bucket in loaded.held_out:
        pictures = loaded.codec.decode(bucket.latents).float().cpu()
        right += reader.right(pictures, bucket.examples)
    return judge(right).share


def _check_parts(configuration: Configuration) -> None:
    """Find a missing codec or text encoder before hours are spent on the data."""
    codec, encoder = configuration.codec, configuration.text_encoder
    named = (("codec", codec.kind, codec.path), ("text_encoder", encoder.kind, encoder.path))
    for name, kind, path in named:
        folder = "vae" if name == "codec" else name
        places = (Path(path), Path(path) / folder)  # the part's own folder, or the whole pipeline's
        if kind == "qwen" and not any((place / "config.json").is_file() for place in places):
            raise UsageError(
                f"{name}.path: no config.json in {path!r}; expected the {folder} folder of"
                " Qwen-Image: name it with --config"
            )


def _write_captions(directory: Path, captions: list[str]) -> None:
    """The captions of pictures never trained on, one per line: prompts to try the model with."""
    lines = "".join(" ".join(caption.split()) + "\n" for caption in captions)
    storage.write_bytes(str(directory / HELD_OUT_CAPTIONS), lines.encode("utf-8", "replace"))


def _settled(configuration: Configuration, found: Path | None) -> Configuration:
    """The configuration with its precision decided; that of the run it continues, if it agrees."""
    if configuration.precision == "auto":
        before = checkpoint.read_configuration(found) if found else None
        settled = before.precision if before else _precision(configuration.device)
        configuration = configuration.model_copy(update={"precision": settled})
    before = checkpoint.read_configuration(found) if found else None
    if before is None:
        return configuration
    was, now = (_flat(one.model_dump(exclude=_FREE)) for one in (before, configuration))
    changed = sorted(name for name in now if was.get(name) != now[name])
    if changed:
        name = changed[0]
        raise UsageError(
            f"--out {found and found.parent} holds a run with {name} {was.get(name)}, not"
            f" {now[name]}: give it the same settings, or another --out"
        )
    return configuration


def _flat(content: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in content.items():
        inside = _flat(value, f"{path}{key}.") if isinstance(value, dict) else {path + key: value}
        found |= inside
    return found


def _finished(directory: Path, configuration: Configuration) -> dict[str, Any] | None:
    path = directory / RESULT
    if not path.is_file():
        return None
    result: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return result if result["step"] == configuration.steps else None


def _resume(
    start: extension.Start, parts: loop.Parts, progress: Progress, tell: Callable[[str], None]
) -> Progress:
    found = start.folder
    before = checkpoint.read_progress(found)
    if before.data != progress.data:
        raise UsageError(
            f"--data: not the pictures that {found.parent} was trained on; give it the same shards,"
            " or another --out"
        )
    if start.reason:
        tell(start.reason)
    checkpoint.restore(found, parts.state(progress))
    (found.parent / RESULT).unlink(missing_ok=True)
    checkpoint.point_to(found)
    tell(f"continuing {found} after step {before.step}")
    return before


def _tell_data(loaded: Data, configuration: Configuration, tell: Callable[[str], None]) -> None:
    for (width, height), count in sorted(loaded.counts.items()):
        tell(f"bucket {width}x{height}: {count} images")
    judged = sum(len(bucket.examples) for bucket in loaded.held_out)
    tell(f"held out by text: {judged} images are judged")
    for line in loaded.skipped.lines(configuration.data, images=False):
        tell(f"skipped: {line}")


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (AssertionError, RuntimeError) as error:
        raise UsageError(f"device {name!r} cannot be used: {error}") from error
    return name


def _precision(device: str) -> str:
    """bf16 where the hardware multiplies in it; elsewhere it would be slower, not faster."""
    if torch.device(_device(device)).type == "cuda":
        return "bf16"
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return "bf16" if any(getattr(torch.cpu, name, bool)() for name in checks) else "fp32"


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C or SIGTERM only asks for a stop; the second one interrupts."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _quieten() -> None:
    """Keep the libraries' progress bars and notices off the terminal: ours tell enough."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity(logging.ERROR)
        library.disable_progress_bar()
