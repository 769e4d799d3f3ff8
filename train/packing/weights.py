"""Published weights, in the files of diffusers, read and written tensor by tensor.

A folder has ``diffusion_pytorch_model.safetensors``, or several parts of it and an index that says
which tensor is where. Networks are built on the meta device and filled here, so that memory holds
the weights, and one tensor more; writing holds one part more.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from train.packing.keys import Keys, Source, joined, parted

NAME = "diffusion_pytorch_model"
CONFIGURATION = "config.json"
LARGEST_PART = 10 * 10**9  # bytes, as diffusers has it


def load(network: nn.Module, keys: Keys, folder: Path, device: torch.device | str = "cpu") -> None:
    """Fill a ``network`` that was built on the meta device, in the types of numbers stored.

    Raises as ``read``; the network is then of no use.
    """
    kinds = {name: each.requires_grad for name, each in network.named_parameters()}
    for name, tensor in read(network, keys, folder):
        place, _, last = name.rpartition(".")
        filled = nn.Parameter(tensor.to(device), requires_grad=kinds[name])
        setattr(network.get_submodule(place), last, filled)


def read(network: nn.Module, keys: Keys, folder: Path) -> Iterator[tuple[str, Tensor]]:
    """The parameters of a ``network`` that are stored in a folder, by name, one after another.

    Raises ``FileNotFoundError`` for a missing part, ``ValueError`` for tensors that are missing,
    too many, or of another shape.
    """
    stored = _places(folder)
    known = {part.key for source in keys.values() for part in source.parts}
    if strangers := sorted(stored.keys() - known):
        raise ValueError(
            f"{folder}: {len(strangers)} tensors that this network does not have, the first is"
            f" {strangers[0]}; is it of another family, or are settings missing in config.json?"
        )
    if missing := sorted(known - stored.keys()):
        raise ValueError(
            f"{folder}: no tensor {missing[0]}, and {len(missing) - 1} others; is it of another"
            " family, or cut?"
        )
    for name, parameter in list(network.named_parameters()):
        yield name, _read(stored, keys[name], name, parameter)


def save(
    state: Mapping[str, Tensor],
    keys: Keys,
    folder: Path,
    largest_part: int = LARGEST_PART,
    values: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the parameters ``state`` into the ``folder``, in parts of at most so many bytes (or of
    a single tensor). Where they are on the meta device, ``values`` are theirs, each of which is
    asked for when it is written.
    """
    from safetensors.torch import save_file

    parts = _divided(state, keys, largest_part)
    names = [
        f"{NAME}-{number:05d}-of-{len(parts):05d}.safetensors"
        if len(parts) > 1
        else f"{NAME}.safetensors"
        for number in range(1, len(parts) + 1)
    ]
    places: dict[str, str] = {}
    for name, part in zip(names, parts, strict=True):
        tensors = dict(_published(state if values is None else values, keys, part))
        save_file(tensors, str(folder / name), metadata={"format": "pt"})
        places |= dict.fromkeys(tensors, name)
    if len(parts) > 1:
        size = sum(tensor.nbytes for tensor in state.values())
        index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))}
        text = json.dumps(index, indent=2, sort_keys=True) + "\n"
        (folder / f"{NAME}.safetensors.index.json").write_text(text, "utf-8")


def save_configuration(content: Mapping[str, Any], folder: Path) -> None:
    """Write what a network is built by, beside its weights, as diffusers does."""
    written = json.dumps(content, indent=2, sort_keys=True) + "\n"
    (folder / CONFIGURATION).write_text(written, "utf-8")


def _places(folder: Path) -> dict[str, Path]:
    """The file of each tensor in a folder."""
    from safetensors import safe_open

    index = folder / f"{NAME}.safetensors.index.json"
    names = [f"{NAME}.safetensors"]
    if index.is_file():
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    places: dict[str, Path] = {}
    for name in names:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name}: missing; expected {len(names)} parts")
        with safe_open(str(folder / name), framework="pt") as part:
            places |= dict.fromkeys(part.keys(), folder / name)
    return places


def _read(stored: Mapping[str, Path], source: Source, name: str, parameter: Tensor) -> Tensor:
    """A parameter made of its tensors, whose files are closed again: as long as they are open, what
    was read of them counts as memory.
    """
    from safetensors import safe_open

    with ExitStack() as opened:
        files = {
            path: opened.enter_context(safe_open(str(path), framework="pt"))
            for path in {stored[part.key] for part in source.parts}
        }
        tensors = [files[stored[part.key]].get_tensor(part.key) for part in source.parts]
        rows = parameter.shape[0] // len(tensors)
        for part, tensor in zip(source.parts, tensors, strict=True):
            expected = (rows, *parameter.shape[1:])
            if tensor.shape != expected or tensor.dtype != tensors[0].dtype:
                raise ValueError(
                    f"{stored[part.key]}: {part.key} is {tuple(tensor.shape)} of {tensor.dtype};"
                    f" expected {expected} of {tensors[0].dtype} for {name}"
                )
        return joined(source, tensors)


def _divided(
    state: Mapping[str, Tensor], keys: Keys, largest_part: int
) -> list[list[tuple[str, str]]]:
    """(parameter, published key) of each part: in order, each part as full as may be."""
    parts: list[list[tuple[str, str]]] = [[]]
    room = largest_part
    for name, source in keys.items():
        size = state[name].nbytes // len(source.parts)
        for part in source.parts:
            if size > room and parts[-1]:
                parts.append([])
                room = largest_part
            parts[-1].append((name, part.key))
            room -= size
    return parts


def _published(
    state: Mapping[str, Tensor], keys: Keys, wanted: list[tuple[str, str]]
) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a part, on the CPU."""
    chosen = {key for _, key in wanted}
    for name in dict.fromkeys(name for name, _ in wanted):
        tensors = parted(keys[name], state[name].detach())
        yield from ((key, tensor.cpu()) for key, tensor in tensors if key in chosen)
