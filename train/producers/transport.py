"""Units over HTTP: what a consumer on another host asks a server of a folder for.

Units come into a folder of temporary files, of which the newest few stay. Speaks to the one server
that ``data.units`` names, which may be started again meanwhile. The token is in the file that
INKSTONE_UNITS_TOKEN names.
"""

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from curation.failures.errors import UsageError
from train.producers import agreed, plans
from train.producers.plans import Version
from train.producers.prefetching import StoppedWaitingError
from train.producers.spans import Span
from train.producers.stores import owner
from train.producers.units import MOST_BYTES
from train.saying import Tell

TOKEN_FILE = "INKSTONE_UNITS_TOKEN"
MOST_ANSWER = 16 << 20  # bytes of an answer that is no unit
_SLACK = 1 << 20  # bytes of a unit's file beside its tensors
_KEPT = 32  # units
_SECONDS = 60.0  # until a server that says nothing is given up
_BLOCK = 1 << 20
_PATIENCE = 300.0  # seconds that a server may take to be there again
_FIRST = 15.0  # seconds that it may take to be there at all: an address may be wrong
_SHORTEST, _LONGEST, _LOOK = 0.25, 8.0, 0.1  # seconds: pauses between requests, looks within them
_Taken = TypeVar("_Taken")


class HttpStore:
    """The server at ``url``. Where it cannot be reached, ``tell`` is told once, and it is asked
    again for ``patience`` seconds, for fewer where it never answered. All methods raise
    ``UsageError`` where it refuses, ``ConnectionError`` when that time is over,
    ``StoppedWaitingError`` when the run is to end before.
    """

    def __init__(self, url: str, tell: Tell, patience: float = _PATIENCE) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.path.strip("/") or parts.query:
            raise UsageError(f"data.units: {url}: expected http://host:port")
        self._url, self._parts, self._owner = url, parts, owner()
        self._tell, self._later, self._is_lost = tell, patience, False
        self._patience = min(patience, _FIRST)
        self._stopped: Callable[[], bool] = lambda: False
        self._token = read_token(os.environ.get(TOKEN_FILE))
        self._own = threading.local()  # a connection for every thread
        self._spool = tempfile.TemporaryDirectory(prefix="inkstone-units-")
        self._known: dict[str, Path] = {}

    def get(self, span: Span) -> Path | None:
        """The unit, fetched if it is there; with the time at which it was made."""
        if span.name in self._known:
            return self._known[span.name]
        path = Path(self._spool.name) / f"{span.name}.arrow"
        if not self._taken(
            lambda response: self._save(response, path), "GET", f"/unit/{span.name}"
        ):
            return None
        self._known[span.name] = path
        for name in list(self._known)[:-_KEPT]:
            self._known.pop(name).unlink(missing_ok=True)
        return path

    def _save(self, response: HTTPResponse, path: Path) -> bool:
        """Whether it was there to be saved."""
        if response.status == 404:
            response.read()
            return False
        size = int(response.headers.get("Content-Length", "0"))
        if not 0 < size <= MOST_BYTES + MOST_BYTES // 8 + _SLACK:
            raise UsageError(f"{self._url}: a unit of {size:,} bytes: expected {MOST_BYTES:,}")
        buffer = memoryview(bytearray(_BLOCK))
        with path.open("wb") as stream:
            while count := response.readinto(buffer):
                stream.write(buffer[:count])
            if stream.tell() != size:
                raise ConnectionError(
                    f"{self._url}: a unit broke off after {stream.tell():,} bytes"
                )
        made = parsedate_to_datetime(response.headers["Last-Modified"]).timestamp()
        os.utime(path, (made, made))
        return True

    def remove(self, span: Span) -> None:
        """Fetch it again next time; the server looks whether its own is at fault."""
        path = self._known.pop(span.name, None)
        if path:
            path.unlink(missing_ok=True)
        self._posted({"damaged": span.name})

    def tell_position(self, run: str, step: int) -> None:
        """Producers look ahead from here."""
        self._posted({"owner": run, "position": step})

    def plan(self) -> Mapping[str, Any] | None:
        """``plan.json`` of the folder; None while there is none."""
        return self._content("/plan")["plan"]  # type: ignore[no-any-return]

    def version(self, number: int) -> tuple[Version, bool] | None:
        """Another version of the plan."""
        given = self._content("/plan")["versions"].get(str(number))
        return agreed.version_of(self._url, number, given) if given else None

    def accept(self, version: Version) -> None:
        """Let it begin."""
        self._posted({"version": plans.plain(version)})

    def counts(self) -> dict[str, float]:
        """What producers counted."""
        return self._content("/plan")["counts"]  # type: ignore[no-any-return]

    def ends_when(self, stopped: Callable[[], bool]) -> None:
        """Who waits for the server is asked by this to stop."""
        self._stopped = stopped

    def _content(self, path: str) -> dict[str, Any]:
        return self._taken(self._json, "GET", path)

    def _posted(self, content: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps({"owner": self._owner, **content}).encode()
        return self._taken(self._json, "POST", "/lease", body)

    def _json(self, response: HTTPResponse) -> dict[str, Any]:
        data = response.read(MOST_ANSWER)
        try:
            content = json.loads(data)
            if response.status == 200 and isinstance(content, dict):
                return content
        except ValueError:
            pass
        raise UsageError(
            f"{self._url}: answered {response.status} {data[:200]!r}: is it a server"
            " of units, `python -m train.serve_units`?"
        )

    def _taken(
        self,
        take: Callable[[HTTPResponse], _Taken],
        method: str,
        path: str,
        body: bytes | None = None,
    ) -> _Taken:
        """What ``take`` makes of the answer, which may take several requests."""
        started, pause = time.monotonic(), 0.0  # one that was kept alive may be dead
        while True:
            try:
                taken = take(self._ask(method, path, body))
            except (ConnectionError, TimeoutError, HTTPException) as error:
                self._own.connection = None
                waited = time.monotonic() - started
                if pause and waited >= self._patience:
                    raise ConnectionError(
                        f"data.units: {self._url} cannot be reached for {waited:.0f} s ({error}):"
                        " is `python -m train.serve_units` running there?"
                    ) from error
                if pause and not self._is_lost:
                    self._is_lost = True
                    self._tell(
                        f"data.units: {self._url} cannot be reached ({error}): asking again for"
                        f" {self._patience:.0f} s"
                    )
                self._wait(pause)
                pause = min(max(2 * pause, _SHORTEST), _LONGEST)
            else:
                self._is_lost, self._patience = False, self._later
                return taken

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stopped():
                raise StoppedWaitingError
            time.sleep(min(_LOOK, left))

    def _ask(self, method: str, path: str, body: bytes | None) -> HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            connection = self._connected()
            connection.request(method, path, body, headers)
            response = connection.getresponse()
        except OSError as error:  # such as a host without a route
            raise ConnectionError(str(error)) from error
        if response.status in (401, 403):
            raise UsageError(
                f"{self._url}: refuses the token; expected {TOKEN_FILE} to name the file that"
                " the server was given"
            )
        return response

    def _connected(self) -> HTTPConnection:
        connection: HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
            host = self._parts.hostname or ""
            connection = kind(host, self._parts.port, timeout=_SECONDS)
            self._own.connection = connection
        return connection


def read_token(path: str | None) -> str:
    """The token in a file, empty without one. Raises ``UsageError`` for an empty file."""
    if not path:
        return ""
    token = Path(path).read_text("ascii").strip()
    if not token:
        raise UsageError(f"{path}: expected a token, such as `openssl rand -hex 32` prints")
    return token
