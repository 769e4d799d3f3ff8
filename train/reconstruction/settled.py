"""What is decided of a run that trains an autoencoder before anything is read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from train import starting
from train.configuration import AutoencoderConfiguration, Configuration
from train.tuning import ResidualConfiguration

_OBJECTIVE = "objective: reconstruction"


def settled(configuration: Configuration) -> Configuration:
    """The configuration in fp32 with the autoencoder in the folder ``weights`` if it is named.
    Raises ``UsageError`` for settings of what generates images.
    """
    objective: Any = configuration.objective
    if configuration.beside:
        kind = "adapter" if configuration.adapter else "control"
        raise UsageError(f"{_OBJECTIVE} trains an autoencoder and no {kind}: leave {kind} out")
    if set(configuration.tasks) != {"i2i"}:
        raise UsageError(
            f"data.tasks: {', '.join(configuration.tasks)}: {_OBJECTIVE} shows images as they are,"
            " and nothing of their captions: expected {i2i: 1}, as --preset decoder has it"
        )
    _check_precision(configuration)
    _check_parts(configuration)
    _check_terms(configuration, objective)
    _check_weights(configuration, objective)
    # "auto" would be settled to bf16 where the device has it, though nothing here computes in it
    configuration = configuration.model_copy(update={"precision": "fp32"})
    if not configuration.weights:
        return configuration
    if configuration.autoencoder.residual != ResidualConfiguration():
        raise UsageError(
            "autoencoder.residual: sizes are those of the folder in weights: leave it out, or leave"
            " out weights"
        )
    own = AutoencoderConfiguration(kind="qwen", path=str(starting.home(configuration.weights)))
    return configuration.model_copy(update={"autoencoder": own})


def _check_precision(configuration: Configuration) -> None:
    if configuration.precision not in ("auto", "fp32"):
        raise UsageError(
            f"precision: {configuration.precision}: an autoencoder is trained in fp32: its errors"
            " are as small as the rounding of shorter numbers"
        )
    if configuration.optimiser.kind != "adamw":
        raise UsageError(
            "optimiser.kind: muon moves matrices of blocks; an autoencoder has convolutions: adamw"
        )


def _check_parts(configuration: Configuration) -> None:
    data = configuration.data
    if data.units or data.cache:
        name = "units" if data.units else "cache"
        raise UsageError(f"data.{name}: {_OBJECTIVE} needs the pixels themselves: leave it out")
    if any(phase.tread or phase.repa for phase in configuration.phases):
        raise UsageError("phases: tread and repa are of networks that generate: leave them out")
    if wrong := [each.name for each in configuration.evaluation.evaluators if each.generates]:
        raise UsageError(
            f"evaluation.evaluators: {wrong[0]} judges images that a network generates, and"
            f" {_OBJECTIVE} trains none: expected [reconstructions]"
        )
    if configuration.recompute != "none" or configuration.compile:
        name = "compile" if configuration.compile else "recompute"
        raise UsageError(
            f"{name}: of an autoencoder not there; lower objective.pixels_at_once for memory"
        )


def _check_terms(configuration: Configuration, objective: Any) -> None:
    names = [term.name for term in objective.terms]
    if again := next((name for name in names if names.count(name) > 1), ""):
        raise UsageError(f"objective.terms: {again} stands there twice")
    if objective.trained == "both":
        return
    if configuration.autoencoder.kind == "residual" and not configuration.weights:
        raise UsageError(
            "objective.trained: decoder: of autoencoder.kind: residual the encoder is random too:"
            " expected both"
        )
    for term in objective.terms:
        if term.needs_encoder or term.balanced:
            raise UsageError(
                f"objective.terms: {term.name} is of an encoder that is trained: expected"
                " objective.trained: both"
            )


def _check_weights(configuration: Configuration, objective: Any) -> None:
    """A weight that moves in a line is 0 at its ends alone, or everywhere."""
    steps = configuration.steps
    own = [term for term in objective.terms if not term.balanced]
    for step in (1, (1 + steps) // 2, steps):
        if not any(term.weight_at(step, steps) for term in own):
            raise UsageError(
                f"objective.terms: at step {step} there is no term with a weight above 0 but those"
                " that are balanced against others: expected one, such as pixels"
            )


def check_sizes(objective: Any, factor: int, sizes: Iterable[tuple[int, int]] = ()) -> None:
    """Whether there is something of images of these ``sizes`` (width, height) in pixels to train
    on by an autoencoder of this ``factor``. Raises ``UsageError``.
    """
    crop = objective.crop
    if crop and crop < factor:
        raise UsageError(
            f"objective.crop: {crop}: a latent cell has {factor} pixels on each side: expected a"
            " multiple of that, or 0"
        )
    sides = [min(crop or side, side) // factor * factor for size in sizes for side in size]
    least = min(sides, default=crop // factor * factor)
    for term in objective.terms:
        if least and least < term.least_side:
            raise UsageError(
                f"objective.terms: {term.name} needs {term.least_side} pixels on each side, as it"
                f" is set; the smallest image, as crop and factor cut it, has {least}"
            )


def folder(configuration: Configuration) -> Path:
    """Where the autoencoder is that a run begins with."""
    return Path(configuration.autoencoder.path)
