"""The door of ``beam serve``, beside what every server of ours asks (``networks.serving``).

A browser bears the token as a cookie, which ``/enter`` gives for it. A link from elsewhere may be
followed: pages change nothing. What changes something is a small POST with a header that no form of
another site can send.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from curation.networks.serving import Access, Guarded

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "INKSTONE_TOKEN"  # the environment variable
COOKIE, HEADER = "inkstone", "x-inkstone"
ENTER, HEALTH = "/enter", "/health"
OPEN = (ENTER, HEALTH, "/page.css")  # to who has no token yet
MOST_BODY = 64 << 10  # bytes
MOST_QUERY = 16 << 10
POLICY = (  # stricter than that of all servers, but for the form of conditions
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Door:
    """Lets through to ``application`` what ``access`` and this module allow."""

    def __init__(self, application: "ASGIApp", access: Access) -> None:
        self._access = access
        self._inner = Guarded(_Changing(application), access, OPEN)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        bearer = headers.get("authorization") or f"Bearer {_cookie(headers)}"
        is_navigation = headers.get("sec-fetch-mode") == "navigate" and _reads(scope)
        left_out = {b"authorization", *([b"sec-fetch-site"] if is_navigation else [])}
        kept = [(name, value) for name, value in scope["headers"] if name.lower() not in left_out]
        scope = {**scope, "headers": [*kept, (b"authorization", bearer.encode("latin-1"))]}
        is_closed = scope["path"] not in OPEN and not self._access.has_token(bearer)
        if not (is_closed and _reads(scope) and self._access.is_ours(headers.get("host", ""))):
            await self._inner(scope, receive, send)
            return
        query = scope.get("query_string", b"").decode("latin-1")
        link = f"{scope['path']}?{query}" if query else scope["path"]
        where = f"{ENTER}?{urlencode({'next': link}, errors='replace')}"
        await _answer(send, 303, "", ((b"location", where.encode()),))


class _Changing:
    """Refuses what is no page of ours and asks for a change, or for too much."""

    def __init__(self, application: "ASGIApp") -> None:
        self._application = application

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def with_policy(message: "Message") -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", POLICY.encode())
                message = {**message, "headers": [*message["headers"], policy]}
            await send(message)

        refusal = refused(scope)
        if refusal is None:
            await self._application(scope, receive, with_policy)
        else:
            await _answer(with_policy, *refusal)


def refused(scope: "Scope") -> tuple[int, str] | None:
    """Why a request is not answered, as status and sentence; None where it is."""
    if len(scope.get("query_string", b"")) > MOST_QUERY:
        return 414, f"expected a link of {MOST_QUERY} characters at most"
    if scope["method"] not in ("GET", "HEAD", "POST"):
        return 405, "expected GET or POST"
    return None if _reads(scope) else _refused_change(scope)


def _refused_change(scope: "Scope") -> tuple[int, str] | None:
    headers = _headers(scope)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()) or int(length[:10]) > MOST_BODY:
        return 413, f"expected a body of {MOST_BODY} bytes at most, and its length"
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return 403, "expected a request of this server's own pages"
    if scope["path"] != ENTER and headers.get(HEADER) is None:
        return 403, f"expected the header {HEADER}"
    return None


def _reads(scope: "Scope") -> bool:
    return scope["method"] in ("GET", "HEAD")


def _headers(scope: "Scope") -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def _cookie(headers: Mapping[str, str]) -> str:
    """What the cookie says, blank without one."""
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookie[COOKIE].value if COOKIE in cookie else ""


async def _answer(
    send: "Send", status: int, sentence: str, more: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    body = f"{sentence}\n".encode() if sentence else b""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *more]
    headers += [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
