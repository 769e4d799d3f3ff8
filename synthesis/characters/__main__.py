"""``python -m synthesis.characters``: how often each of the 8,105 characters is drawn."""

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
    n: Annotated[int, typer.Option(min=1, help="Pictures of the run that is planned.")] = 100_000,
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
        int | None, typer.Option(min=1, help="Least times; by default 20 per 100,000 pictures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Report by level of the Table of General Standard Chinese Characters what is drawn how often.

    A plan takes a text for each picture as mode pure does, and draws nothing.
    """
    from synthesis.characters.report import coverage_report, drawn_texts

    texts = list(drawn_texts(shards) if shards else _planned(n, fonts, corpus))
    least = floor or _scaled_floor(len(texts))
    found = coverage_report(texts, least)
    if as_json:
        told = {
            "pictures": len(texts),
            "floor": least,
            "levels": [asdict(one) for one in found],
        }
        print(json.dumps(told, ensure_ascii=False, indent=1))  # noqa: T201
    else:
        _print_table(found, len(texts), least)


def _planned(n: int, fonts: str | None, corpus: str | None) -> Iterator[str]:
    from random import Random

    from synthesis import corpus as corpora
    from synthesis.characters import planning, sampler
    from synthesis.fonts import files

    paragraphs = [one.text for one in corpora.load("zh", corpus).paragraphs]
    plan = planning.plan(paragraphs, len(paragraphs), files.find("zh", fonts))
    for index in range(n):
        random = Random(index)
        yield sampler.planned(random, plan, index) or random.choice(paragraphs)


def _scaled_floor(pictures: int) -> int:
    from synthesis.characters.planning import FLOOR, HUNDRED_THOUSAND

    return max(1, FLOOR * pictures // HUNDRED_THOUSAND)


def _print_table(found: "tuple[LevelReport, ...]", pictures: int, floor: int) -> None:
    from rich.console import Console
    from rich.table import Table

    told = Table(caption=f"{pictures:,} pictures; the floor is {floor} times")
    for name in ("level", "characters", "drawn", "at floor", "fewest", "10th %", "median"):
        told.add_column(name, justify="right", no_wrap=True)
    for one in found:
        counts = (one.characters, one.drawn, one.at_floor, one.fewest, one.tenth, one.median)
        told.add_row(str(one.level), *(f"{count:,}" for count in counts))
    console = Console()
    console.print(told)
    for one in found:
        if one.below:
            more = " …" if len(one.below) > _SHOWN_BELOW else ""
            console.print(f"level {one.level} below the floor: {one.below[:_SHOWN_BELOW]}{more}")


if __name__ == "__main__":
    commands.main("synthesis.characters", app)
