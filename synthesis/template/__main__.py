"""``python -m synthesis.template``: the templates there are, checked, and how they look."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths

EXAMPLE = "Example: python -m synthesis.template --template slide-bullets --lang zh --out previews"
app = commands.application()


class Language(StrEnum):
    """The languages there are contents for."""

    en = "en"
    zh = "zh"


@app.command(epilog=EXAMPLE)
def templates(
    template: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of one of ours, or your YAML file or folder; may be repeated.",
            parser=user_paths.place,
        ),
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language of the texts.")] = Language.en,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a preview of each and one contact sheet.", parser=user_paths.path
        ),
    ] = None,
    size: Annotated[
        str, typer.Option(help="Size class (256, 640, 1328) or WIDTHxHEIGHT of previews.")
    ] = "640",
    fonts: Annotated[
        str | None,
        typer.Option(
            help="A font file or a folder of them, instead of the system's.",
            parser=user_paths.place,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same previews.")] = 1,
) -> None:
    """Check templates and list them; with --out also render each on every canvas it suits.

    Exit codes: 0 all is well, 2 a wrong template or option, 4 files that cannot be written.
    """
    from synthesis.template import preview

    lines = preview.listed(template or [], lang.value)
    if out is not None:
        lines += preview.write(template or [], lang.value, out, size, fonts, seed)
    print("\n".join(lines))  # noqa: T201 - the result belongs on stdout


if __name__ == "__main__":
    commands.main("synthesis.template", app)
