"""``python -m train.serve_units``: a folder of units for consumers on other hosts. Thin."""

import os
from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths

app = commands.application()


@app.command()
def serve(
    units: Annotated[
        Path, typer.Option(help="Folder that producers write.", parser=user_paths.path)
    ],
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8123,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with a token that is asked for.", parser=user_paths.path),
    ] = None,
) -> None:
    """Serve until interrupted. Consumers name it as data.units: http://host:port, and the token's
    file in INKSTONE_UNITS_TOKEN.

    Example: python -m train.serve_units --units /shared/units --host 0.0.0.0 --token-file token
    """
    from train.producers import serving, transport

    token = transport.read_token(os.fspath(token_file) if token_file else None)
    with serving.bound(host, port, units, token) as server:
        typer.echo(f"http://{host}:{server.server_address[1]} serves {units}", err=True)
        server.serve_forever()


if __name__ == "__main__":
    commands.main("train.serve_units", app)
