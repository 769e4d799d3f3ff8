"""Who may ask what: the door of the server, before any page is made.

On loopback the ``Host`` of a request must be a name of loopback, so that no other site can point
its own name here (DNS rebinding). Elsewhere every request bears the token, as ``Authorization:
Bearer`` or as the cookie that ``/enter`` gives for it. What changes something is a POST with a
header that no form of another site can send.
"""

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from curation.failures.errors import UsageError

TOKEN = "INKSTONE_TOKEN"  # the environment variable
SHORTEST = 16  # characters of a token
COOKIE, HEADER = "inkstone", "x-inkstone"
ENTER = "/enter"
OPEN = (ENTER, "/page.css")  # to who has no token yet
MOST_BODY = 64 << 10  # bytes
MOST_QUERY = 16 << 10
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:@/\s]+))(?::\d{1,5})?")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(host: str, token: str) -> None:
    """Refuse to listen to strangers without a token. Raises ``UsageError``."""
    if token and len(token) < SHORTEST:
        raise UsageError(f"{TOKEN}: {len(token)} characters; expected {SHORTEST} at least")
    if not token and not is_loopback(host):
        raise UsageError(
            f"--host {host}: whoever reaches it would see every image; expected a token, too, in "
            f"the environment variable {TOKEN} ({SHORTEST} characters at least), which every "
            "request then has to bear"
        )


class Guard:
    """Lets through to ``application`` what may be asked; ``token`` may be empty on loopback."""

    def __init__(self, application: Application, token: str, *, loopback: bool) -> None:
        self._application, self._token, self._loopback = application, token, loopback

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                extra = {name.encode(): value.encode() for name, value in ALWAYS.items()}
                more = [(name, value) for name, value in extra.items() if name not in own]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        refusal = self.refusal(scope)
        if refusal is None:
            await self._application(scope, receive, guarded)
        else:
            await _answer(guarded, *refusal)

    def refusal(self, scope: Message) -> tuple[int, str] | None:
        """Why a request is not answered, as status and sentence; None where it is."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        if len(scope.get("query_string", b"")) > MOST_QUERY:
            return 414, f"expected a link of {MOST_QUERY} characters at most"
        if self._loopback and not is_loopback(_name(headers.get("host", ""))):
            return 421, "expected this server under a name of loopback, such as localhost"
        if self._token and scope["path"] not in OPEN and not self._bears_token(headers):
            return _to_enter(scope)
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return 405, "expected GET or POST"
        return self._refusal_of_post(headers, is_entering=scope["path"] == ENTER)

    def _refusal_of_post(
        self, headers: Mapping[str, str], *, is_entering: bool
    ) -> tuple[int, str] | None:
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length[:10]) > MOST_BODY:
            return 413, f"expected a body of {MOST_BODY} bytes at most, and its length"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return 403, "expected a request of this server's own pages"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "expected a request of this server's own pages"
        if not is_entering and headers.get(HEADER) is None:
            return 403, f"expected the header {HEADER}"
        return None

    def _bears_token(self, headers: Mapping[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return COOKIE in cookie and self.is_token(cookie[COOKIE].value)

    def is_token(self, given: str) -> bool:
        """Whether it is the token, in a time that tells nothing of it."""
        return hmac.compare_digest(given.strip().encode(errors="replace"), self._token.encode())


def _to_enter(scope: Message) -> tuple[int, str]:
    """Where a browser is asked for the token, or a refusal of what changes something."""
    if scope["method"] not in ("GET", "HEAD"):
        return 401, "expected the token"
    query = scope.get("query_string", b"").decode("latin-1")
    link = f"{scope['path']}?{query}" if query else scope["path"]
    return 303, f"{ENTER}?{urlencode({'next': link}, errors='replace')}"


def _name(host: str) -> str:
    """The name in a ``Host`` header, without its port."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]) if match else ""


async def _answer(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    body = sentence.encode() + b"\n"
    if status == 303:
        headers, body = [(b"location", sentence.encode())], b""
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
