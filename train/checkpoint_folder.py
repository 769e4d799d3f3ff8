"""Which checkpoints a training output holds, and whether they are whole. Imports nothing heavy.

A checkpoint appears by rename, whole, and then ``latest`` names it. What is not so was damaged
later, and nothing is begun anew because of it without being asked.
"""

import json
import re
import shutil
from pathlib import Path
from typing import BinaryIO

from curation import storage

LATEST = "latest"
STATE = "training_state"
FILES = "files.json"  # names those of the training state that hold tensors
_INDEX = "model_index.json"
_WRITTEN = ("progress.json", "configuration.json")
_NAME = re.compile(r"checkpoint-(\d+)")
_LEAVINGS = re.compile(r"\.checkpoint-\d+(\.old)?\.partial")
_OLD_PART, _OLD_STATE = "codec", "raw.safetensors"
_LARGEST_HEADER = 100 << 20


class CheckpointError(ValueError):
    """A damaged checkpoint; the message names the file and what to do."""


def name(step: int) -> str:
    """The folder of the checkpoint after ``step``."""
    return f"checkpoint-{step}"


def step(folder: Path) -> int:
    """The step a checkpoint's folder is named after. Raises ``ValueError`` for other names."""
    return int(folder.name.removeprefix("checkpoint-"))


def latest(directory: Path) -> Path | None:
    """The checkpoint that ``latest`` names, None where nothing is named.

    Raises ``CheckpointError`` where the name is none of a checkpoint that is there.
    """
    pointer = directory / LATEST
    if not pointer.is_file():
        return None
    named = pointer.read_text("utf-8", errors="replace").strip()
    if not _NAME.fullmatch(named):
        raise CheckpointError(
            f"{pointer}: names {named[:40]!r}, which is no checkpoint; {_advice(directory)}"
        )
    folder = directory / named
    if not (folder / _INDEX).is_file():
        raise CheckpointError(
            f"{pointer}: names {named}, which holds no {_INDEX}; {_advice(directory)}"
        )
    _refuse_old(folder)
    return folder


def find(folder: Path) -> Path | None:
    """The checkpoint that a folder is or, if it is a training output, names as its latest.

    None where there is none. Raises ``CheckpointError`` as ``latest`` does, and for a checkpoint
    of an earlier version.
    """
    pointer = folder / LATEST
    if (folder / _INDEX).is_file():
        checkpoint = folder
    elif (pointer / _INDEX).is_file():
        checkpoint = pointer.resolve()  # a link
    else:
        return latest(folder)
    _refuse_old(checkpoint)
    return checkpoint


def controlnet(folder: Path) -> Path:
    """Where the ControlNet of a folder lies: in it, or in ``controlnet`` of the pipeline, or of the
    newest checkpoint of a training, that it is. Raises ``CheckpointError`` as ``find`` does.
    """
    folder = find(folder) or folder
    inside = folder / "controlnet"
    return inside if (inside / "config.json").is_file() else folder


def _refuse_old(folder: Path) -> None:
    if (folder / _OLD_PART).is_dir():
        raise CheckpointError(
            f"{folder}: a checkpoint of an earlier version, with {_OLD_PART}/ where this one has"
            " autoencoder/; train it again into another --out (diffusers opens it: it brings its"
            " code along)"
        )


def newest(directory: Path) -> Path | None:
    """The checkpoint to go on from: the one that ``latest`` names, else the newest whole one.

    None where there is none. Raises ``CheckpointError`` where what is there is damaged.
    """
    folder = latest(directory)
    if folder is not None:
        if problem := damage(folder):
            raise CheckpointError(f"{problem}; {_advice(directory)}")
        return folder
    there = by_age(directory)
    intact = [folder for folder in there if damage(folder) is None]
    if there and not intact:
        raise CheckpointError(f"{damage(there[0])}; {_advice(directory)}")
    return intact[0] if intact else None


def by_age(directory: Path) -> list[Path]:
    """The checkpoints of ours below ``directory``, the newest first."""
    there = (
        path
        for path in directory.glob("checkpoint-*")
        if _NAME.fullmatch(path.name) and (path / STATE).is_dir()
    )
    return sorted(there, key=step, reverse=True)


def damage(folder: Path) -> str | None:
    """What keeps the run from going on from this checkpoint, or None. Only headers are read."""
    state = folder / STATE
    if (state / _OLD_STATE).is_file():
        return (
            f"{folder}: the training state of an earlier version, with {STATE}/{_OLD_STATE}, from"
            " which this one cannot go on (python -m infer reads the checkpoint)"
        )
    needed = set(folder.rglob("*.safetensors"))
    try:
        for path in (folder / _INDEX, *(state / name for name in (*_WRITTEN, FILES))):
            content = json.loads(path.read_text("utf-8"))
        needed |= {state / str(name) for name in content}
    except OSError as error:
        return f"{path}: {error.strerror}"
    except (ValueError, TypeError):
        return f"{path}: damaged, no JSON"
    return next(filter(None, map(_damage_of_tensors, sorted(needed))), None)


def _damage_of_tensors(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            expected = _expected_size(stream)
    except OSError as error:
        return f"{path}: {error.strerror}"
    except (ValueError, LookupError, TypeError):
        return f"{path}: damaged, no header of tensors"
    size = path.stat().st_size
    return None if expected == size else f"{path}: damaged, {size} bytes of {expected}"


def _expected_size(stream: BinaryIO) -> int:
    """How many bytes a safetensors file must have, by its header."""
    length = int.from_bytes(stream.read(8), "little")
    if length > _LARGEST_HEADER:
        raise ValueError(f"a header of {length} bytes")
    header = json.loads(stream.read(length))
    ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
    return 8 + length + max(ends, default=0)


def _advice(directory: Path) -> str:
    pointer = directory / LATEST
    intact = next((folder for folder in by_age(directory) if damage(folder) is None), None)
    if intact is None:
        return f"no checkpoint there is whole: train into another --out, or remove {directory}"
    return f"the newest whole one is {intact.name}: remove {pointer} to go on from it"


def retire(folder: Path) -> None:
    """Remove a checkpoint: its name goes at once, whatever ends the process on the way."""
    hidden = folder.with_name(f".{folder.name}.old{storage.TEMPORARY_SUFFIX}")
    shutil.rmtree(hidden, ignore_errors=True)
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def remove_leavings(directory: Path) -> None:
    """Remove half-written and half-removed checkpoints that a killed run left."""
    for path in directory.glob(".checkpoint-*"):
        if _LEAVINGS.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
