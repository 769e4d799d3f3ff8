"""``python -m infer.evaluation``: what a model is worth. Thin: arguments in, result out.

Exit codes: 0 fine, 1 bug, 2 wrong usage, 3 images or answers are missing, 4 disk or input/output,
130 interrupted.
"""

import json
from typing import Any

import typer

from curation.failures import commands
from infer import options
from infer.harness import options as own
from train import threads

app = commands.application()


@app.command()
def evaluate(
    name: own.Name = None,
    checkpoint: options.Checkpoint = None,
    images: own.Images = None,
    endpoint: own.Endpoint = None,
    model: own.Model = None,
    data: own.Data = None,
    out: own.Out = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    negative: own.Negative = None,
    size: options.Size = None,
    batch_size: own.BatchSize = None,
    device: options.Device = "auto",
    sample: own.Sample = None,
    sample_seed: own.SampleSeed = 0,
    reader: own.Reader = "rapidocr",
    judge: own.Judge = None,
    judge_model: own.JudgeModel = None,
    at_once: own.AtOnce = 8,
    trained_on: own.TrainedOn = None,
    compare: own.Compare = None,
    as_json: options.AsJson = False,
) -> None:
    """Generate the images of a benchmark, or take somebody else's, and score them.

    Example: python -m infer.evaluation held_out_strings --checkpoint demo/train --data
    'demo/strings-en/part-*.parquet'

    Another model's: python -m infer.evaluation NAME --images FOLDER

    Two outputs: python -m infer.evaluation --compare OUT1 OUT2

    Run again after any end, it goes on. Intervals are of the prompts chosen: another seed of
    training is not in them.
    """
    given = locals()
    threads.settle()
    if compare is not None:
        from infer.harness import comparing

        _refuse_both(name)
        compared = comparing.compare(*compare)
        _show(compared, comparing.sentences(compared), as_json)
        return
    from infer import scoring
    from infer.harness import asking

    result, folder = asking.carry_out(asking.Asked.of(given))
    _show({**result, "out": str(folder)}, [*scoring.sentences(result), f"{folder}"], as_json)


def _refuse_both(name: str | None) -> None:
    from curation.failures.errors import UsageError

    if name is not None:
        raise UsageError(f"--compare: leave {name!r} out; the outputs know their benchmark")


def _show(result: dict[str, Any], lines: list[str], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for line in lines:
        typer.echo(line)


if __name__ == "__main__":
    commands.main("infer.evaluation", app)
