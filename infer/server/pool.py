"""The workers of a server, from its side: started, fed, watched, started again.

A worker that ends leaves images without an answer: each is tried once more, alone, so that what
kills workers takes nobody else's image along.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from curation.failures.exit_codes import INPUT_OUTPUT
from infer.server import frames, waiting
from infer.server.metrics import Metrics
from infer.server.refusal import Refusal
from infer.server.waiting import TRIES, Made, Waiting, Wanted
from infer.server.workers import Process

_STATES = ("loading", "idle", "busy", "failed")
_PAUSES = (0.0, 1.0, 5.0, 30.0)  # seconds before a worker is started again, by starts that failed
_STOPPING = 120.0  # seconds in which a batch that nobody waits for has to end
NO_WORKER = Refusal(503, "no_worker", "no worker is running; see the server's log", after=30)
CLOSING = Refusal(503, "closing", "the server is going down", after=30)
DIED = Refusal(503, "worker_ended", "the worker ended twice while it made this image", after=10)
FAILED = Refusal(500, "generation_failed", "the image could not be made; see the server's log")
MEMORY = Refusal(
    400, "out_of_memory", "this image needs more memory than there is; ask for a smaller size"
)
FLAGGED = Refusal(
    400,
    "content_policy_violation",
    "the image was held back by the output check; another seed or prompt may pass",
)
_REFUSALS = {"failed": FAILED, "memory": MEMORY, "flagged": FLAGGED}


@dataclass(frozen=True)
class Limits:
    """``waiting`` images and ``waiting_pixels``; ``batch`` images and ``batch_pixels`` in one pass
    of the network; ``seconds`` from a request to its answer.
    """

    waiting: int = 64
    waiting_pixels: int = 256_000_000
    batch: int = 8
    batch_pixels: int = 16_000_000
    seconds: float = 600.0


@dataclass(eq=False)
class _Worker:
    """``starts`` counts those since it was last ready."""

    command: Sequence[str]
    state: str = "loading"
    starts: int = 0
    number: int = 0
    batch: list[Wanted] = field(default_factory=list)
    process: Process | None = None
    stopping: asyncio.TimerHandle | None = None


class Pool:
    """Feeds images to workers, each a ``command``."""

    def __init__(self, commands: Sequence[Sequence[str]], limits: Limits, metrics: Metrics) -> None:
        self.limits, self._metrics = limits, metrics
        self._waiting = Waiting(limits.waiting, limits.waiting_pixels)
        self._workers = [_Worker(command) for command in commands]
        self._tasks: list[asyncio.Task[None]] = []
        self._batches, self._seconds = 0, 5.0  # of an image, as far as it is known
        self._closing = False
        self.hopeless: asyncio.Future[int] | None = None  # an exit code: none was ever ready
        self.ready: asyncio.Future[None] | None = None  # the first worker is

    def start(self) -> None:
        """Start the workers."""
        loop = asyncio.get_running_loop()
        self.hopeless, self.ready = loop.create_future(), loop.create_future()
        self._tasks = [asyncio.create_task(self._keep(worker)) for worker in self._workers]

    def states(self) -> dict[str, int]:
        """How many workers are in which state."""
        listed = [worker.state for worker in self._workers]
        return {state: listed.count(state) for state in _STATES}

    def __len__(self) -> int:
        """Images that wait."""
        self._waiting.forget()
        return len(self._waiting)

    def admit(self, wanted: Sequence[Wanted]) -> None:
        """Have these made. Raises ``RefusalError`` where that is not to be."""
        if self._closing:
            raise CLOSING.error()
        if all(worker.state == "failed" for worker in self._workers):
            raise NO_WORKER.error()
        self._waiting.forget()
        if not self._waiting.has_room(wanted):
            raise self.full().error()
        self._waiting.add(wanted)
        self._feed()

    def full(self) -> Refusal:
        """What is said where no more may wait, with about how long it will take."""
        workers = max(1, len(self._workers))
        after = min(300, max(1, round(self._seconds * len(self._waiting) / workers)))
        message = f"{len(self._waiting)} images wait already; try again in {after} s"
        return Refusal(429, "queue_full", message, after=after)

    def drop(self, wanted: Sequence[Wanted]) -> None:
        """Nobody waits for these any more: they never start, and a batch of such alone ends."""
        for each in wanted:
            each.answer.cancel()
        self._waiting.forget()
        for worker in self._workers:
            is_over = all(each.is_over for each in worker.batch)
            if worker.state == "busy" and is_over and not worker.stopping and worker.process:
                worker.process.send(frames.encoded({"stop": worker.number}))
                loop = asyncio.get_running_loop()
                worker.stopping = loop.call_later(_STOPPING, worker.process.kill)
        self._measure()

    def close(self) -> None:
        """Begin nothing more; what is running may end."""
        self._closing = True
        self._waiting.refuse(CLOSING)

    async def end(self) -> None:
        """End the workers."""
        self.close()
        for worker in self._workers:
            for each in worker.batch:
                each.refuse(CLOSING)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, worker: _Worker) -> None:
        """Have a process for a worker, again and again."""
        while True:
            await asyncio.sleep(_PAUSES[min(worker.starts, len(_PAUSES) - 1)])
            worker.starts += 1
            try:
                worker.process = process = await Process.start(worker.command)
            except OSError as error:  # no process can be had: perhaps later
                sys.stderr.write(f"infer.server: a worker cannot be started: {error}\n")
                self._lose(worker, INPUT_OUTPUT)
                continue
            try:
                with suppress(frames.BrokenPipeFrame):
                    while True:
                        self._hear(worker, *await process.receive())
            finally:  # also where the server ends
                process.end()
                code = await process.ended()
            self._lose(worker, code)

    def _hear(self, worker: _Worker, head: dict[str, object], blobs: list[bytes]) -> None:
        kind = head["kind"]
        if kind == "ready":
            worker.state, worker.starts = "idle", 0
            if self.ready and not self.ready.done():
                self.ready.set_result(None)
            self._feed()
        elif head.get("batch") != worker.number:
            return
        elif kind == "done":
            if worker.stopping:
                worker.stopping.cancel()
            worker.state, worker.stopping, left = "idle", None, worker.batch
            worker.batch = []
            self._retry([each for each in left if not each.is_over])
            self._feed()
        else:
            self._answer(worker, str(kind), head, blobs)

    def _answer(
        self, worker: _Worker, kind: str, head: dict[str, object], blobs: list[bytes]
    ) -> None:
        match kind, head:
            case "step", {"step": int(step), "of": int(of), "seconds": float(seconds)}:
                if step:
                    self._metrics.step.observe(seconds)
                for each in worker.batch:
                    if not each.is_over:
                        each.watch(step, of)
            case "image", {"place": int(place), "seed": int(seed), "size": [int(w), int(h)]}:
                worker.batch[place].give(Made(blobs[0], seed, (w, h)))
                self._metrics.images.inc()
            case "refused", {"place": int(place), "code": str(code), "message": str(message)}:
                self._refuse(worker.batch, worker.batch[place], code, message)

    def _refuse(self, batch: list[Wanted], wanted: Wanted, code: str, message: str) -> None:
        if code == "asked":
            wanted.refuse(Refusal(400, "invalid_value", message))
        elif code != "flagged" and len(batch) > 1:
            wanted.alone = True  # it may be another's fault: ``done`` has it tried again
        else:
            self._metrics.flagged.inc(code == "flagged")
            wanted.refuse(_REFUSALS[code])

    def _lose(self, worker: _Worker, code: int) -> None:
        """A worker has ended, whatever of."""
        was_loading, left = worker.state in ("loading", "failed"), worker.batch
        worker.state, worker.batch, worker.process = "loading", [], None
        if worker.stopping:
            worker.stopping.cancel()
            worker.stopping = None
        self._metrics.ended.inc()
        if was_loading:
            worker.state = "failed"
            if all(each.state == "failed" for each in self._workers):
                self._waiting.refuse(NO_WORKER)
                if self.hopeless and self.ready and not self.hopeless.done() | self.ready.done():
                    self.hopeless.set_result(code)
        self._retry([each for each in left if not each.is_over])
        self._feed()

    def _retry(self, left: list[Wanted]) -> None:
        """Have images tried again, alone, that were begun and not answered."""
        for each in left:
            each.tries += 1
            each.alone = True
            if self._closing or each.tries >= TRIES:
                each.refuse(CLOSING if self._closing else DIED)
        self._waiting.again(each for each in left if not each.is_over)

    def _feed(self) -> None:
        """Give idle workers something to do."""
        for worker in self._workers:
            if worker.state != "idle" or not worker.process:
                continue
            batch = self._waiting.take(self.limits.batch, self.limits.batch_pixels)
            if not batch:
                break
            self._batches += 1
            worker.state, worker.number, worker.batch = "busy", self._batches, batch
            heads, blobs = waiting.plain(batch)
            worker.process.send(frames.encoded({"batch": worker.number, "asked": heads}, blobs))
            self._metrics.batch.observe(len(batch))
            self._time(batch)
        self._measure()

    def _time(self, batch: list[Wanted]) -> None:
        """Learn how long an image takes."""
        begun = time.monotonic()

        def note(_: object) -> None:
            seconds = (time.monotonic() - begun) / len(batch)
            self._seconds += (seconds - self._seconds) / 4

        batch[-1].answer.add_done_callback(note)

    def _measure(self) -> None:
        self._metrics.waiting.set(len(self._waiting))
        self._metrics.pixels.set(self._waiting.pixels)
        for state, count in self.states().items():
            self._metrics.workers.labels(state).set(count)
