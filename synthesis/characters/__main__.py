"""``python -m synthesis.characters``: how often each of the 8,105 characters is rendered."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths

if TYPE_CHECKING:
    from synthesis.characters.report import LevelReport

EXAMPLE = "Example: python -m synthesis.characters --shards OUT/shards, or --n 100000 to plan"
_SHOWN_BELOW = 60  # characters
app = commands.application()


@app.command(epilog=EXAMPLE)
def characters(
    shards: Annotated[
        Path | None,
        typer.Option(
            help="Count in the shards of this folder; else plan a run.", parser=user_paths.path
        ),
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Images of the run that is planned.")] = 100_000,
    fonts: Annotated[
        str | None,
        typer.Option(
            help="A font file, a folder, or names of packs; else the system's.",
            parser=user_paths.place,
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            help="Your texts (.txt, .jsonl, .parquet); else ours.", parser=user_paths.place
        ),
    ] = None,
    floor: Annotated[
        int | None, typer.Option(min=1, help="Least times; by default 20 per 100,000 images.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Report what of the Table of General Standard Chinese Characters is rendered how often.

    A plan takes a text for each image as mode pure does, and renders nothing.
    """
    from synthesis.characters.report import coverage_report, rendered_texts

    texts = list(rendered_texts(shards) if shards else _planned(n, fonts, corpus))
    least = floor or _scaled_floor(len(texts))
    levels = coverage_report(texts, least)
    if as_json:
        report = {
            "images": len(texts),
            "floor": least,
            "levels": [asdict(level) for level in levels],
        }
        print(json.dumps(report, ensure_ascii=False, indent=1))  # noqa: T201
    else:
        _print_table(levels, len(texts), least)


def _planned(n: int, fonts: str | None, corpus: str | None) -> Iterator[str]:
    from random import Random

    from synthesis import corpus as corpora
    from synthesis.characters import planning, sampler
    from synthesis.fonts import files

    paragraphs = [paragraph.text for paragraph in corpora.load("zh", corpus).paragraphs]
    plan = planning.plan(paragraphs, len(paragraphs), files.find("zh", fonts))
    for index in range(n):
        random = Random(index)
        yield sampler.planned(random, plan, index) or random.choice(paragraphs)


def _scaled_floor(images: int) -> int:
    from synthesis.characters.planning import FLOOR, HUNDRED_THOUSAND

    return max(1, FLOOR * images // HUNDRED_THOUSAND)


def _print_table(levels: "tuple[LevelReport, ...]", images: int, floor: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=f"{images:,} images; the floor is {floor} times")
    for name in ("level", "characters", "rendered", "at floor", "fewest", "10th %", "median"):
        table.add_column(name, justify="right", no_wrap=True)
    for level in levels:
        counts = (
            level.characters,
            level.rendered,
            level.at_floor,
            level.fewest,
            level.tenth,
            level.median,
        )
        table.add_row(str(level.level), *(f"{count:,}" for count in counts))
    console = Console()
    console.print(table)
    for level in levels:
        if level.below:
            more = " …" if len(level.below) > _SHOWN_BELOW else ""
            console.print(
                f"level {level.level} below the floor: {level.below[:_SHOWN_BELOW]}{more}"
            )


if __name__ == "__main__":
    commands.main("synthesis.characters", app)
