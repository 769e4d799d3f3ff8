"""``python -m infer``: generate images from prompts. Thin: arguments in, files out, exit code.

Exit codes: 0 fine, 1 bug, 2 wrong usage or checkpoint, 4 disk or input/output, 130 interrupted.
"""

import json
from dataclasses import replace
from pathlib import Path

import typer

from curation.failures import commands
from infer import options
from train import threads

app = commands.application()


@app.command()
def generate(
    texts: options.Prompts = None,
    inputs: options.Inputs = None,
    output: options.Output = Path("generated.png"),
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    size: options.Size = None,
    negative: options.Negative = "",
    prompts: options.PromptFile = None,
    sheet: options.ContactSheet = None,
    columns: options.Columns = None,
    batch_size: options.BatchSize = 1,
    device: options.Device = "auto",
    loras: options.Loras = None,
    weights: options.Weights = None,
    controlnet: options.ControlNet = None,
    control: options.Control = None,
    mask: options.Mask = None,
    control_scale: options.ControlScale = 1.0,
    control_span: options.ControlSpan = (0.0, 1.0),
    enhance: options.Enhance = None,
    enhance_model: options.EnhanceModel = None,
    precision: options.Precision = "stored",
    offload: options.Offload = False,
    encode_on_cpu: options.EncodeOnCpu = False,
    compiles: options.Compile = False,
    plan: options.Plan = False,
    as_json: options.AsJson = False,
) -> None:
    """Generate images from prompts with a trained checkpoint, or any Qwen-Image folder.

    Example: python -m infer 'the word "ink" in red on white' -o ink.png --seed 7

    An edit: python -m infer --input page.png 'Replace "ink" with "INK"' -o edited.png

    A sheet of many: python -m infer --prompts prompts.txt -o images/ --sheet sheet.png

    What fits on a card: python -m infer --plan --checkpoint Qwen-Image --size 1328x1328

    Every PNG carries its prompt, seed, steps and guidance; its seed generates it again alone.
    """
    threads.settle()
    from infer import generating, job

    generating.check(steps, guidance)
    if plan:
        typer.echo(job.planned(checkpoint, size, batch_size, guidance, as_json))
        return
    carried = generating.execution(
        loras or (), weights, precision, offload, compiles, controlnet, encode_on_cpu
    )
    asked = (tuple(texts or ()), prompts, output, seed, checkpoint, size, sheet)
    following = (control, mask, control_scale, control_span)
    wanted = job.prepare(job.Arguments(*asked, tuple(inputs or ()), following))
    settings = generating.settings(wanted.asked, steps, guidance, negative)
    written, sentences = generating.enhanced(wanted.asked, enhance, enhance_model, device)
    wanted = replace(wanted, asked=written)
    for number, prompt in enumerate(written.prompts, 1):
        if prompt.given:
            typer.echo(f"infer: prompt {number} is now: {prompt.text}", err=True)
    for sentence in sentences:
        typer.echo(f"infer: warning: {sentence}", err=True)
    result = job.run(wanted, settings, device, batch_size, columns, carried)
    result["warnings"] += sentences
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for image in result["images"]:
        typer.echo(image["file"])
    if result["sheet"]:
        typer.echo(result["sheet"])


if __name__ == "__main__":
    commands.main("infer", app)
