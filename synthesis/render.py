"""``python -m synthesis.render``: text images into shards, with a gallery and a contact sheet."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from synthesis.fonts.languages import LANGUAGES

EXAMPLE = "Example: python -m synthesis.render --lang zh --mode pure --n 64 --out DIR --seed 1"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class ModeName(StrEnum):
    """What is drawn: ``strings`` are a trainer's toy, one to four characters in fixed cells."""

    pure = "pure"
    scene = "scene"
    template = "template"
    mix = "mix"
    strings = "strings"


@app.command(epilog=EXAMPLE)
def render(
    lang: Annotated[str, typer.Option(help=f"Language of the texts: {', '.join(LANGUAGES)}.")],
    out: Annotated[
        Path, typer.Option(help="Folder for shards, manifest, gallery and contact sheet.")
    ],
    n: Annotated[int, typer.Option(min=1, help="Number of pictures.")] = 64,
    mode: Annotated[
        ModeName,
        typer.Option(help="Clean pages, texts in scenes, filled templates, or a mix of them."),
    ] = ModeName.pure,
    size: Annotated[
        str | None,
        typer.Option(
            help="WIDTHxHEIGHT in pixels, or 256, 640, 1328: that class in nine aspect ratios."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same pictures.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes; pictures do not differ.")] = 1,
    corpus: Annotated[
        str | None,
        typer.Option(help="Your texts: .txt (a paragraph per line) or .jsonl with `text`."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of your texts, e.g. CC-BY-4.0, kept in the shards.")
    ] = None,
    fonts: Annotated[
        str | None, typer.Option(help="A font file or a folder of them, instead of the system's.")
    ] = None,
    backgrounds: Annotated[
        str | None, typer.Option(help="Your pictures to put scenes in: a folder, or shards.")
    ] = None,
    templates: Annotated[
        str | None, typer.Option(help="Your templates instead of ours: a YAML file or a folder.")
    ] = None,
    part_size: Annotated[int, typer.Option(min=1, help="Pictures per shard.")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Draw text images with true captions and boxes into shards.

    A run that was interrupted goes on where it stopped; finished shards are not drawn again.
    """
    from synthesis import jobs, rendering
    from synthesis.pool import WorkersLostError
    from synthesis.problems import UsageError

    try:
        job = jobs.prepare(
            lang,
            mode.value,
            seed=seed,
            size=size,
            corpus=corpus,
            licence=licence,
            fonts=fonts,
            backgrounds=backgrounds,
            templates=templates,
        )
        summary = rendering.run(job, n, str(out), workers, part_size)
    except UsageError as problem:
        _fail(2, str(problem))
    except WorkersLostError as error:
        _fail(1, f"{error}; try fewer --workers, or a smaller --size")
    except OSError as error:
        _fail(4, f"{error.filename or out}: {error.strerror or error}")
    except KeyboardInterrupt:
        _fail(130, "interrupted; the same command goes on from the last finished shard")
    text = (
        json.dumps(summary, ensure_ascii=False, indent=1) if as_json else rendering.as_text(summary)
    )
    print(text)  # noqa: T201 - the result belongs on stdout
    if summary["missing"]:
        _fail(3, f"{summary['missing']} of {n} pictures could not be drawn (see `rejected`)")


def _fail(code: int, message: str) -> None:
    print(f"synthesis.render: {message}", file=sys.stderr)  # noqa: T201
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
