"""``python -m infer.provenance``: does the mark in an image hold? Thin.

Exit codes: 0 it does, 2 it does not, there is none, or no such file; 4 disk or input/output.
"""

from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths

app = commands.application()

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="PNG files.", parser=user_paths.path)
]
Key = Annotated[
    Path | None,
    typer.Option(
        help="The server's public key (GET /v1/provenance), or its own. [default: this user's own]",
        parser=user_paths.path,
    ),
]


@app.command()
def verify(files: Files, key: Key = None) -> None:
    """Say who made images and how, where the marks that `python -m infer.server` writes hold.

    Example: python -m infer.provenance image.png --key public.pem
    """
    from curation.failures.errors import UsageError
    from infer.provenance import keys, marks

    failed = list[str]()
    for path in files:
        try:
            data = user_paths.read(str(path))
            mark = marks.verified(data, keys.public(key or keys.usual()), str(path))
        except UsageError as error:
            failed.append(str(error))
            continue
        typer.echo(f"{path}: made with the key {mark.key}, and not changed since")
        for name, text in mark.facts.items():
            typer.echo(f"  {name}: {text}")
    if failed:
        raise UsageError("\n".join(failed))


if __name__ == "__main__":
    commands.main("infer.provenance", app)
