"""The network that a run started with, frozen: what preference learning keeps near to."""

from typing import Any

from torch import nn

from curation.failures.errors import UsageError
from train import starting
from train.configuration import Configuration
from train.data.loading import Data
from train.distributed.world import World
from train.text_encoders.text_encoder import TextEncoder


def build(configuration: Configuration, data: Data, encoder: TextEncoder, device: str) -> nn.Module:
    """As it is in the folder ``weights``, also where the run goes on. Raises ``UsageError``."""
    return begun(configuration, data, encoder, device).requires_grad_(False).eval()


def begun(configuration: Configuration, data: Data, encoder: TextEncoder, device: str) -> nn.Module:
    """The same, to be trained. Raises ``UsageError``."""
    start = starting.build(configuration, data.autoencoder.channels, World(), absent=encoder)
    starting.fill(start, (), World(), device)
    network: Any = start.raw["transformer"]
    return network  # type: ignore[no-any-return]


def settled(configuration: Configuration) -> Configuration:
    """With the checkpoint that ``weights`` means now, so that a run that goes on is compared with
    what it began with, and with what its objective reads. Raises ``UsageError``.
    """
    if not configuration.weights or not configuration.objective.reference:
        return configuration
    weights = str(starting.home(configuration.weights))
    changes = {"weights": weights, "objective": configuration.objective.settled()}
    return configuration.model_copy(update=changes)


def check(configuration: Configuration) -> None:
    """Raise ``UsageError`` for what an objective with a reference cannot be trained with."""
    named = f"objective {configuration.objective.name}"
    if not configuration.weights:
        raise UsageError(
            f"{named}: it changes a model that generates images: name a checkpoint, or a published"
            " network, by --weights"
        )
    if configuration.control:
        raise UsageError(
            f"{named}: it trains a network or a LoRA, no ControlNet: leave control out"
        )
    if configuration.adapter and configuration.adapter.start:
        raise UsageError(
            f"{named}: it compares with the network in weights alone: merge the LoRA in"
            " adapter.start into that by python -m infer.export"
        )
    if configuration.data.units:
        raise UsageError(f"{named}: it generates images where it trains: leave data.units out")
    if configuration.evaluation.gradients:
        raise UsageError(
            f"{named}: evaluation.gradients takes the step once more for each group, and generates"
            " all images anew: set it to false"
        )
    if configuration.precision == "float8":
        raise UsageError(
            f"{named}: two networks are compared, which float8 rounds apart: take bf16"
        )
    if any(phase.repa or phase.tread for phase in configuration.phases):
        raise UsageError(f"{named}: phases: repa and tread are for pre-training: leave them out")
    _check_together(configuration)


def _check_together(configuration: Configuration) -> None:
    """Raise ``UsageError`` where a run would stop, or be judged or saved, within ``updates`` of the
    same images.
    """
    objective = configuration.objective
    judged, kept = configuration.evaluation.every, configuration.checkpoint.every
    named = {"steps": configuration.steps, "evaluation.every": judged, "checkpoint.every": kept}
    for name, value in named.items():
        if value % objective.stride:
            raise UsageError(
                f"{name}: {value}: with objective {objective.name}.updates {objective.stride} steps"
                " of a rollout belong together: expected a multiple"
            )


def check_alone(configuration: Configuration, processes: int) -> None:
    """Raise ``UsageError`` where several processes train with a reference."""
    if processes > 1:
        raise UsageError(
            f"objective {configuration.objective.name}: trained by one process, not {processes};"
            " start it without torchrun"
        )
