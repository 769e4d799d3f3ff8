"""``python -m train.enhancer``: train a language model that writes prompts anew. Thin."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from curation.failures import commands
from curation.storage import user_paths
from train import threads as threads_waiting

app = commands.application(
    help="Train a language model that writes prompts anew, on triplets of captions."
    " Example: python -m train.enhancer sft --data pairs --model Qwen3-4B-Instruct --out sft"
)

_Data = Annotated[
    str, typer.Option(help="Triplets: a folder of them, or a .jsonl.", parser=user_paths.place)
]
_Out = Annotated[Path, typer.Option(help="Folder to write to.", parser=user_paths.path)]
_Config = Annotated[
    Path | None, typer.Option(help="YAML of settings: docs/enhancer.md.", parser=user_paths.path)
]
_Model = Annotated[
    Path | None,
    typer.Option(
        help="Folder of a causal language model of transformers, or a checkpoint of this command.",
        parser=user_paths.path,
    ),
]
_Steps = Annotated[int | None, typer.Option(min=1, help="Steps to train.")]
_Seed = Annotated[int | None, typer.Option(min=0, help="Same seed, same curve.")]
_Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads. [default: all cores]")]
_Plan = Annotated[bool, typer.Option("--plan", help="Print what the run would take, and stop.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def triplets(
    data: Annotated[
        str,
        typer.Option(
            help="Shards: a folder, or a glob in quotation marks.", parser=user_paths.place
        ),
    ],
    out: _Out,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same triplets.")] = 0,
    as_json: _Json = False,
) -> None:
    """Make triplets of the captions of shards: a short prompt, the fine one that it stands for, and
    the reasoning between them.

    Example: python -m train.enhancer triplets --data 'demo/strings-en/part-*.parquet' --out pairs
    """
    from train.enhancer import making

    ledger = making.run(data, out, seed, _tell)
    typer.echo(json.dumps(ledger, indent=1, ensure_ascii=False) if as_json else out)


@app.command()
def sft(
    data: _Data,
    out: _Out,
    model: _Model = None,
    config: _Config = None,
    steps: _Steps = None,
    seed: _Seed = None,
    threads: _Threads = None,
    plan: _Plan = False,
    as_json: _Json = False,
) -> None:
    """Fine-tune a language model on triplets, or go on where the same command stopped.

    Example: python -m train.enhancer sft --data triplets --model Qwen3-4B-Instruct --out enhancer
    """
    from train.enhancer.configuration import Supervised, resolve

    start = None if model is None else str(model)
    chosen = resolve(Supervised, config, model=start, steps=steps, seed=seed)
    _run(chosen, data, out, threads, plan, as_json)


@app.command()
def grpo(
    data: _Data,
    out: _Out,
    model: _Model = None,
    generator: Annotated[
        Path | None,
        typer.Option(
            help="The frozen generator: a checkpoint, or an output of `python -m train`.",
            parser=user_paths.path,
        ),
    ] = None,
    config: _Config = None,
    steps: _Steps = None,
    seed: _Seed = None,
    threads: _Threads = None,
    plan: _Plan = False,
    as_json: _Json = False,
) -> None:
    """Train a language model by what the images of its prompts are worth, or go on.

    Example: python -m train.enhancer grpo --data triplets --model sft/checkpoint-200 --generator
    demo/train --out enhancer
    """
    from train.enhancer.configuration import Policy, resolve

    start = None if model is None else str(model)
    frozen = None if generator is None else str(generator)
    chosen = resolve(Policy, config, model=start, generator=frozen, steps=steps, seed=seed)
    _run(chosen, data, out, threads, plan, as_json)


def _run(chosen: Any, data: str, out: Path, threads: int | None, plan: bool, as_json: bool) -> None:
    """Import what is heavy, now that the arguments are known to be good."""
    threads_waiting.settle()
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    if plan:
        from train.enhancer import planning

        planned = planning.plan(chosen, data)
        typer.echo(json.dumps(planned, indent=1) if as_json else planning.as_text(planned))
        return
    from train.enhancer import job

    result = job.run(chosen, data, out, _tell)
    typer.echo(json.dumps(result, indent=1) if as_json else result["checkpoint"])


def _tell(message: str) -> None:
    typer.echo(message, err=True)


if __name__ == "__main__":
    commands.main("train.enhancer", app)
