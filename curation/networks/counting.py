"""What a web server of ours counts, as Prometheus reads it: requests by path and status.

No prompt, key or address is in it. A server adds figures of its own to the ``registry``.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, generate_latest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "text/plain; version=0.0.4"


class Figures:
    """Of the server of that ``name``."""

    def __init__(self, name: str) -> None:
        self.registry = CollectorRegistry()
        what = "Requests by path and status"
        labels = ["path", "code"]
        self.requests = Counter(f"{name}_requests", what, labels, registry=self.registry)

    def text(self) -> bytes:
        """All of it."""
        return generate_latest(self.registry)


class Counted:
    """Counts answers of ``application`` by path and status. Paths below those that are ``known``
    count there (``/image/7`` as ``/image``), all others as ``other``.
    """

    def __init__(self, application: "ASGIApp", figures: Figures, known: Collection[str]) -> None:
        self._application, self._figures, self._known = application, figures, known

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """As ASGI has it."""

        async def counted(message: "Message") -> None:
            if message["type"] == "http.response.start":
                path = self._named(scope["path"])
                self._figures.requests.labels(path, str(message["status"])).inc()
            await send(message)

        await self._application(scope, receive, counted if scope["type"] == "http" else send)

    def _named(self, path: str) -> str:
        above = f"/{path[1:].partition('/')[0]}"
        return next((of for of in (path, above) if of in self._known), "other")
