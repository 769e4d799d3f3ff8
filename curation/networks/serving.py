"""What a web server of ours asks of every request before anything else looks at it.

It listens on this machine alone unless the user names another host; then a token is needed. The
``Host`` header must be an address, a loopback name or one that the user allows, so that no page
elsewhere reaches the server by a name that it controls; no other origin may ask at all. Every
answer carries headers that keep browsers from loading, framing or guessing anything.
"""

import hmac
import ipaddress
import json
import logging
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from curation.failures.errors import UsageError

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:@/\s]+))(?::\d{1,5})?")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Access:
    """Who may ask: under which names of the host (beside addresses and loopback), and with which
    token; without any where it is empty.
    """

    names: frozenset[str] = frozenset()
    token: str = field(default="", repr=False)

    def refusal(self, headers: Mapping[str, str], *, public: bool) -> tuple[int, str, str] | None:
        """Status, code and sentence for what may not be asked; None where it may.

        ``headers`` are by lower-case name; what is ``public`` needs no token.
        """
        host = headers.get("host", "")
        if not self.is_ours(host):
            return 421, "unknown_host", "this server does not answer under that name"
        origin = headers.get("origin")
        if origin is not None and urlsplit_host(origin) != host.lower():
            return 403, "cross_origin", "pages of other origins may not use this server"
        if headers.get("sec-fetch-site") == "cross-site" and not public:
            return 403, "cross_origin", "pages of other origins may not use this server"
        if public or self.has_token(headers.get("authorization", "")):
            return None
        return 401, "invalid_api_key", "expected the server's token: Authorization: Bearer TOKEN"

    def is_ours(self, host: str) -> bool:
        """Whether a ``Host`` header names this server, and not some page's own name for it."""
        match = _HOST.fullmatch(host.lower())
        name = (match[1] or match[2]) if match else ""
        return name in LOOPBACK or name in self.names or _is_address(name)

    def has_token(self, given: str) -> bool:
        """Whether ``Bearer`` and the token are given, or none is needed."""
        expected = f"Bearer {self.token}".encode()
        return not self.token or hmac.compare_digest(given.encode("utf-8", "replace"), expected)


def urlsplit_host(origin: str) -> str:
    """``example.org:80`` of ``http://example.org:80``; empty where there is none (``null``)."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    """No page can make an address its own name, as it can with a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def access(host: str, names: Iterable[str], variable: str) -> Access:
    """Of a server that is to listen at ``host``, with the token in an environment variable.

    Raises ``UsageError`` where other machines could ask and there is no token.
    """
    token = os.environ.get(variable, "").strip()
    if not token and host not in LOOPBACK:
        raise UsageError(
            f"--host {host}: others can reach it; set a token in the environment ({variable}), or"
            " leave --host out to serve this machine alone"
        )
    if not token.isascii():
        raise UsageError(f"{variable}: expected ASCII characters alone")
    return Access(frozenset(name.lower() for name in (*names, host) if name), token)


def listening(host: str, port: int) -> socket.socket:
    """A socket at that address. Raises ``UsageError``."""
    try:
        kind = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=kind, backlog=512)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UsageError(
            f"cannot listen at {host}, port {port}: {error}; choose another --host or --port"
        ) from error


def address(listener: socket.socket) -> str:
    """``http://127.0.0.1:8000`` of a socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def configuration(app: "ASGIApp", *, ending: int, at_once: int | None = None) -> "uvicorn.Config":
    """Of uvicorn: nothing of a request is logged but what failed. What is being answered has
    ``ending`` seconds to end once the server is to; so many requests are answered ``at_once``.
    """
    import uvicorn

    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=at_once,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=ending,
    )


class Guarded:
    """An ASGI application behind ``Access``, whose answers carry ``HEADERS``.

    ``public`` are the paths that need no token. Refusals are OpenAI's error object.
    """

    def __init__(self, app: "ASGIApp", access: Access, public: Iterable[str]) -> None:
        self._app, self._access, self._public = app, access, frozenset(public)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: "Message") -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message.get("headers", ())}
                extra = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                extra += [(b"cache-control", b"no-store")]
                added = [(name, value) for name, value in extra if name not in given]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refused = self._access.refusal(headers, public=scope["path"] in self._public)
        if refused is None:
            await self._app(scope, receive, guarded)
            return
        status, code, sentence = refused
        body = error_object(sentence, "invalid_request_error", code)
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if status == 401:
            head.append((b"www-authenticate", b"Bearer"))
        head.append((b"connection", b"close"))  # what else was sent is not read
        await guarded({"type": "http.response.start", "status": status, "headers": head})
        await guarded({"type": "http.response.body", "body": body})


def error_object(message: str, kind: str, code: str, param: str | None = None) -> bytes:
    """OpenAI's error object as JSON."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    return json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "replace")
