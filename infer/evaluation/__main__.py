"""``python -m infer.evaluation``: what a trained model is worth. Thin: arguments in, result out."""

import json
from typing import Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths
from infer import options
from train import threads

app = commands.application()


@app.command()
def evaluate(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Benchmark, such as held_out_strings.")
    ],
    checkpoint: options.Checkpoint = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Shards that the benchmark is made of, where it asks for some.",
            parser=user_paths.place,
        ),
    ] = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    batch_size: options.BatchSize = 64,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Generate the images of a benchmark with a checkpoint, and score them.

    Example: python -m infer.evaluation held_out_strings --checkpoint demo/train --data
    'demo/strings-en/part-*.parquet'

    Shares have 95 % intervals (Wilson's) of the prompts chosen: another seed of training is not in
    them.
    """
    threads.settle()
    from infer import checkpoints, scoring

    kind = scoring.benchmark(name)
    chosen = kind(checkpoints.find(checkpoint), data)
    figures, made = scoring.run(chosen, steps, guidance, batch_size, device)
    if as_json:
        result = {"benchmark": name, **made, **figures.values}
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    typer.echo(figures.sentence)


if __name__ == "__main__":
    commands.main("infer.evaluation", app)
