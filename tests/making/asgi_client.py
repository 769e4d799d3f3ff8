"""An ASGI application asked in this process, as a server would ask it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

OUR_PAGE = {"x-inkstone": "1", "content-type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def content(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Asks ``application`` under a ``host``."""

    application: Any
    host: str = "127.0.0.1:8000"

    def get(self, link: str, **headers: str) -> Answer:
        """GET."""
        return self.ask("GET", link, b"", headers)

    def post(self, link: str, content: Any, headers: Mapping[str, str] = OUR_PAGE) -> Answer:
        """POST of JSON, or of bytes as they are."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.ask("POST", link, data, {"content-length": str(len(data)), **headers})

    def ask(self, method: str, link: str, data: bytes, headers: Mapping[str, str]) -> Answer:
        """Any request; an underscore in a header's name stands for a hyphen."""
        parts = urlsplit(link)
        sent = {"host": self.host} | {
            name.replace("_", "-").lower(): value for name, value in headers.items()
        }
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }
        messages: list[dict[str, Any]] = []
        sending = iter([{"type": "http.request", "body": data, "more_body": False}])

        async def receive() -> dict[str, Any]:
            for message in sending:
                return message
            await asyncio.Event().wait()  # until somebody hangs up, which nobody does
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        asyncio.run(self.application(scope, receive, send))
        told = {
            name.decode().lower(): value.decode("latin-1") for name, value in messages[0]["headers"]
        }
        body = b"".join(message.get("body", b"") for message in messages[1:])
        return Answer(messages[0]["status"], told, body)
