"""Files of weights with other values in place of some: every other byte stays as it was."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from curation.failures.errors import UsageError

_CONFIGURATION = "config.json"
_WEIGHTS = ".safetensors"


def write(
    source: Path, target: Path, values: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> None:
    """Write the folder ``source`` to ``target`` with other ``values`` of tensors, by name, rounded
    to the numbers that are stored there, and other ``settings`` in its configuration.

    A value that has a dimension less than the stored tensor stands for the last slice of its third,
    as of a 3-D convolution. Files of weights in other formats are left out: they would hold what
    was before. Raises ``UsageError`` where a tensor is in no file.
    """
    target.mkdir(parents=True, exist_ok=True)
    left = set(values)
    for path in sorted(source.iterdir()):
        if path.suffix in (".bin", ".pt", ".pth", ".ckpt", ".msgpack") or not path.is_file():
            continue
        shutil.copyfile(path, target / path.name)
        if path.suffix == _WEIGHTS:
            left -= _patch(target / path.name, values)
    if left:
        raise UsageError(
            f"{source}: {len(left)} tensors are in no {_WEIGHTS} file, such as {min(left)}: save"
            " the autoencoder by save_pretrained of diffusers first"
        )
    if settings:
        content = json.loads((source / _CONFIGURATION).read_text("utf-8")) | dict(settings)
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        (target / _CONFIGURATION).write_text(text, "utf-8")


def _patch(path: Path, values: Mapping[str, Tensor]) -> set[str]:
    """Put values into a file; returns the names of those that are in it."""
    import torch
    from safetensors import safe_open

    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header: dict[str, Any] = json.loads(stream.read(length))
    own = values.keys() & header.keys()
    for name in sorted(own):
        with safe_open(str(path), "pt") as opened:
            stored: Tensor = opened.get_tensor(name).clone()
        value = values[name]
        place = stored if stored.ndim == value.ndim else stored[:, :, -1]
        if place.shape != value.shape:
            raise UsageError(f"{path}: {name} is {tuple(stored.shape)}, of another autoencoder")
        place.copy_(value)
        with path.open("r+b") as stream:
            stream.seek(8 + length + header[name]["data_offsets"][0])
            stream.write(stored.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return own
