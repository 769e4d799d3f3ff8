"""Calls that are given up after a while: a model that hangs on an image must not stop the run."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

MOST_HANGS = 5  # images in a row that get no answer: then it is not the images

_Call = tuple[Callable[[Any], Any], Any, "Future[Any]"]


class HangError(Exception):
    """A call that gave no answer in time."""


class Patience(threading.local):
    """A thread beside each thread that asks, which answers its calls; one that hangs is left alone.

    A call that holds Python's lock while it hangs cannot be given up.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call] | None = None
        self._hangs = 0

    def call(self, function: Callable[[Any], Any], argument: Any, seconds: float) -> Any:
        """What the function answers. Raises what it raises, and ``HangError``."""
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(target=_answer, args=(self._calls,), daemon=True).start()
        answer: Future[Any] = Future()
        self._calls.put((function, argument, answer))
        try:
            answer.exception(seconds)
        except TimeoutError:
            self._calls = None
            raise HangError(f"no answer in {seconds:g} s") from None
        return answer.result()

    def is_lost(self, *, hung: bool) -> bool:
        """Note how asking about an image went; whether so many got no answer in a row."""
        self._hangs = self._hangs + 1 if hung else 0
        return self._hangs >= MOST_HANGS


def _answer(calls: SimpleQueue[_Call]) -> None:
    while True:
        function, argument, answer = calls.get()
        try:
            answer.set_result(function(argument))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
            answer.set_exception(error)
