"""``python -m train``: train a flow-matching MMDiT on shards. Thin: arguments in, result out."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths
from train import threads as threads_waiting

app = commands.application()


@app.command()
def train(
    data: Annotated[
        str | None,
        typer.Option(
            help="Shards: a folder, or a glob in quotation marks; or a folder of images with"
            " captions (cat.jpg and cat.txt, or metadata.jsonl).",
            parser=user_paths.place,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for checkpoints, curves and samples.", parser=user_paths.path),
    ] = None,
    evaluate_on: Annotated[
        str | None,
        typer.Option(
            help="Shards to hold images out of and be judged on. [default: those of --data]",
            parser=user_paths.place,
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="Settings to start from: demo, nano, small, qwen-image, qwen-image-21, lora,"
            " lora-21, decoder, residual, dpo, grpo,"
            " imitation, dmd."
        ),
    ] = ("demo"),
    config: Annotated[
        Path | None,
        typer.Option(help="YAML that overrides settings of the preset.", parser=user_paths.path),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Network to start from, or that a LoRA is trained beside: a published folder, or a"
            " checkpoint. [default: as the settings say]",
            parser=user_paths.path,
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps to train.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same curve.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. [default: all cores]")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the settings as JSON and stop.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what the run would take, and stop.")
    ] = False,
    plan_on: Annotated[
        str,
        typer.Option(
            help="Plan for these devices, such as h100x64 or a100-40gb. [default: the one here]",
            show_default=False,
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train on shards or a folder of images, or go on where an interrupted run of the same command
    stopped.

    Example: python -m train --preset demo --data 'demo/strings-en/part-*.parquet' --out demo/train

    Example: python -m train --preset lora --data my-images/ --weights Qwen-Image --out my-lora

    Each line it prints: the loss of the step (mean squared error of the velocity), the norm of its
    gradient before clipping, images trained on per second, the share of the device's peak that real
    tokens make use of (MFU), the peak of memory, and the time left in hours:minutes:seconds.

    Watch it: tensorboard --logdir demo/train/tensorboard, and the images in demo/train/samples.
    """
    from train import configuration_file

    start = None if weights is None else str(weights)
    wanted = configuration_file.resolve(preset, config, steps=steps, seed=seed, weights=start)
    if show:
        typer.echo(wanted.model_dump_json(indent=1))
        return
    if plan or plan_on:
        threads_waiting.settle()
        if wanted.reconstructs:
            from train.reconstruction import planned as reconstruction

            of_autoencoder = reconstruction.plan(wanted, data or "", plan_on)
            text = reconstruction.as_text(of_autoencoder)
            typer.echo(of_autoencoder.model_dump_json(indent=1) if as_json else text)
            return
        from train import planned_text, planning

        planned = planning.plan(wanted, data or "", plan_on)
        typer.echo(planned.model_dump_json(indent=1) if as_json else planned_text.as_text(planned))
        return
    if data is None or out is None:
        raise UsageError("expected --data and --out: what to train on, and where to write")
    result = _run(wanted, (data, out, evaluate_on), threads)
    if os.environ.get("RANK", "0") != "0":  # of a run of several processes, the first says it
        return
    if as_json:
        typer.echo(json.dumps(result, indent=1))
        return
    typer.echo(result["checkpoint"])


def _run(wanted: Any, asked: tuple[str, Path, str | None], threads: int | None) -> dict[str, Any]:
    """Import what is heavy, now that the arguments are known to be good."""
    threads_waiting.settle()
    import torch

    from train import job

    if threads is not None:
        torch.set_num_threads(threads)
    return job.run(wanted, job.Request(*asked), lambda message: typer.echo(message, err=True))


if __name__ == "__main__":
    commands.main("train", app)
