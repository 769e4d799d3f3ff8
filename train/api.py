"""``import train``: what ``python -m train`` does, as a function. See ``docs/python.md``."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation import progress
from curation.failures import arguments
from curation.failures.interruption import Interruption
from curation.storage import user_paths
from curation.storage.user_paths import Place
from train import configuration_file
from train import threads as threads_waiting


@dataclass(frozen=True)
class Trained:
    """A finished run: its last ``checkpoint``, the grid of ``samples`` it generated, and the
    ``figures`` of its last evaluation with times and counts, as ``result.json`` has them.
    """

    checkpoint: Path
    samples: Path | None
    figures: Mapping[str, Any]


def train(
    data: Place,
    out: Place,
    *,
    evaluate_on: Place | None = None,
    preset: str = "demo",
    config: Place | None = None,
    weights: Place | None = None,
    steps: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    show_progress: bool = False,
) -> Trained:
    """Train on shards, or go on where an interrupted run into ``out`` stopped.

    The options are those of ``python -m train``, by its names; ``data`` is a folder or a glob of
    shards, or a folder of images with captions.
    Ctrl-C lets a step end, saves, and raises ``KeyboardInterrupt``.

    Raises ``UsageError`` for wrong settings or data, ``OwnershipError`` for a folder of somebody
    else's, ``CheckpointError``, ``ShardError``, ``OSError``.
    """
    arguments.integers(1, steps=steps, threads=threads)
    arguments.integers(0, seed=seed)
    file = None if config is None else Path(user_paths.argument("config", config))
    start = None if weights is None else user_paths.argument("weights", weights)
    wanted = configuration_file.resolve(preset, file, steps=steps, seed=seed, weights=start)
    places = (
        user_paths.argument("data", data),
        Path(user_paths.argument("out", out)),
        None if evaluate_on is None else user_paths.argument("evaluate_on", evaluate_on),
    )
    threads_waiting.settle()
    from train import job

    with progress.shown(show_progress), _threads(threads):
        try:
            result = job.run(wanted, job.Request(*places), _teller(show_progress))
        except Interruption as stop:
            raise KeyboardInterrupt(str(stop)) from None
    checkpoint, samples = Path(result.pop("checkpoint")), result.pop("samples")
    return Trained(checkpoint, Path(samples) if samples else None, result)


def _teller(show_progress: bool) -> Callable[[str], None]:
    def tell(message: str) -> None:
        if show_progress:
            sys.stderr.write(f"{message}\n")

    return tell


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many CPU threads, in the block alone."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
