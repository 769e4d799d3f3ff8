"""A server of chat completions on this machine that says what a test has it say."""

import contextlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

PROMPT_TOKENS, NEW_TOKENS = 900, 40  # of every answer


class Server(ThreadingHTTPServer):
    """Answers everything with ``said``; keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.headers_seen: list[str | None] = []
        self.states: list[int] = []  # to be answered before anything else
        self.said = completion("an answer")
        self.headers_sent: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Of the interface, as a back end's setting has it."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that answers, until the block ends."""
    with Server() as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def completion(text: Any, **more: Any) -> bytes:
    """The body of an answer; ``more`` are fields of its choice."""
    choice = {"message": {"content": text}, "finish_reason": "stop", **more}
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": NEW_TOKENS}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


class Handler(BaseHTTPRequestHandler):
    """Of a request of the ``Server``."""

    server: Server

    def do_POST(self) -> None:
        """Answer it."""
        length = int(self.headers["Content-Length"])
        self.server.asked.append(json.loads(self.rfile.read(length)))
        self.server.headers_seen.append(self.headers["Authorization"])
        state = self.server.states.pop(0) if self.server.states else 200
        self.send_response(state)
        for name, value in self.server.headers_sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.said)))
        self.end_headers()
        self.wfile.write(self.server.said)

    def log_message(self, *_: Any) -> None:
        """Nothing."""
