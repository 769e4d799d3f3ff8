"""``python -m train.change_plan``: propose other phases to a run that goes on. Thin."""

from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths

app = commands.application()


@app.command()
def change(
    units: Annotated[
        Path, typer.Option(help="Folder of units, or the cache.", parser=user_paths.path)
    ],
    config: Annotated[
        Path, typer.Option(help="YAML with the phases that follow.", parser=user_paths.path)
    ],
    from_step: Annotated[int, typer.Option(min=2, help="Step that they begin at.")],
) -> None:
    """Propose the phases of a configuration, checked as the run will. Training takes them in from
    this step on, or as soon after as it can; producers follow.

    Example: python -m train.change_plan --units /shared/units --config more.yaml --from-step 20000
    """
    from train.producers import proposing

    number = proposing.propose(
        units, config, from_step, lambda message: typer.echo(message, err=True)
    )
    typer.echo(f"version {number} is proposed from step {from_step} on")


if __name__ == "__main__":
    commands.main("train.change_plan", app)
