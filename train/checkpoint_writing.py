"""Writing checkpoints while training goes on: one at a time, each whole or not at all.

``OUT/checkpoint-<step>/`` holds ``model_index.json``, ``transformer/`` (EMA weights),
``scheduler/``, ``autoencoder/`` or ``vae/``, ``text_encoder/`` (EMA weights where it is learnt, and
``tokenizer/``), ``pipeline.py`` (with the small parts: it opens the folder in diffusers),
``trained_on.json`` (for who generates with it), ``README.md`` (the model card) and
``training_state/`` (what an exact resume needs, with progress and configuration); ``OUT/latest``
names the newest whole one. A folder appears by rename, when all that its processes write is on
disk. What others open is written by the first process from what all stored, tensor by tensor.
"""

import json
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from torch import distributed
from torch.distributed.checkpoint.api import CheckpointException

from curation import storage
from train import (
    checkpoint,
    checkpoint_export,
    checkpoint_folder,
    checkpoint_state,
    early,
    model_card,
)
from train.checkpoint import State
from train.checkpoint_folder import FILES, LATEST, STATE
from train.configuration import Configuration
from train.distributed.world import World
from train.optimisers import schedule


class Writer:
    """Writes the checkpoints of a run below ``directory``; all processes of the ``world`` do the
    same at once.
    """

    def __init__(self, directory: Path, world: World) -> None:
        self._directory, self._world = directory, world
        # its own, as it speaks while training does; numbers and files need no GPU
        self._group: Any = distributed.new_group(backend="gloo") if world.mesh else None
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """What was begun is written, also where training failed; unless it was interrupted."""
        if kind is None:
            self.wait()
        elif issubclass(kind, Exception) and self._writing:
            wait([self._writing])

    def save(self, state: State) -> None:
        """Begin to write ``checkpoint-<step>``, when the one before is written.

        Raises, of the one before, ``OSError`` where the disk is full or read-only; then the last
        whole checkpoint stands.
        """
        self.wait()
        name = checkpoint_folder.name(state.progress.step)
        partial = self._directory / f".{name}{storage.TEMPORARY_SUFFIX}"
        if self._world.is_first:
            shutil.rmtree(partial, ignore_errors=True)
            (partial / STATE).mkdir(parents=True)
        self._world.wait()
        tensors = checkpoint_state.tensors(state.raw, state.averages, state.optimisers)
        begun = checkpoint_state.write(partial / STATE, tensors, self._group)
        self._writing = self._thread.submit(self._finish, begun, partial, state)

    def wait(self) -> None:
        """Until what was begun is written. Raises as ``save``."""
        writing, self._writing = self._writing, None
        if writing:
            try:
                writing.result()
            except CheckpointException as error:  # which is no Exception
                raise checkpoint_state.cause(error) from error

    def _finish(self, begun: "Future[Any]", partial: Path, state: State) -> None:
        begun.result()
        if not self._world.is_first:
            return
        averages = {
            part: checkpoint_state.Stored(partial / STATE, f"ema.0.{part}.")
            for part in state.averages[0]
        }
        checkpoint_export.write(partial, state, averages)
        checkpoint_export.trained_on(state).write(partial)
        _write_progress(partial / STATE, state)
        model_card.write(partial)
        sync(partial)
        final = partial.with_name(checkpoint_folder.name(state.progress.step))
        if final.exists():  # left by a run that ended between the rename and the pointer
            checkpoint_folder.retire(final)
        partial.rename(final)
        point_to(final)
        _drop_old(self._directory, final, state.configuration)


def point_to(folder: Path) -> None:
    """Make a checkpoint the latest of its training output. Raises ``OSError``."""
    storage.write_bytes(str(folder.parent / LATEST), f"{folder.name}\n".encode())


def end_with(folder: Path) -> None:
    """Make a checkpoint that with which its run ended, before its last step or at it: the latest.
    Raises ``OSError``.
    """
    progress = replace(checkpoint.read_progress(folder), ended=True)
    text = json.dumps(asdict(progress)) + "\n"
    storage.write_bytes(str(folder / STATE / "progress.json"), text.encode())
    point_to(folder)


def _write_progress(folder: Path, state: State) -> None:
    names = sorted(path.name for path in folder.iterdir())
    (folder / FILES).write_text(json.dumps(names, indent=1) + "\n", "utf-8")
    configuration = state.configuration.model_dump_json(indent=1)
    (folder / "configuration.json").write_text(configuration + "\n", "utf-8")
    (folder / "progress.json").write_text(json.dumps(asdict(state.progress)) + "\n", "utf-8")


def sync(folder: Path) -> None:
    """Force a tree to disk, files before the directories that name them."""
    for root, _, names in os.walk(folder, topdown=False):
        for path in (*(os.path.join(root, name) for name in names), root):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _drop_old(directory: Path, newest: Path, configuration: Configuration) -> None:
    """Keep the newest, some before it, the best, and the one a longer run goes on from.

    A checkpoint of a later step is one of a shorter run that was gone back from.
    """
    there = checkpoint_folder.by_age(directory)
    later, earlier = there[: there.index(newest)], there[there.index(newest) + 1 :]
    fork = schedule.full_until(configuration.steps, configuration.optimiser)
    kept = {checkpoint_folder.name(fork)}
    for until in (checkpoint_folder.step(newest), fork):  # from which a run may go on
        ended = early.of_directory(directory, configuration, until)
        if ended and ended.best is not None:
            kept.add(checkpoint_folder.name(ended.best))
    droppable = [path for path in earlier if path.name not in kept]
    for path in (*later, *droppable[configuration.checkpoint.keep - 1 :]):
        checkpoint_folder.retire(path)
