"""``python -m infer``: draw pictures from prompts. Thin: arguments in, files out, exit code.

Exit codes: 0 fine, 1 bug, 2 wrong usage or checkpoint, 4 disk or input/output, 130 interrupted.
"""

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths
from train import threads

app = commands.application()


@app.command()
def draw(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="PROMPT", help="What to draw.")
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="x.png, or a folder; several become x-0001.png.",
            parser=user_paths.path,
        ),
    ] = Path("drawn.png"),
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Same seed, same bytes.")] = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="A diffusers folder, or a training output. [default: ./demo/train]",
            parser=user_paths.path,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Euler steps. [default: those it was judged with, else 50]"),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="True classifier-free guidance; 1 or less: none."
            " [default: what it was judged with, else 4.0]",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="WIDTHxHEIGHT in pixels. [default: what the checkpoint was trained at]"),
    ] = None,
    negative: Annotated[str, typer.Option(help="What guidance leads away from.")] = "",
    prompts: Annotated[
        str | None,
        typer.Option(
            help="File: .txt, a prompt per line; .jsonl with `prompt` and maybe `seed`.",
            parser=user_paths.place,
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Contact sheet. [default with several prompts: x-sheet.png]",
            parser=user_paths.path,
        ),
    ] = None,
    columns: Annotated[int | None, typer.Option(min=1, help="Columns of the sheet.")] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Pictures at once; above 1 the last bits may differ.")
    ] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Draw pictures from prompts with a trained checkpoint, or any Qwen-Image folder.

    Example: python -m infer 'the word "ink" in red on white' -o ink.png --seed 7

    A sheet of many: python -m infer --prompts prompts.txt -o pictures/ --sheet sheet.png

    Every PNG carries its prompt, seed, steps and guidance; its seed draws it again alone.
    """
    threads.settle()
    from infer import job

    if guidance is not None and not math.isfinite(guidance):
        raise UsageError(f"guidance is {guidance}; expected a number such as 4.0")
    wanted = job.prepare(
        texts or [],
        prompts,
        output=output,
        seed=seed,
        checkpoint=checkpoint,
        size=size,
        sheet=sheet,
    )
    from infer.sampling import Settings  # heavy, so only once the arguments are known good

    settings = Settings(
        wanted.usual.width,
        wanted.usual.height,
        wanted.usual.steps if steps is None else steps,
        wanted.usual.guidance if guidance is None else guidance,
        negative,
        batch_size,
    )
    result = job.run(wanted, settings, device, columns)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for picture in result["pictures"]:
        typer.echo(picture["file"])
    if result["sheet"]:
        typer.echo(result["sheet"])


if __name__ == "__main__":
    commands.main("infer", app)
