"""A server from its start to its end."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from curation.failures.errors import UsageError
from curation.networks import serving
from curation.networks.serving import Access
from infer.enhancing.enhancer import Enhancer
from infer.provenance import keys
from infer.server import workers
from infer.server.application import Service
from infer.server.metrics import Metrics
from infer.server.offer import Offer
from infer.server.pool import Limits, Pool
from infer.server.rewriting import Rewriting

TOKEN = "IMAGE_SERVER_TOKEN"  # the variable of the environment
_ENDING = 30  # seconds in which images that are being made may still be answered


@dataclass(frozen=True)
class Place:
    """Where to listen, under which other names of the host."""

    host: str = "127.0.0.1"
    port: int = 8000
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What to serve, by which devices; ``check`` and ``execution`` as in ``workers.commands``.
    ``enhancer`` gives what enhances prompts, loaded once there is a port to serve at.
    """

    offer: Offer
    devices: tuple[str, ...]
    key: Path
    check: float | None
    limits: Limits
    uploads: int
    execution: Mapping[str, Any] = field(default_factory=dict)
    enhancer: Callable[[], Enhancer | None] | None = None


def run(plan: Plan, place: Place) -> None:
    """Serve until a signal says otherwise. Raises ``UsageError``, ``OSError``."""
    access = serving.access(place.host, place.names, TOKEN)
    key = keys.made(plan.key)
    given = plan.offer.folder, plan.devices, plan.key, plan.check, plan.execution
    commands = workers.commands(*given)
    metrics = Metrics()
    pool = Pool(commands, plan.limits, metrics)
    notes = () if plan.check is not None else ("outputs are not checked (--no-output-check)",)
    pem = keys.pem(key.public_key())
    devices = ", ".join(plan.devices)
    with serving.listening(place.host, place.port) as listener:
        _say(f"loading {plan.offer.name} on {devices}")
        for note in notes:
            _say(f"warning: {note}")
        enhancer = plan.enhancer() if plan.enhancer else None
        service = Service(plan.offer, pool, metrics, pem, plan.uploads, notes, Rewriting(enhancer))
        where = f"{plan.offer.name} at {serving.address(listener)}/ on {devices}"
        try:
            asyncio.run(serve(service, access, [listener], where))
        finally:
            if enhancer:
                enhancer.end()


async def serve(
    service: Service, access: Access, listeners: Sequence[object], where: str = ""
) -> None:
    """The server in a running loop, which says ``where`` it is once a worker is ready.

    Raises ``UsageError`` where all end before any is ready.
    """
    pool = service.pool
    server = Server.of(service, access)
    pool.start()
    assert pool.hopeless and pool.ready
    if where:
        pool.ready.add_done_callback(lambda ready: None if ready.cancelled() else _say(where))
    serving_task = asyncio.create_task(server.serve(sockets=list(listeners)))  # type: ignore[arg-type]
    pool.hopeless.add_done_callback(lambda _: server.leave())
    try:
        await serving_task
    finally:
        await pool.end()
    if pool.hopeless.done() and not pool.hopeless.cancelled():
        raise UsageError(_ended(pool.hopeless.result()))


def _ended(code: int) -> str:
    """Why there is no server: its workers ended with a ``code`` before they were ready."""
    if code >= 0:
        return f"a worker ended (code {code}) before it was ready; it says why above"
    return (
        f"a worker was ended by signal {-code} before it was ready; 9 is mostly the operating"
        " system's, for want of memory: `python -m infer --plan` says what a checkpoint takes"
    )


class Server(uvicorn.Server):
    """Refuses what waits as soon as it is to end."""

    def __init__(self, config: uvicorn.Config, pool: Pool) -> None:
        super().__init__(config)
        self._pool = pool

    @classmethod
    def of(cls, service: Service, access: Access) -> "Server":
        """For those who have access."""
        app = service.application(access)
        return cls(serving.configuration(app, ending=_ENDING), service.pool)

    def leave(self) -> None:
        """End, after what is being made is answered."""
        self._pool.close()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: the second ends at once."""
        if not self.should_exit:
            _say(f"ends when what is being made is answered, at most {_ENDING} s; again: at once")
            with suppress(RuntimeError):
                asyncio.get_running_loop().call_soon_threadsafe(self._pool.close)
        super().handle_exit(sig, frame)


def _say(message: str) -> None:
    sys.stderr.write(f"infer.server: {message}\n")
    sys.stderr.flush()
