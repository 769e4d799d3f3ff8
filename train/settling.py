"""The settings of a run as they are carried out, its device and precision known."""

from pathlib import Path
from typing import Any

import torch

from curation.failures.errors import UsageError
from train import checkpoint, checkpoint_folder, execution, families, reference
from train.checkpoint_folder import CheckpointError
from train.configuration import Configuration

# What may change between a run and its continuation without changing the curve (see extension).
_FREE: dict[str, Any] = dict.fromkeys(
    ("steps", "device", "log_every", "evaluation", "checkpoint", "distributed"), True
)
_FREE["data"] = {"units", "prefetch", "cache", "cache_bytes"}


def check_parts(configuration: Configuration) -> None:
    """Find a missing autoencoder or text encoder before hours are spent on the data, and what the
    objective lacks.
    """
    configuration.objective.check(configuration)
    data = configuration.data
    if not configuration.control and (data.conditions or data.references == "condition"):
        raise UsageError(
            "data.conditions: they are what a ControlNet follows: expected control: {} and weights"
            " beside them"
        )
    autoencoder, encoder = configuration.autoencoder, configuration.text_encoder
    if autoencoder.kind == "residual" and not configuration.reconstructs:
        raise UsageError(
            "autoencoder.kind: residual has random weights: train it by --preset residual, and name"
            " what comes of it here: {kind: qwen, path: its checkpoint}"
        )
    named = (
        ("autoencoder", autoencoder.kind, autoencoder.path),
        ("text_encoder", encoder.kind, encoder.path),
    )
    for name, kind, path in named:
        folder = "vae" if name == "autoencoder" else name
        places = (Path(path), Path(path) / folder)  # the part's own folder, or the whole pipeline's
        if configuration.data.units:
            continue  # producers have it
        if kind == "qwen" and not any((place / "config.json").is_file() for place in places):
            raise UsageError(
                f"{name}.path: no config.json in {path!r}; expected the {folder} folder of"
                " Qwen-Image: name it with --config"
            )


def settled(configuration: Configuration, folder: Path | None) -> Configuration:
    """The configuration with its precision decided; that of the run in ``folder``, if it agrees.

    Raises ``UsageError`` where the run it would continue has other settings, or the device lacks
    float8.
    """
    if configuration.precision == "float8":
        execution.check_float8(usable_device(configuration.device))
    configuration = reference.settled(configuration)
    earlier = checkpoint.read_configuration(folder) if folder else None
    if configuration.precision == "auto":
        precision = earlier.precision if earlier else _precision(configuration.device)
        configuration = configuration.model_copy(update={"precision": precision})
    if earlier is None or folder is None:
        return configuration
    if _trained(earlier) != _trained(configuration):
        raise UsageError(
            f"--out {folder.parent} holds a run that trained {_trained(earlier)}, not"
            f" {_trained(configuration)}: give another --out"
        )
    was, now = (_flat(each.model_dump(exclude=_FREE)) for each in (earlier, configuration))
    parts_first = sorted(now, key=lambda name: (not name.endswith(".name"), name))
    name = next((name for name in parts_first if was.get(name) != now[name]), None)
    if name == "objective.file_digest":
        raise UsageError(
            f"objective.file: {now['objective.file']} is not what {folder.parent} was trained on:"
            " give it the same pairs, or another --out"
        )
    if name:
        raise UsageError(
            f"--out {folder.parent} holds a run with {name} {was.get(name)}, not"
            f" {now[name]}: give it the same settings, or another --out"
        )
    if not (
        configuration.beside or configuration.reconstructs
    ):  # whose checkpoints have no network
        _check_family(folder, configuration)
    return configuration


def _trained(configuration: Configuration) -> str:
    if configuration.adapter:
        return "a LoRA"
    if configuration.reconstructs:
        return "an autoencoder"
    return "a ControlNet" if configuration.control else "a network"


def _check_family(folder: Path, configuration: Configuration) -> None:
    """Raise ``CheckpointError`` where the network in ``folder`` is not of the run's family."""
    path = folder / "transformer" / "config.json"
    advice = (
        f"put the transformer/ that it was saved with back, or remove {folder.name} and"
        f" {checkpoint_folder.LATEST} in {folder.parent} to go on from the checkpoint before it"
    )
    try:
        stored: object = families.of_folder(folder)
    except ValueError as error:
        problem = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise CheckpointError(f"{problem}; {advice}") from None
    if type(stored) is not type(configuration.model):
        raise CheckpointError(
            f"{path}: a network of {type(stored).__name__}, but the run is one of"
            f" {type(configuration.model).__name__}; {advice}"
        )


def _flat(content: dict[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        inside = _flat(value, f"{path}{key}.") if isinstance(value, dict) else {path + key: value}
        flat |= inside
    return flat


def usable_device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (AssertionError, RuntimeError) as error:
        raise UsageError(f"device {name!r} cannot be used: {error}") from error
    return name


def _precision(device: str) -> str:
    """bf16 where the hardware has units that multiply matrices in it; elsewhere it would be slower,
    not faster, and with no more than AVX-512's instructions for it, too.
    """
    if torch.device(usable_device(device)).type == "cuda":
        return "bf16"
    return "bf16" if getattr(torch.cpu, "_is_amx_tile_supported", bool)() else "fp32"
