"""The options of ``python -m infer.evaluation``, beside those of ``python -m infer``."""

from pathlib import Path
from typing import Annotated

import typer

from curation.storage import user_paths

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Benchmark, such as held_out_strings; none: lists all."),
]
Images = Annotated[
    Path | None,
    typer.Option(
        help="Somebody else's images, named <prompt id>_<k>.png: nothing is generated.",
        parser=user_paths.path,
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A server with /images/generations below URL; its key is in IMAGE_API_KEY.",
    ),
]
Model = Annotated[str | None, typer.Option(help="The model's name at --endpoint.")]
Data = Annotated[
    str | None,
    typer.Option(
        help="What the benchmark is made of, where it asks for it: shards, or a file of prompts.",
        parser=user_paths.place,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="Where all of it is written. [default: evaluation/ beside the checkpoint]",
        parser=user_paths.path,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, help="Images at once. [default: about 4 megapixels, at most 64]"),
]
Negative = Annotated[
    str | None, typer.Option(help="What guidance leads away from. [default: the benchmark's]")
]
Sample = Annotated[
    int | None, typer.Option(min=1, help="So many prompts of each group, in place of all.")
]
SampleSeed = Annotated[int, typer.Option(min=0, help="Which prompts --sample chooses.")]
Reader = Annotated[str, typer.Option(help="What reads text: rapidocr, or judge.")]
Judge = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A server of chat completions with images; its key is in JUDGE_API_KEY.",
    ),
]
JudgeModel = Annotated[str | None, typer.Option(help="The model's name at --judge.")]
AtOnce = Annotated[int, typer.Option(min=1, max=512, help="Requests to a server at once.")]
TrainedOn = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Training shards in which the prompts are looked for. [default: those it names]",
        parser=user_paths.place,
    ),
]
Compare = Annotated[
    tuple[Path, Path] | None,
    typer.Option(metavar="OUT1 OUT2", help="By how much the second differs from the first."),
]
