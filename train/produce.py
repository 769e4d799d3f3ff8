"""``python -m train.produce``: make latents and text features ahead of a training run. Thin."""

import time
from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths
from train import threads as threads_waiting

app = commands.application()
_IDLE = 0.2  # seconds between looks where there is nothing to make


@app.command()
def produce(
    data: Annotated[
        str,
        typer.Option(
            help="Shards: a folder, or a glob in quotation marks.", parser=user_paths.place
        ),
    ],
    units: Annotated[
        Path, typer.Option(help="Folder that consumers read, too.", parser=user_paths.path)
    ],
    preset: Annotated[str, typer.Option(help="As of the training run.")] = "demo",
    config: Annotated[
        Path | None, typer.Option(help="As of the training run.", parser=user_paths.path)
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="As of the training run.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="As of the training run.")] = None,
    depth: Annotated[int, typer.Option(min=1, help="Steps to be ahead of training.")] = 64,
    everything: Annotated[
        bool, typer.Option("--all", help="Make all units, and end; no training need be there.")
    ] = False,
    owner: Annotated[
        str, typer.Option(help="Name among producers. [default: host and process]")
    ] = "",
    lease: Annotated[float, typer.Option(min=0.1, help="Seconds that a lease lasts.")] = 60.0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. [default: all cores]")
    ] = None,
) -> None:
    """Make units until training is done. Any number of these may run, on any hosts that share the
    folder, and may be killed.

    Example: python -m train.produce --config run.yaml --data shards --units /shared/units
    """
    from train import configuration_file

    wanted = configuration_file.resolve(preset, config, steps=steps, seed=seed)
    threads_waiting.settle()
    import torch

    from train.adapters import base
    from train.producers import stores, workshop
    from train.producers.folder import UnitFolder, check_owner
    from train.producers.producing import Producer, Settings

    if owner and not check_owner(owner):
        raise UsageError(f"--owner {owner}: expected letters, digits, '.', '_' and '-'")
    if threads is not None:
        torch.set_num_threads(threads)
    if wanted.beside:
        wanted = base.settled(wanted, units=True)
    folder = UnitFolder(units)
    opened = workshop.opened(wanted, data, units, lambda message: typer.echo(message, err=True))
    producer = Producer(
        opened.plan,
        opened.maker,
        folder,
        Settings(owner or stores.owner(), wanted.steps if everything else depth, lease),
        wanted.steps,
        lambda message: typer.echo(message, err=True),
    )
    while not (producer.is_all_made if everything else producer.is_done):
        if not producer.once():
            time.sleep(_IDLE)
    counts = ", ".join(f"{value} {name}" for name, value in sorted(producer.counts.items()))
    typer.echo(counts or "nothing was left to make")


if __name__ == "__main__":
    commands.main("train.produce", app)
