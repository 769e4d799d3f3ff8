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
_STILL = 20.0  # seconds of waiting until it is said again, so that producers know it is alive
Batch = list[tuple[int, Shown]]


class Prefetched:
    """``batches`` of steps up to ``last``, at most ``ahead`` of them ready while training goes on
    with another; in pinned memory for a GPU. Steps come in order; any other begins anew.

    ``begun`` is called with a step that is asked for, now and then and where it is waited for; by a
    process that does not ``lead`` a run only where it waits for long: all are at the same step.
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
        self._said = float("-inf")
        self._thread = ThreadPoolExecutor(1, "batches")
        self._waiting: deque[tuple[tuple[int, int, int], Future[Batch]]] = deque()

    def at(self, step: int, rank: int = 0, ranks: int = 1) -> Batch:
        """The batch, when it is there. Raises what reading it raised."""
        started = self._clock()
        if self._waiting and self._waiting[0][0] != (step, rank, ranks):
            self.forget()
        following = self._waiting[-1][0][0] + 1 if self._waiting else step
        for each in range(following, min(step + self._ahead, self._last) + 1):
            key = (each, rank, ranks)
            self._waiting.append((key, self._thread.submit(self._fetch, *key)))
        _, future = self._waiting.popleft()
        if self._leads and (not future.done() or started - self._said > _PAUSE):
            self._said = started
            self._begun(step)
        while not wait([future], _STILL).done:
            self._begun(step)
        batch = future.result()
        self._counters.ready(batch, -1)
        self._counters.waited(self._clock() - started)
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
        if self._leads:
            self._begun(self._last + 1)

    def close(self) -> None:
        """Read no further."""
        self.forget()
        self._thread.shutdown()

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
