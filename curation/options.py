"""The options of ``beam``, with their help: what a command takes, apart from what it does."""

from typing import Annotated

import typer

from curation.storage import user_paths

Output = Annotated[
    str, typer.Option("--output", "-o", help="The run's output directory.", parser=user_paths.place)
]
Config = Annotated[
    str | None,
    typer.Option(
        help="Configuration file (default: ./pipelines.yaml, else ours).", parser=user_paths.place
    ),
]
JudgedBy = Annotated[
    str | None,
    typer.Option(
        "--pipeline", help="Entry of the configuration to judge by (default: that of the run)."
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(help="Leave a signal out, with all rules on its columns; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Details = Annotated[bool, typer.Option("--details", help="List every promise that was checked.")]
Key = Annotated[str, typer.Argument(help="A row's key, id, or the end of its location.")]
Long = Annotated[
    bool, typer.Option("--long", help="Also what it passes, and all that was measured.")
]
Cost = Annotated[bool, typer.Option(help="Also measure CPU milliseconds per image.")]

# of ``beam export``
Format = Annotated[str, typer.Argument(help="webdataset or hf.")]
To = Annotated[
    str, typer.Option("--to", help="Folder to write to: a new one.", parser=user_paths.place)
]
CaptionSplit = Annotated[
    list[str] | None,
    typer.Option(
        "--caption",
        help="Where a format takes one caption: of which split (raw, recaption, fused, "
        "instruction), the first that has any; repeatable.",
    ),
]
StripMetadata = Annotated[
    bool,
    typer.Option(
        "--strip-metadata", help="Images without EXIF, XMP, IPTC and comments; no pixel changes."
    ),
]
FromStage = Annotated[
    str, typer.Option("--stage", help="Only rows that passed this stage, or a deeper one.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        help="Only rows within bounds, as the trainer's data.where says them: "
        "'short_side: {min: 512}', 'format: {in: [JPEG, PNG]}'; repeatable.",
    ),
]

# of ``beam serve``
Run = Annotated[str, typer.Argument(help="The output directory of a run.", parser=user_paths.place)]
Port = Annotated[int, typer.Option(help="Port to listen at; 0: any that is free.")]
Host = Annotated[
    str, typer.Option(help="Address to listen at; beside loopback with a token alone.")
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(help="Another name of this host that requests may come by; repeatable."),
]
Picks = Annotated[
    str | None,
    typer.Option(
        help="File that keeps picks, ratings and preferences (default: OUTPUT/picks.jsonl).",
        parser=user_paths.place,
    ),
]

# of ``beam run``
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        "-i",
        help="Folder, tar, Parquet, JSONL or glob; repeatable.",
        parser=user_paths.place,
    ),
]
Entry = Annotated[str, typer.Argument(help="Name in the configuration.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Local workers (default: all cores).")]
UnitRows = Annotated[int, typer.Option(min=1, help="Rows between two resume points.")]
Verify = Annotated[
    bool, typer.Option("--verify", help="Trust no file by its time: read all of them again.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Let rows of other inputs go that OUTPUT has.")
]
CaptionColumn = Annotated[
    list[str] | None,
    typer.Option(help="Column or field of captions, instead of the usual names; repeatable."),
]
KeyColumn = Annotated[str | None, typer.Option(help="Column or field that holds the key of a row.")]
KeepColumns = Annotated[
    list[str] | None,
    typer.Option(help="Columns or fields to pass on into the shards: a,b; repeatable."),
]
AllowOutside = Annotated[
    bool,
    typer.Option("--allow-outside", help="Read what links and lists name outside the input."),
]
# of ``beam plan``
SampleRows = Annotated[int, typer.Option("--sample", min=1, help="How many rows to look at.")]
PlanOutput = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        help="Keep the run over the sample, with its report, in this folder.",
        parser=user_paths.place,
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Another sample than by the pipeline's.")]
CpuPrice = Annotated[float | None, typer.Option("--price-cpu-hour", min=0, help="Of one core.")]
GpuPrice = Annotated[float | None, typer.Option("--price-gpu-hour", min=0, help="Of one GPU.")]
DiskPrice = Annotated[
    float | None, typer.Option("--price-gigabyte-month", min=0, help="Of 10^9 bytes stored.")
]
TokenRate = Annotated[
    float | None,
    typer.Option(
        "--tokens-per-second",
        min=0.001,
        help="That a GPU of yours writes, all its rows together: GPU hours of captions go by it.",
    ),
]

Exclude = Annotated[
    list[str] | None,
    typer.Option(
        help="File of keys, ids or SHA-256, one a line: rows to leave out of this and every later "
        "run into OUTPUT, with all of the same bytes; repeatable.",
        parser=user_paths.place,
    ),
]
Reuse = Annotated[
    list[str] | None,
    typer.Option(
        help="Another run's output: take over what was measured there of the same images, by the "
        "same signals; it is only read; repeatable.",
        parser=user_paths.place,
    ),
]
SharedFilesystem = Annotated[
    bool, typer.Option("--shared-filesystem", help="Every worker sees our local paths.")
]
