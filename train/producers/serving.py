"""A folder of units over HTTP, for consumers on other hosts. Standard library alone.

``GET /plan`` answers plan, versions and counts; ``GET /unit/<name>`` a unit, with ranges and ETag,
by sendfile; ``POST /lease`` takes a small JSON object: a lease on a unit, a position, a damaged
unit, or the acceptance of a version. Nothing else is there; only names of 32 hexadecimal digits are
looked at, so no request leaves the folder. It speaks no TLS: over other than trusted networks put
it behind what does.
"""

import hmac
import json
import os
import re
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from curation.failures.errors import UsageError
from train.producers import agreed, plans
from train.producers.folder import NAME, UnitFolder, check_owner
from train.producers.units import Unit, UnitError

_MOST_BODY = 64 << 10  # bytes: the phases of a version of the plan
_UNIT = re.compile(rf"/unit/({NAME.pattern})")
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_SECONDS = 60


class Server(ThreadingHTTPServer):
    """Serves ``folder`` at ``address``, to who has the ``token``; to all where that is empty."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], folder: UnitFolder, token: str) -> None:
        self.folder, self.token = folder, token
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    server: Server

    def do_GET(self) -> None:
        """A plan or a unit."""
        if not self._is_allowed():
            return
        unit = _UNIT.fullmatch(self.path)
        if self.path == "/plan":
            self._answer(self._plan())
        elif unit:
            self._unit(unit[1])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "expected /plan or /unit/<name>")

    def do_POST(self) -> None:
        """A lease, a position, a damaged unit or an accepted version."""
        if not self._is_allowed():
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BODY:
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected {_MOST_BODY} bytes at most"
            )
            return
        body = self.rfile.read(int(length))
        if self.path != "/lease":
            self._refuse(HTTPStatus.NOT_FOUND, "expected /lease")
            return
        try:
            self._answer(self._taken(json.loads(body)))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"expected a lease: {error}")

    def _taken(self, content: dict[str, Any]) -> dict[str, Any]:
        """Raises ``ValueError`` and its like for what is not understood."""
        folder, owner = self.server.folder, content["owner"]
        if not check_owner(owner):
            raise ValueError("owner")
        match content:
            case {"unit": str(name)} if NAME.fullmatch(name):
                return {"lease": folder.lease(name, owner)}
            case {"position": int(step)} if step >= 0:
                folder.tell_position(owner, step)
            case {"damaged": str(name)} if NAME.fullmatch(name):
                self._look_at(name)
            case {"version": {"number": int(number), "first": int(first)} as version} if (
                number > 1 and first > 1
            ):
                agreed.accept(folder.root, plans.version_of_plain(version))
            case _:
                raise ValueError("unit, position, damaged, or version")
        return {}

    def _look_at(self, name: str) -> None:
        """Discard a unit that is damaged here, too; not because somebody says so."""
        path = self.server.folder.get(name)
        if path is None:
            return
        try:
            unit = Unit(path)
            for row in unit:
                unit.shown(row["step"], row["place"])
        except UnitError:
            self.server.folder.discard(name)

    def _plan(self) -> dict[str, Any]:
        root = self.server.folder.root
        versions = agreed.plain_versions(root)
        return {
            "plan": agreed.read(root),
            "versions": versions,
            "counts": self.server.folder.counts(),
        }

    def _unit(self, name: str) -> None:
        try:
            stream = self.server.folder.unit(name).open("rb")
        except FileNotFoundError:
            self._refuse(HTTPStatus.NOT_FOUND, "no such unit (yet)")
            return
        with stream:
            about = os.fstat(stream.fileno())
            tag, modified = f'"{name}"', formatdate(about.st_mtime, usegmt=True)
            if self.headers.get("If-None-Match") == tag:
                self._head(HTTPStatus.NOT_MODIFIED, {"ETag": tag})
                return
            first, last = 0, about.st_size - 1
            headers = {"ETag": tag, "Last-Modified": modified, "Accept-Ranges": "bytes"}
            status = HTTPStatus.OK
            if asked := self.headers.get("Range"):
                part = _part(asked, about.st_size)
                if part is None:
                    size = {"Content-Range": f"bytes */{about.st_size}", "Content-Length": "0"}
                    self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, size)
                    return
                first, last = part
                status = HTTPStatus.PARTIAL_CONTENT
                headers["Content-Range"] = f"bytes {first}-{last}/{about.st_size}"
            length = last + 1 - first
            kind = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
            self._head(status, {**headers, **kind})
            self.connection.settimeout(_SECONDS)
            self.wfile.flush()
            self._send(stream, first, length)

    def _send(self, stream: BinaryIO, first: int, length: int) -> None:
        self.connection.sendfile(stream, first, length)

    def _is_allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        expected = f"Bearer {self.server.token}"
        if not self.server.token or hmac.compare_digest(given.encode(), expected.encode()):
            return True
        self._refuse(HTTPStatus.UNAUTHORIZED, "expected the token")
        return False

    def _answer(self, content: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        data = json.dumps(content).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(data))})
        self.wfile.write(data)

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True  # what else was sent is not read
        self._answer({"error": message}, status)

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: whoever serves thousands of units reads no line for each."""


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """The first and last byte of a single range; None where it cannot be satisfied."""
    match = _RANGE.fullmatch(asked)
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, last = max(0, size - int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    return (first, last) if first <= last else None


def bound(host: str, port: int, root: Path, token: str) -> Server:
    """A server that listens. Raises ``UsageError`` where all could read and no token is given."""
    if not token and host not in ("127.0.0.1", "::1", "localhost"):
        raise UsageError(
            f"--host {host}: expected --token-file, too: whoever reaches it reads the training data"
        )
    if not root.is_dir():
        raise UsageError(f"--units {root}: no folder; expected that of the producers")
    return Server((host, port), UnitFolder(root), token)
