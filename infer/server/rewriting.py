"""Prompts of requests, written anew by a language model: some at once, and so many may wait."""

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import replace

from infer.enhancing.enhancer import Enhanced, Enhancer
from infer.server.asked import Asked
from infer.server.refusal import Refusal, wrong

_MOST = 64  # requests that wait for a prompt
FULL = Refusal(429, "queue_full", "too many prompts wait to be enhanced; try again", after=10)
_OFF = "enhance: this server enhances no prompts (--enhance of its command)"
_OF_EDITS = "enhance: prompts of new images are enhanced, not those of edits"


class Rewriting:
    """By an ``enhancer``; None where the server's operator gave none."""

    def __init__(self, enhancer: Enhancer | None = None) -> None:
        self._enhancer = enhancer
        self._turns = asyncio.Semaphore(enhancer.at_once if enhancer else 1)
        self._waiting = 0

    @property
    def is_on(self) -> bool:
        """Whether there is a language model."""
        return self._enhancer is not None

    def check(self, asked: Asked) -> None:
        """Raise ``RefusalError`` for what cannot be enhanced."""
        if self._enhancer is None:
            raise wrong(_OFF, "enhance")
        if asked.images:
            raise wrong(_OF_EDITS, "enhance")

    async def rewritten(self, asked: Asked) -> tuple[Asked, str]:
        """The same with a prompt that was written anew, or else why it was not. Whoever gives up
        waiting makes room for another, but a model that is still asked keeps its turn.

        Raises ``RefusalError``.
        """
        self.check(asked)
        assert self._enhancer
        if self._waiting >= _MOST:
            raise FULL.error()
        self._waiting += 1
        try:
            await self._turns.acquire()
            writing = asyncio.wrap_future(_begun(self._enhancer, asked.prompt))
            writing.add_done_callback(lambda _: self._turns.release())
            made = await asyncio.shield(writing)
        finally:
            self._waiting -= 1
        if made.reason:
            return asked, f"the prompt was not enhanced: {made.reason}"
        return replace(asked, prompt=made.text, given=asked.prompt, writer=self._enhancer.name), ""


def _begun(enhancer: Enhancer, prompt: str) -> "Future[Enhanced]":
    """In a thread of its own, for which the end of the server does not wait."""
    future = Future[Enhanced]()
    future.set_running_or_notify_cancel()

    def write() -> None:
        made = Enhanced(prompt, "a bug of the server; see its log")
        try:
            made = enhancer.enhance(prompt)
        finally:
            future.set_result(made)

    threading.Thread(target=write, daemon=True, name="enhancing").start()
    return future
