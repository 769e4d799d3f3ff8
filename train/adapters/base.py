"""What an adapter is trained on: the network in the folder ``weights``, and all that is around it.

Its family and sizes, autoencoder, text encoder and noise levels are those of that folder, whatever
the configuration says of them.
"""

import copy
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import nn

from curation.failures.errors import UsageError
from train import checkpoint, configuration_file, families, starting, stored_flow
from train.adapters.quantising import quantise
from train.configuration import (
    AutoencoderConfiguration,
    Configuration,
    FlowConfiguration,
)
from train.models.family import Family
from train.models.qwen_image import QwenImage

_REMEDY = "name a published folder, such as Qwen-Image, or a checkpoint, by --weights"


def settled(configuration: Configuration, *, units: bool = False) -> Configuration:
    """The configuration with everything that the folder ``weights`` decides; where latents and text
    features are to be made elsewhere, in ``units``. Raises ``UsageError`` where that is no whole
    pipeline, or one of another family than the configuration names.
    """
    _check(configuration)
    folder = starting.home(configuration.weights)
    try:
        ours = checkpoint.read_configuration(folder)
        if ours and ours.beside:
            kind = "LoRA" if ours.adapter else "ControlNet"
            merge = ", or merge both with python -m infer.export" if ours.adapter else ""
            raise UsageError(
                f"weights: {folder} is a {kind} of {ours.weights} itself; name that{merge}"
            )
        family = families.of_folder(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"weights: {error}; {_REMEDY}") from error
    own = configuration.model
    if type(own) is not type(family) and own not in (QwenImage(), type(own)()):
        raise UsageError(
            f"weights: {folder} has a network of model {family.name}, not {own.name}: leave model"
            " out, which the folder says, or name a folder of that family"
        )
    if configuration.control:
        configuration = following(configuration, family, units=units)
    changes: dict[str, Any] = {
        "weights": str(folder),
        "model": _carried_out(family, own),
        "autoencoder": AutoencoderConfiguration(kind="qwen", path=str(folder)),
        "text_encoder": configuration.text_encoder.model_copy(
            update={"kind": "qwen", "path": str(folder)}
        ),
        "flow": _flow(folder, configuration.flow),
    }
    if ours:
        if units and ours.text_encoder.kind != "qwen":
            raise UsageError(
                f"weights: {folder} has the small text encoder, which is quick: no units are made"
            )
        for name in ("autoencoder", "text_encoder"):
            if getattr(ours, name).kind != "qwen":
                changes[name] = getattr(ours, name)
        changes |= _usual(configuration, ours)
    return configuration.model_copy(update=changes)


_USUAL = {  # settings that a preset has for published networks, and those of what they are then
    "data": ("resolution", "resize", "sizes"),
    "evaluation": ("steps", "guidance", "batch"),
}


def _usual(configuration: Configuration, ours: Configuration) -> dict[str, Any]:
    """Sizes, numbers and how images are generated, as a checkpoint of ours was trained and judged,
    where nobody asked for others than the preset has.
    """
    preset, changes = configuration_file.shipped(configuration.preset), dict[str, Any]()
    for section, names in _USUAL.items():
        if section == "evaluation" and configuration.objective.student:
            continue  # it is judged as it is trained
        own, usual, stored = (getattr(each, section) for each in (configuration, preset, ours))
        if all(getattr(own, name) == getattr(usual, name) for name in names):
            update = {name: getattr(stored, name) for name in names}
            changes[section] = own.model_copy(update=update)
    if preset.adapter and configuration.adapter == preset.adapter:
        changes["adapter"] = preset.adapter.model_copy(update={"base": "stored"})
    return changes


def _check(configuration: Configuration) -> None:
    """Raise ``UsageError`` for what an adapter cannot be trained with."""
    if not configuration.weights:
        what = "a ControlNet" if configuration.control else "an adapter"
        raise UsageError(f"weights: {what} is trained beside a network: {_REMEDY}")
    if configuration.adapter and configuration.optimiser.kind != "adamw":
        raise UsageError("optimiser.kind: muon moves whole matrices; an adapter needs kind: adamw")
    if configuration.precision == "float8":
        raise UsageError(
            "precision: float8 changes the matrices that an adapter is beside; take bf16"
        )
    if any(phase.repa for phase in configuration.phases):
        raise UsageError("phases: repa trains early blocks, which an adapter leaves as they are")


def following(configuration: Configuration, family: Family, *, units: bool) -> Configuration:
    """The same of a run that trains a ControlNet of a ``family``: conditions stand where inputs of
    edits do, and the text encoder does not see them. Raises ``UsageError`` for what has none.
    """
    data = configuration.data
    if configuration.adapter:
        raise UsageError("control: a ControlNet and an adapter are trained apart: leave one out")
    if not isinstance(family, QwenImage) or family.layered:
        raise UsageError(
            f"weights: control is for Qwen-Image as it generates images of captions, not for"
            f" {'its layered model' if isinstance(family, QwenImage) else family.name}"
        )
    tasks = configuration.tasks
    if "i2i" in tasks:
        raise UsageError("data.tasks: i2i has no condition; a ControlNet takes t2i, ti2i or both")
    if "t2i" in tasks and not data.conditions:
        raise UsageError(
            "data.conditions: expected what the ControlNet follows, such as {canny: 1}; or"
            " tasks: {ti2i: 1}, of rows with a map of their own as the input"
        )
    if "inpaint" in data.conditions and (len(data.conditions) > 1 or "ti2i" in tasks):
        raise UsageError(
            "data.conditions: inpaint is of an image with a mask, which other conditions are not:"
            " train a ControlNet of its own"
        )
    if units or data.cache:
        raise UsageError(
            f"data.{'units' if units else 'cache'}: conditions are computed where a ControlNet"
            " is trained: leave it out"
        )
    if any(phase.tread for phase in configuration.phases):
        raise UsageError("phases: with tread tokens go around blocks that a ControlNet adds to")
    changed = data.model_copy(update={"references": "condition"})
    return configuration.model_copy(update={"data": changed})


def _carried_out(family: Family, own: Any) -> Family:
    """The family, with the attention that the configuration names."""
    kernel = getattr(own, "attention", None)
    if kernel is None or not hasattr(family, "attention"):
        return family
    return family.model_copy(update={"attention": kernel})


def _flow(folder: Path, own: FlowConfiguration) -> FlowConfiguration:
    """Noise levels as the folder's pipeline steps through them."""
    flow = stored_flow.read(folder)
    names = ("base_shift", "max_shift", "base_tokens", "max_tokens", "terminal")
    return own.model_copy(update={name: getattr(flow, name) for name in names})


def load(configuration: Configuration, channels: int, text_width: int) -> nn.Module:
    """The network on the CPU, in the numbers that it is stored in; in fp32 where the run computes
    in that, and nothing else is asked for. What is in use requires gradients.

    Raises ``UsageError`` where files are missing or of another network.
    """
    folder = Path(configuration.weights) / "transformer"
    try:
        network = configuration.model.load(folder, channels, text_width)
    except (OSError, ValueError, SafetensorError) as error:
        raise UsageError(f"weights: {error}") from error
    if not hasattr(network, "sources"):
        raise UsageError(f"weights: a {type(network).__name__} has no published matrices to adapt")
    adapter = configuration.adapter
    if configuration.precision == "fp32" and not (adapter and adapter.base == "bfloat16"):
        network = network.float()
    return network.eval()


def frozen(network: nn.Module, configuration: Configuration) -> nn.Module:
    """The ``network`` without gradients, held as the adapter's ``base`` says."""
    assert configuration.adapter is not None
    network.requires_grad_(False)
    quantise(network, configuration.adapter.base)
    return network


def twin(network: nn.Module) -> nn.Module:
    """A second network of the same weights, which share their memory: another adapter can be beside
    them in each.
    """
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})
