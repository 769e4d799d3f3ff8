"""A run of other steps than before: from which checkpoint it goes on.

The learning rate falls over the last ``optimiser.decay`` share of all steps, so a longer run takes
other steps from where the shorter one began to fall. It therefore goes on from the last checkpoint
before that, and is then to the bit the run it would have been had it been asked for at first.
"""

from collections.abc import Callable
from pathlib import Path

from train import checkpoint, checkpoint_folder, optimiser
from train.configuration import Configuration
from train.problems import UsageError


def start(found: Path, wanted: Configuration, tell: Callable[[str], None]) -> Path:
    """The checkpoint to go on from: ``found``, the latest, unless its steps were planned otherwise.

    Raises ``UsageError`` for fewer steps than were taken, and where no such checkpoint is left.
    """
    planned, step = _steps(found)
    if planned == wanted.steps:
        return found
    if wanted.steps < step:
        raise UsageError(
            f"--steps {wanted.steps}: {found.parent} is at step {step} already; ask for more steps,"
            " or for another --out"
        )
    for folder in checkpoint_folder.by_age(found.parent):
        if checkpoint_folder.damage(folder):
            continue
        before, at = _steps(folder)
        alike = min(optimiser.full_until(n, wanted.optimiser) for n in (before, wanted.steps))
        if at <= min(alike, step):
            tell(_told(found, folder, wanted))
            return folder
    fell = optimiser.full_until(planned, wanted.optimiser)
    raise UsageError(
        f"--steps {wanted.steps}: the run in {found.parent} was to take {planned}, let its learning"
        f" rate fall after step {fell}, and left no checkpoint from before; ask for"
        f" --steps {planned}, or for another --out"
    )


def _steps(folder: Path) -> tuple[int, int]:
    """How many steps a checkpoint's run was to take, and its own."""
    configuration, step = checkpoint.read_configuration(folder), checkpoint.read_progress(folder)
    if configuration is None:
        raise UsageError(f"{folder}: no training_state/configuration.json; ask for another --out")
    return configuration.steps, step.step


def _told(found: Path, folder: Path, wanted: Configuration) -> str:
    planned, step = _steps(found)
    told = f"{wanted.steps} steps instead of {planned}: goes on from {folder.name}"
    if folder == found:
        return told
    fell = optimiser.full_until(planned, wanted.optimiser)
    return (
        f"{told}, not from step {step}, because the learning rate fell after step {fell} and a run"
        f" of {wanted.steps} steps would have kept it up; later checkpoints are replaced"
    )
