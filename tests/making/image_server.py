"""A server of images on this machine, with workers that need no weights or those given."""

import asyncio
import contextlib
import http.client
import json
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from making import stand_in_worker
from making.commands import wait_for

from curation.networks.serving import Access
from infer.checkpoints import Defaults
from infer.enhancing.enhancer import Enhancer
from infer.provenance import keys
from infer.server import running
from infer.server.application import Service
from infer.server.metrics import Metrics
from infer.server.offer import Offer
from infer.server.pool import Limits, Pool
from infer.server.rewriting import Rewriting

STEPS = 4


@dataclass
class Answer:
    """Of a server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of OpenAI's error object."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        return str(error["code"])


@dataclass
class Running:
    """A server that answers at ``port``."""

    port: int
    service: Service
    loop: asyncio.AbstractEventLoop
    log: Path
    key: Path
    connection: Any = field(default=http.client.HTTPConnection)

    def ask(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = ""
    ) -> Answer:
        """A request: a body that is no bytes goes as JSON."""
        own = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            own.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            connection.putrequest(
                method or ("GET" if body is None else "POST"), path, "Host" in own
            )
            if body is not None and "Content-Length" not in own:
                own["Content-Length"] = str(len(body))
            for name, value in own.items():
                connection.putheader(name, value)
            connection.endheaders()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(body or b"")
            response = connection.getresponse()
            known = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, known, response.read())

    def generate(self, prompt: str, **more: Any) -> Answer:
        """Images of a prompt."""
        return self.ask("/v1/images/generations", {"prompt": prompt, **more})

    def edit(
        self, fields: Sequence[tuple[str, str | tuple[str, bytes]]], path: str = "/v1/images/edits"
    ) -> Answer:
        """Images of images, by a form: fields are text, or a file's name and bytes."""
        body, kind = form(fields)
        return self.ask(path, body, {"Content-Type": kind})

    @property
    def batches(self) -> list[list[str]]:
        """Prompts of the batches that the stand-in's workers were given."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line)["prompts"] for line in lines]

    def worker_processes(self) -> list[int]:
        """Of the workers that are there."""
        workers = self.service.pool._workers
        return [each.process.number for each in workers if each.process]


def form(fields: Sequence[tuple[str, str | tuple[str, bytes]]]) -> tuple[bytes, str]:
    """A body of multipart/form-data, and its type."""
    mark, parts = "a-boundary-of-tests", list[bytes]()
    for name, value in fields:
        head = f'Content-Disposition: form-data; name="{name}"'
        if isinstance(value, tuple):
            head += f'; filename="{value[0]}"\r\nContent-Type: image/png'
        data = value[1] if isinstance(value, tuple) else value.encode()
        parts.append(f"--{mark}\r\n{head}\r\n\r\n".encode() + data + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def offer(folder: Path) -> Offer:
    """Of a folder without weights, for the stand-in."""
    folder.mkdir(parents=True, exist_ok=True)
    return Offer("painter", folder, 16, Defaults(64, 32, STEPS, 4.0), pixels=1 << 20)


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    offered: Offer | None = None,
    commands: Sequence[Sequence[str]] = (),
    limits: Limits | None = None,
    access: Access | None = None,
    uploads: int = 1 << 20,
    workers: int = 1,
    ready: bool = True,
    enhancer: Enhancer | None = None,
) -> Iterator[Running]:
    """A server, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    key, log = folder / "key.pem", folder / "log"
    offered = offered or offer(folder / "painter")
    metrics = Metrics()
    settings = {"checkpoint": str(offered.folder), "key": str(key), "log": str(log)}
    script = [sys.executable, stand_in_worker.__file__, json.dumps(settings)]
    pool = Pool(commands or [script] * workers, limits or Limits(), metrics)
    pem = keys.pem(keys.made(key).public_key())
    service = Service(offered, pool, metrics, pem, uploads, (), Rewriting(enhancer))
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    loop, ended = asyncio.new_event_loop(), threading.Event()
    server = running.Server.of(service, access or Access())

    async def serve() -> None:
        pool.start()
        await server.serve(sockets=[listener])
        await pool.end()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.close()
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    made = Running(listener.getsockname()[1], service, loop, log, key)
    try:
        if ready:
            wait_for(lambda: made.ask("/health").status == 200)
        yield made
    finally:
        loop.call_soon_threadsafe(server.leave)
        thread.join(30)
    assert ended.is_set()
