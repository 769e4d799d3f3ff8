"""``python -m synthesis.fonts``: which fonts there are, and which characters each can render."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths

if TYPE_CHECKING:
    from synthesis.fonts.coverage import Coverage

EXAMPLE = "Example: python -m synthesis.fonts --fonts noto-cjk --lang zh"
app = commands.application()


@app.command(epilog=EXAMPLE)
def fonts(
    fonts: Annotated[
        str | None,
        typer.Option(
            help="A font file, a folder, or names of packs; else the system's fonts.",
            parser=user_paths.place,
        ),
    ] = None,
    lang: Annotated[
        str | None, typer.Option(help="Only faces that write this language: en, zh, ja, ...")
    ] = None,
    packs: Annotated[bool, typer.Option("--packs", help="List the font packs instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Count for each face the characters it can render: mapped, and with ink.

    The sets are levels 1 to 3 of the Table of General Standard Chinese Characters (3,500, 3,000
    and 1,605 characters) and GB 2312 (6,763); scripts are ISO 15924 codes.
    """

    if packs:
        _print_packs(as_json=as_json)
        return
    from synthesis.fonts import files
    from synthesis.fonts.coverage import coverage

    chosen = files.find(lang, fonts) if lang else files.listed(fonts)
    coverages = [coverage(face) for face in chosen]
    if not coverages:
        raise UsageError("no fonts: `apt-get install fonts-noto-cjk`, or name some by --fonts")
    if as_json:
        print(json.dumps([_plain(face) for face in coverages], ensure_ascii=False, indent=1))  # noqa: T201
    else:
        _print_table(coverages)


def _plain(coverage: "Coverage") -> dict[str, Any]:
    face = coverage.face
    return {
        "path": face.path,
        "index": face.index,
        "family": face.family,
        "style": face.style,
        "postscript": face.postscript,
        "weight": face.weight,
        "handwriting": coverage.handwriting,
        "characters": dict(coverage.sets),
        "inkless_hanzi": coverage.inkless,
        "lacks": coverage.lacks,
        "scripts": coverage.scripts,
        "languages": coverage.languages,
    }


def _print_table(coverages: "Sequence[Coverage]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from synthesis.fonts.coverage import sets

    totals = {name: len(wanted) for name, wanted in sets().items()}
    caption = (
        f"{len(coverages)} faces; ✎ is handwriting; hanzi that are mapped but empty do not count"
    )
    table = Table(caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("face", min_width=18, overflow="fold")
    for name, total in totals.items():
        table.add_column(f"{name}\n{total:,}", justify="right", no_wrap=True)
    table.add_column("hanzi\nempty", justify="right", no_wrap=True)
    table.add_column("scripts\n", overflow="fold")
    table.add_column("lacks\n", overflow="fold")
    for row in sorted(coverages, key=lambda row: (-sum(row.sets.values()), row.face.postscript)):
        counts = [_count(row.sets[name], total) for name, total in totals.items()]
        name = f"{row.face.family} {row.face.style}{' ✎' if row.handwriting else ''}"
        scripts = " ".join(row.scripts)
        table.add_row(name, *counts, str(row.inkless or ""), scripts, row.lacks)
    Console().print(table)


def _count(count: int, total: int) -> str:
    return "all" if count == total else f"{count:,}" if count else ""


def _print_packs(*, as_json: bool) -> None:
    from synthesis.fonts.packs import packs

    if as_json:
        plain = {name: pack.model_dump(mode="json") for name, pack in packs().items()}
        print(json.dumps(plain, indent=1))  # noqa: T201
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in ("pack", "Debian packages", "licence", "scripts"):
        table.add_column(name, overflow="fold")
    for name, pack in packs().items():
        table.add_row(name, " ".join(pack.packages), pack.licence, " ".join(pack.scripts))
    Console().print(table)


if __name__ == "__main__":
    commands.main("synthesis.fonts", app)
