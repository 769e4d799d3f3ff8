"""``beam serve``: load the run, listen, serve until the process is told to end."""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from curation import storage
from curation.failures.errors import UsageError
from curation.networks import serving
from curation.networks.serving import Access
from curation.output import finished
from curation.output.layout import NAMES
from curation.serving import guard
from curation.shard.picks import Recorder
from curation.storage import lock

if TYPE_CHECKING:
    from curation.serving.site import Site

PACKAGES = ("duckdb", "prometheus_client", "python_multipart", "starlette", "uvicorn")
PICKS = "picks.jsonl"
AT_ONCE = 64  # requests
ENDING = 2  # seconds


def serve(output: str, host: str, port: int, picks: str | None, names: Sequence[str] = ()) -> None:
    """Serve the run in ``output`` until told to end; ``picks`` is where to keep what people say,
    ``names`` are those of the host that requests may come by, beside addresses.

    Raises ``UsageError``, ``OutcomeError``, ``ColumnFileError``, ``OSError``.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"beam serve needs {', '.join(missing)}: pip install 'inkstone[serve]'")
    access = serving.access(host, names, guard.TOKEN)
    path = picks_path(output, picks)
    with ExitStack() as held:
        listener = held.enter_context(serving.listening(host, port))
        _run(listener, opened(output, path, held), access)


def opened(output: str, path: str, held: ExitStack) -> "Site":
    """The run, and its file of picks, which no other may write to while it is held."""
    import typer

    from curation.serving.run_rows import Rows
    from curation.serving.site import Site

    rows = Rows(output)
    if not finished.success(rows.layout):
        typer.echo(
            f"{rows.layout.success}: not there, so the run did not end, or its ledger does not add"
            " up; what is shown may not be what the same `beam run` comes to",
            err=True,
        )
    try:
        held.enter_context(lock.exclusive(f"{path}.lock"))
    except lock.HeldError as error:
        raise UsageError(
            f"{path}: another server writes there ({error}); expected another file by --picks"
        ) from error
    recorder = Recorder(path)
    held.callback(recorder.close)
    return Site(rows, recorder)


def picks_path(output: str, picks: str | None) -> str:
    """Where picks are kept: never among the files of a run. Raises ``UsageError``."""
    path = picks or storage.join(output, PICKS)
    if storage.is_remote(path):
        raise UsageError(f"--picks: expected a local file for what people say, not {path}")
    if not storage.is_remote(output):
        within = os.path.relpath(os.path.realpath(path), os.path.realpath(output)).split(os.sep)
        if within[0] in NAMES or (within[0] != os.pardir and not path.endswith(".jsonl")):
            raise UsageError(
                f"--picks {path}: among the files of the run; expected a file of its own, such as "
                f"{storage.join(output, PICKS)}"
            )
    if os.path.isdir(path):
        raise UsageError(f"--picks {path}: a folder; expected a file, such as {PICKS}")
    return path


def _run(listener: socket.socket, site: "Site", access: Access) -> None:
    import typer
    import uvicorn

    from curation.serving.application import application

    app = application(site, access)
    config = serving.configuration(app, ending=ENDING, at_once=AT_ONCE)
    typer.echo(f"{serving.address(listener)}/  (Ctrl-C ends it)")
    typer.echo(f"picks and ratings: {site.recorder.path}", err=True)
    uvicorn.Server(config).run(sockets=[listener])
