"""LoRA files, read for a network: all that is in them, or a sentence.

Only safetensors are read: nothing in them is ever carried out.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from curation.failures.errors import UsageError
from train.adapters import naming
from train.adapters.lora import Network, Pair, Pairs, matrices
from train.adapters.merging import merge
from train.adapters.scaling import Scaling

METADATA = "lora_adapter_metadata"
PREFIX = "transformer."
_BESIDE = "adapter_config.json"  # where peft keeps alpha


def apply(network: Network, files: Sequence[tuple[Path, float]]) -> None:
    """Merge files, each times its own factor, into a ``network`` that was just loaded.

    Raises ``UsageError`` for a file that is no LoRA of this network.
    """
    merge(network, [(read(path, network), factor) for path, factor in files])


def read(path: Path, network: Network) -> Pairs:
    """The LoRA in a file, for a ``network``.

    Raises ``UsageError`` for what is no whole LoRA, is of another network, or is more than a LoRA.
    """
    tensors, metadata = _opened(path)
    layers = naming.Layers(known := matrices(network))
    named = {key: naming.read(key, layers) for key in tensors}
    if strangers := sorted(key for key, name in named.items() if name is None):
        raise UsageError(f"{path}: {_unknown(strangers, len(tensors))}")
    parts: dict[tuple[str, ...], dict[str, Tensor]] = {}
    for key, name in named.items():
        assert name is not None
        own = parts.setdefault(name.layers, {})
        if name.part in own:
            raise UsageError(f"{path}: {key} is the second {name.part} of {name.layers[0]}")
        own[name.part] = tensors[key]
    scaling = _scaling(path, metadata, any(key.startswith(naming.PEFT) for key in tensors))
    pairs: dict[str, Pair] = {}
    for names, own in parts.items():
        pair = _pair(path, names[0], own, scaling)
        for layer, rows in zip(names, _rows(pair, len(names)), strict=True):
            if layer in pairs:
                raise UsageError(f"{path}: {layer} by itself, and fused with others")
            pairs[layer] = rows
            made, expected = (rows.up.shape[0], rows.down.shape[1]), known[layer]
            if made != expected:
                raise UsageError(
                    f"{path}: a LoRA of {made[0]}x{made[1]} for {layer}, which is"
                    f" {expected[0]}x{expected[1]}; is it of another network?"
                )
    return pairs


def _opened(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file."""
    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors":
        there = "" if path.exists() else "no such file or folder; "
        wanted = "expected a LoRA in a .safetensors file, the only kind read"
        raise UsageError(f"{path}: {there}{wanted}")
    try:
        with safe_open(str(path), framework="pt") as opened:
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
            metadata: dict[str, str] = opened.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise UsageError(f"{path}: not readable as safetensors ({error})") from error
    if not tensors:
        raise UsageError(f"{path}: no tensors")
    for key, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.float().isfinite().all():
            raise UsageError(f"{path}: {key} has values that are no finite numbers")
    return tensors, metadata


def _unknown(strangers: Sequence[str], count: int) -> str:
    """What to say of tensors that are no LoRA's of the network."""
    for key in strangers:
        if kind := naming.kind(key):
            return f"{key} is of {kind}; only LoRA of the image network's matrices can be merged"
    return (
        f"{len(strangers)} of {count} tensors are no LoRA of this network, the first is"
        f" {strangers[0]}; expected such as {PREFIX}transformer_blocks.0.attn.to_q.lora_A.weight"
    )


def _pair(path: Path, layer: str, parts: Mapping[str, Tensor], scaling: Scaling) -> Pair:
    if missing := {"down", "up"} - parts.keys():
        raise UsageError(
            f"{path}: no {' and '.join(sorted(missing))} matrix for {layer}; is it cut?"
        )
    down, alpha = parts["down"], parts.get("alpha")
    rank = down.shape[0] if down.ndim else 0
    try:
        if alpha is None:
            return Pair(down, parts["up"], scaling.of_layer(layer, rank))
        if alpha.numel() != 1 or scaling.is_said:
            raise UsageError(f"{path}: {layer} has an alpha of its own, and there is another")
        return Pair(down, parts["up"], float(alpha) / max(rank, 1))
    except ValueError as error:
        raise UsageError(f"{path}: {layer}: {error}") from error


def _rows(pair: Pair, count: int) -> list[Pair]:
    """A pair of fused layers, as pairs of each."""
    if pair.up.shape[0] % count:
        return [pair] * count  # whose shapes are then refused
    return [Pair(pair.down, up, pair.scale) for up in torch.chunk(pair.up, count)]


def _scaling(path: Path, metadata: Mapping[str, str], is_peft: bool) -> Scaling:
    """What a file, or peft's configuration beside it, says of alpha."""
    where, text = path, metadata.get(METADATA)
    if text is None and is_peft:
        where = path.with_name(_BESIDE)
        try:
            text = where.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path}: a LoRA of peft, whose alpha is in {_BESIDE}; put that beside it ({error})"
            ) from error
    if text is None:
        return Scaling()
    try:
        content: Any = json.loads(text)
        if not isinstance(content, dict):
            raise TypeError("no JSON object")
        return Scaling.of({key.removeprefix(PREFIX): value for key, value in content.items()})
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: what it says of alpha is not readable: {error}") from error
