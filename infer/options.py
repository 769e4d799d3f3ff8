"""The options of ``python -m infer``, one by one."""

from pathlib import Path
from typing import Annotated

import typer

from curation.storage import user_paths

Prompts = Annotated[
    list[str] | None, typer.Argument(metavar="PROMPT", help="What to generate an image of.")
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="An image to edit as the prompt says; up to three, the result as large as the last.",
        parser=user_paths.place,
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="x.png, or a folder; several become x-0001.png.",
        parser=user_paths.path,
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Same seed, same bytes.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="A diffusers folder, or a training output. [default: ./demo/train]",
        parser=user_paths.path,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(min=1, help="Euler steps. [default: those it was judged with, else 50]"),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="True classifier-free guidance; 1 or less: none."
        " [default: what it was judged with, else 4.0]",
    ),
]
Size = Annotated[
    str | None,
    typer.Option(help="WIDTHxHEIGHT in pixels. [default: what the checkpoint was trained at]"),
]
Negative = Annotated[str, typer.Option(help="What guidance leads away from.")]
PromptFile = Annotated[
    str | None,
    typer.Option(
        "--prompts",
        help="File: .txt, a prompt per line; .jsonl with `prompt` and maybe `seed`.",
        parser=user_paths.place,
    ),
]
ContactSheet = Annotated[
    Path | None,
    typer.Option(
        help="Contact sheet. [default with several prompts: x-sheet.png]",
        parser=user_paths.path,
    ),
]
Columns = Annotated[int | None, typer.Option(min=1, help="Columns of the sheet.")]
BatchSize = Annotated[
    int, typer.Option(min=1, help="Images at once; above 1 the last bits may differ.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
Loras = Annotated[
    list[str] | None,
    typer.Option(
        "--lora",
        metavar="FILE[:FACTOR]",
        help="A LoRA of this network: a file of ours, diffusers' or ComfyUI's, or an output of"
        " training; may be given again.",
        parser=user_paths.place,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A GGUF file in place of the network's weights.",
        parser=user_paths.place,
    ),
]
ControlNet = Annotated[
    Path | None,
    typer.Option(help="A ControlNet's folder, of diffusers.", parser=user_paths.path),
]
Control = Annotated[
    str | None,
    typer.Option(
        metavar="KIND:FILE",
        help="An image to follow: canny, soft_edge, line_art (computed from it), depth, pose,"
        " layout (given), or inpaint.",
        parser=user_paths.place,
    ),
]
Mask = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Of --control inpaint: white where it is to be filled.",
        parser=user_paths.place,
    ),
]
ControlScale = Annotated[float, typer.Option(min=0, help="How much it is followed.")]
ControlSpan = Annotated[
    tuple[float, float],
    typer.Option(metavar="FROM TO", help="In which share of the steps, from 0 to 1."),
]
Enhance = Annotated[
    str | None,
    typer.Option(
        metavar="URL|FOLDER",
        help="A language model that writes prompts anew, quoted texts verbatim: a server of chat"
        " completions, whose key is in ENHANCE_API_KEY, or a folder of transformers.",
        parser=user_paths.place,
    ),
]
EnhanceModel = Annotated[str | None, typer.Option(help="The model's name at --enhance URL.")]
Precision = Annotated[
    str,
    typer.Option(help="Of the network's weights: stored, float32, bfloat16, int8, int4, float8."),
]
Offload = Annotated[
    bool,
    typer.Option("--offload", help="Bring blocks to the GPU one by one: slow, and it fits."),
]
EncodeOnCpu = Annotated[
    bool, typer.Option("--encode-on-cpu", help="The text encoder stays on the CPU.")
]
Compile = Annotated[bool, typer.Option("--compile", help="Compile blocks; pays for many images.")]
Plan = Annotated[
    bool,
    typer.Option("--plan", help="Say what it takes of a GPU by precision, and generate nothing."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
