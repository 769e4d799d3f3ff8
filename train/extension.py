"""A run of other steps than before: from which checkpoint it goes on.

The learning rate falls over the last ``optimiser.decay`` share of all steps, so a longer run takes
other steps from where the shorter one began to fall. It therefore goes on from the last checkpoint
before that, and is then to the bit the run it would have been had it been asked for at first. Where
losses themselves depend on the number of steps (``Objective.moves``) there is no such checkpoint.
"""

from dataclasses import dataclass
from pathlib import Path

from curation.failures.errors import UsageError
from train import checkpoint, checkpoint_folder
from train.configuration import Configuration
from train.optimisers import schedule


@dataclass(frozen=True)
class Start:
    """The checkpoint to go on from, and why it is not simply the latest; None where it is."""

    folder: Path
    reason: str | None


def start(latest: Path, wanted: Configuration) -> Start:
    """Where to go on from: ``latest``, the latest, unless its steps were planned otherwise.

    Raises ``UsageError`` for fewer steps than were taken, where no such checkpoint is left, and
    where there is none.
    """
    planned, step = _steps(latest)
    if planned == wanted.steps:
        return Start(latest, _reason(latest, planned, wanted))
    if wanted.steps < step:
        raise UsageError(
            f"--steps {wanted.steps}: {latest.parent} is at step {step} already; ask for more"
            " steps, or for another --out"
        )
    if wanted.objective.moves:
        raise UsageError(
            f"--steps {wanted.steps}: {latest.parent} was to take {planned} steps, and weights of"
            " objective.terms move over all of them: another number is another run from its first"
            f" step on; ask for --steps {planned}, for another --out, or for weights that do not"
            " move"
        )
    shorter, at = planned, step
    for folder in checkpoint_folder.by_age(latest.parent):
        if checkpoint_folder.damage(folder):
            continue
        before, at = _steps(folder)
        shorter = min(before, wanted.steps)
        if at <= min(schedule.full_until(shorter, wanted.optimiser), step):
            return Start(folder, _reason(folder, planned, wanted))
    fell = schedule.full_until(shorter, wanted.optimiser)
    raise UsageError(
        f"--steps {wanted.steps}: in a run of {shorter} steps the learning rate falls after step"
        f" {fell}, and the earliest checkpoint in {latest.parent} is of step {at}, later; ask for"
        f" --steps {planned}, or for another --out"
    )


def _steps(folder: Path) -> tuple[int, int]:
    """How many steps a checkpoint's run was to take, and its own."""
    configuration, step = checkpoint.read_configuration(folder), checkpoint.read_progress(folder)
    if configuration is None:
        raise UsageError(f"{folder}: no training_state/configuration.json; ask for another --out")
    return configuration.steps, step.step


def _reason(folder: Path, planned: int, wanted: Configuration) -> str | None:
    """Why ``folder``, and which later checkpoints the run replaces."""
    changed = planned != wanted.steps
    change = f"{wanted.steps} steps instead of {planned}: " if changed else ""
    step = checkpoint_folder.step(folder)
    there = checkpoint_folder.by_age(folder.parent)
    later = there[: there.index(folder)][::-1]
    if not later:
        return f"{change}going on from step {step}" if changed else None
    cause = f", before the learning rate {'fell' if planned < wanted.steps else 'falls'}"
    first, last = step + 1, checkpoint_folder.step(later[-1])
    again = f"steps {first} to {last} are" if first < last else f"step {last} is"
    return (
        f"{change}going back to step {step}{cause if changed else ''}; {again} trained again,"
        f" replacing {', '.join(path.name for path in later)}"
    )
