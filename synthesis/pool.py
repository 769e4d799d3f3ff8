"""Rendering in several processes (Skia holds the GIL), results in order of index.

A worker that dies is replaced and its images are rendered again; workers end with their driver,
however that ends.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import cv2

from synthesis import modes
from synthesis.job import Job
from synthesis.sample import Rejected, Sample

CHUNK = 16  # images per task: small enough to keep all processes busy to the end
_AHEAD = 3  # tasks per process that may wait, finished or not: bounds the memory
_MOST_DEATHS = 3  # in a row, before giving up: then something kills every worker
_worker_job: Job | None = None


@dataclass(frozen=True)
class Rendered:
    """What became of one index: its sample (``None``: every attempt was rejected)."""

    index: int
    sample: Sample | None
    rejections: list[Rejected]


class WorkersLostError(RuntimeError):
    """Worker processes died again and again (killed for memory, perhaps)."""


def render_all(job: Job, first: int, end: int, workers: int) -> Iterator[Rendered]:
    """The images ``first`` to ``end - 1``, in order; the same for any number of workers."""
    if workers == 1:
        for index in range(first, end):
            yield Rendered(index, *modes.render_until_kept(job, index))
        return
    deaths = 0
    while first < end:
        try:
            for result in _with_pool(job, first, end, workers):
                yield result
                first, deaths = result.index + 1, 0
        except BrokenProcessPool as error:
            deaths += 1
            if deaths == _MOST_DEATHS:
                raise WorkersLostError(
                    f"{deaths} times in a row a worker process died; try fewer --workers, or a "
                    "smaller --size"
                ) from error


def _with_pool(job: Job, first: int, end: int, workers: int) -> Iterator[Rendered]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(job,))
    try:
        waiting: deque[Future[list[Rendered]]] = deque()
        for start in range(first, end, CHUNK):
            waiting.append(pool.submit(_render_chunk, start, min(start + CHUNK, end)))
            if len(waiting) > workers * _AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(job: Job) -> None:
    global _worker_job  # noqa: PLW0603 - a process is initialised once, before its first task
    _worker_job = job
    cv2.setNumThreads(1)  # one core each
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver is interrupted, and ends us
    threading.Thread(target=_end_with_driver, daemon=True).start()


def _end_with_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)


def _render_chunk(first: int, end: int) -> list[Rendered]:
    if _worker_job is None:
        raise RuntimeError("the worker process was not initialised with its job")
    job = _worker_job
    return [Rendered(index, *modes.render_until_kept(job, index)) for index in range(first, end)]
