"""``python -m train.averages``: the average of any width, after training (``train.power``)."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation import storage
from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths

if TYPE_CHECKING:
    from torch import nn

    from train.configuration import EmaConfiguration

app = commands.application()


@app.command()
def average(
    out: Annotated[
        Path,
        typer.Argument(help="A training output, or a checkpoint in one.", parser=user_paths.path),
    ],
    width: Annotated[
        float, typer.Option(help="Relative to all steps: 0.05 forgets soon, 0.25 hardly.")
    ],
) -> None:
    """Make the power-function average of another width than those that were kept.

    Example: python -m train.averages demo/train --width 0.12

    It takes a run with `ema: {kind: power}`, and writes OUT/checkpoint-<step>-width-<width>, which
    `python -m infer --checkpoint` reads as any other checkpoint.
    """
    from train.power import WIDEST

    if not 0 < width <= WIDEST:
        raise UsageError(f"--width {width}: expected more than 0 and at most {WIDEST}")
    typer.echo(str(make(out, width)))


def make(out: Path, width: float) -> Path:
    """Write the checkpoint of the average of relative ``width``; returns its folder.

    Raises ``UsageError`` where there are no averages to make it of, ``CheckpointError``,
    ``OSError``.
    """
    from train import checkpoint, checkpoint_export, checkpoint_folder, model_card, trained_on

    folder = checkpoint_folder.find(out)
    configuration = checkpoint.read_configuration(folder) if folder else None
    if folder is None or configuration is None:
        raise UsageError(f"{out}: no checkpoint of a training run")
    if configuration.beside:
        kind = "LoRA" if configuration.adapter else "ControlNet"
        raise UsageError(f"{out}: a {kind}, which has the average it was trained with alone")
    if configuration.reconstructs:
        raise UsageError(
            f"{out}: an autoencoder, whose checkpoints have the first of ema.widths alone: no other"
            " is made of it afterwards"
        )
    if configuration.ema.kind != "power":
        raise UsageError(
            f"{out}: trained with ema.kind {configuration.ema.kind}; a width can be chosen after"
            " training with ema: {kind: power}"
        )
    loaded = checkpoint.load_for_inference(folder)
    modules = checkpoint.trained_modules(folder, loaded)
    _average(folder, modules, configuration.ema, width)
    final = folder.with_name(f"{folder.name}-width-{width}")
    partial = final.with_name(f".{final.name}{storage.TEMPORARY_SUFFIX}")
    shutil.rmtree(partial, ignore_errors=True)
    state = Path(checkpoint_folder.STATE)
    (partial / state).mkdir(parents=True)
    weights = {part: module.state_dict() for part, module in modules.items()}
    checkpoint_export.write(partial, checkpoint.of_modules(folder, loaded, modules), weights)
    for name in (Path(trained_on.NAME), state / "configuration.json"):
        shutil.copyfile(folder / name, partial / name)
    model_card.write(partial)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    return final


def _average(
    folder: Path, modules: "Mapping[str, nn.Module]", settings: "EmaConfiguration", width: float
) -> None:
    """Put the average of ``width`` into the ``modules`` of the checkpoint in ``folder``, which hold
    the first of those that it has.
    """
    import torch
    from safetensors import safe_open

    from train import checkpoint, checkpoint_folder, ema
    from train.power import Power, Profile, coefficients

    step, directory = checkpoint_folder.step(folder), folder.parent
    paths = {
        Profile(Power(kept).gamma, earlier): ema.snapshot_path(directory, earlier, kept)
        for earlier in range(settings.snapshots, step, settings.snapshots)
        for kept in settings.widths
    }
    missing = [path for path in paths.values() if not path.is_file()]
    if missing:
        raise UsageError(f"{missing[0]}: missing, and {len(missing) - 1} more of {len(paths)}")
    now = [Profile(Power(kept).gamma, step) for kept in settings.widths]
    shares = coefficients([*now, *paths], Profile(Power(width).gamma, step)).tolist()
    weights = ema.weights(modules)
    with torch.no_grad():
        for weight in weights.values():
            weight.mul_(shares[0])
        for share, stored in zip(shares[1:], checkpoint.further_averages(folder), strict=False):
            for name, weight in weights.items():
                weight.add_(stored[name], alpha=share)
        for share, path in zip(shares[len(now) :], paths.values(), strict=True):
            with safe_open(str(path), framework="pt") as opened:
                for name, weight in weights.items():
                    weight.add_(opened.get_tensor(name).to(weight.dtype), alpha=share)


if __name__ == "__main__":
    commands.main("train.averages", app)
