"""Batches read ahead by a thread, and how long training waits for them."""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

from torch import Tensor

from train.data.batches import Shown
from train.producers.consuming import UnitBatches
from train.producers.counters import Counters

_PAUSE = 1.0  # seconds between saying where training is, unless it waits
_STILL = 2.0  # seconds of waiting until it is said again, so that producers know it is alive
Batch = list[tuple[int, Shown]]


class StoppedWaitingError(Exception):
    """The run was asked to stop while it waited for a batch."""


class Prefetched:
    """``batches`` of steps up to ``last``, at most ``ahead`` of them ready while training goes on
    with another; in pinned memory for a GPU. Steps come in order; any other begins anew.

    ``begun`` is called with a step that is asked for, now and then and where it is waited for; by a
    process that does not ``lead`` a run only where it waits for long: all are at the same step.
    Waiting ends when ``stopped`` says so.
    """

    def __init__(
        self,
        batches: UnitBatches,
        counters: Counters,
        last: int,
        ahead: int,
        *,
        pinned: bool,
        begun: Callable[[int], None] = lambda step: None,
        leads: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._batches, self._counters, self._last, self._ahead = batches, counters, last, ahead
        self._pinned, self._begun, self._leads, self._clock = pinned, begun, leads, clock
        self._said, self._saying = float("-inf"), Future[None]()
        self._saying.set_result(None)
        self._thread, self._teller = (
            ThreadPoolExecutor(1, "batches"),
            ThreadPoolExecutor(1, "place"),
        )
        self.stopped: Callable[[], bool] = lambda: False
        self._waiting: deque[tuple[tuple[int, int, int], Future[Batch]]] = deque()

    def at(self, step: int, rank: int = 0, ranks: int = 1) -> Batch:
        """The batch, when it is there. Raises ``StoppedWaitingError`` and what reading raised."""
        if self._waiting and self._waiting[0][0] != (step, rank, ranks):
            self.forget()
        if not self._waiting:
            self._read(step, rank, ranks)
        _, future = self._waiting.popleft()
        batch = self._arrived(step, future)
        following = self._waiting[-1][0][0] + 1 if self._waiting else step + 1
        for each in range(following, min(step + self._ahead, self._last) + 1):
            self._read(each, rank, ranks)
        return batch

    def _read(self, *key: int) -> None:
        """Read the batch of a step, for a rank of so many, in its turn."""
        step, rank, ranks = key
        self._waiting.append(((step, rank, ranks), self._thread.submit(self._fetch, *key)))

    def _arrived(self, step: int, future: Future[Batch]) -> Batch:
        """The batch, waited for; what else there is to do does not count as waiting."""
        started, ready = self._clock(), future.done()
        if self._leads and not ready:
            self._said = started
            self._begun(step)
        while not wait([future], _STILL).done:
            if self.stopped():
                raise StoppedWaitingError
            self._begun(step)
        batch = future.result()
        self._counters.waited(self._clock() - started)
        self._counters.ready(batch, -1)
        if self._leads and started - self._said > _PAUSE and self._saying.done():
            self._saying.result()  # raises what the last one raised
            self._said, self._saying = started, self._teller.submit(self._begun, step)
        return batch

    def forget(self) -> None:
        """What lies ready, and what is being read, is forgotten: another plan holds."""
        self._batches.stopped.set()
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()
        self._thread.shutdown()
        self._thread = ThreadPoolExecutor(1, "batches")
        self._batches.stopped.clear()
        self._counters.forget_ready()

    def finish(self) -> None:
        """Say that the last step is done."""
        wait([self._saying])
        if self._leads:
            self._begun(self._last + 1)

    def close(self) -> None:
        """Read no further."""
        self.forget()
        self._thread.shutdown()
        self._teller.shutdown()

    def _fetch(self, step: int, rank: int, ranks: int) -> Batch:
        batch = self._batches.at(step, rank, ranks)
        if self._pinned:
            batch = [(place, _pinned(shown)) for place, shown in batch]
        self._counters.ready(batch, 1)
        return batch


def _pinned(shown: Shown) -> Shown:
    features = shown.features and tuple(map(Tensor.pin_memory, shown.features))
    return replace(
        shown,
        latents=shown.latents.pin_memory(),
        references=tuple(map(Tensor.pin_memory, shown.references)),
        features=features,
    )
