"""What a run shows on standard error while it works: a bar in a terminal, lines elsewhere."""

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO

from curation import storage
from curation.storage.repeating import repeated

if TYPE_CHECKING:
    from rich.console import Console

POLL_SECONDS = 0.5
LINE_SECONDS = 10.0  # between two lines where nobody watches a bar, such as in a log
LINES_ALIKE = 6  # of lines that differ in rates alone one is written
_RATES = re.compile(r", [\d.,e+]+/s(, [\d,]+ s left)?")
REMOTE_LINE_SECONDS = 60.0  # a listing there is slow and paid for
Count = Callable[[], tuple[int, int]]
Note = Callable[[], str]
_IS_SHOWN = ContextVar("is_shown", default=True)


@contextlib.contextmanager
def shown(is_shown: bool) -> Iterator[None]:
    """Whether ``watch`` and ``say`` write anything in the block: of functions, if asked."""
    token = _IS_SHOWN.set(is_shown)
    try:
        yield
    finally:
        _IS_SHOWN.reset(token)


@contextlib.contextmanager
def watch(output: str, what: str, count: Count, note: Note = str) -> Iterator[None]:
    """Show how much is done while the block runs, with rate and time left.

    ``count`` answers how many of ``what`` there are to do and are done, ``note`` what else to show;
    both are called from another thread. A remote ``output`` is asked less often.
    """
    if not _IS_SHOWN.get():
        yield
        return
    from rich.console import Console

    console = Console(file=sys.stderr)  # this one: the runner's own chatter is redirected
    remote = storage.is_remote(output)
    if console.is_terminal and not remote:
        with _bar(console, what, count, note):
            yield
        return
    seconds = REMOTE_LINE_SECONDS if remote else LINE_SECONDS
    with _lines(sys.stderr, what, count, note, seconds):
        yield


def say(sentence: str) -> None:
    """Show a sentence on standard error, above a bar that is shown there."""
    if not _IS_SHOWN.get():
        return
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def note_of(what: str, count: Count) -> Note:
    """A note on how much of something else is done while there is any, with rate and time left."""
    since = (0, 0, 0.0)  # of how many, how many were done, and when

    def note() -> str:
        nonlocal since
        total, done = count()
        if total != since[0] or done < since[1]:
            since = total, done, time.monotonic()
        if done >= total:
            return ""
        seconds = time.monotonic() - since[2]
        return line(what, total, done, (done - since[1]) / seconds if seconds else 0.0)

    return note


@contextlib.contextmanager
def _bar(console: "Console", what: str, count: Count, note: Note) -> Iterator[None]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        total, done = count()  # what an earlier run did says nothing of rates
        task = bar.add_task(what, total=total or None, completed=done)

        def update() -> None:
            total, done = count()
            speed = bar.tasks[task].speed
            parts = (what, f"{three_digits(speed)}/s" if speed else "", note())
            description = ", ".join(filter(None, parts))
            bar.update(task, total=total or None, completed=done, description=description)

        with repeated(update, POLL_SECONDS):
            yield


@contextlib.contextmanager
def _lines(stream: TextIO, what: str, count: Count, note: Note, seconds: float) -> Iterator[None]:
    begun, before = time.monotonic(), count()[1]
    last, same = "", 0

    def write() -> None:
        nonlocal last, same
        total, done = count()
        rate = (done - before) / (time.monotonic() - begun)
        parts = (line(what, total, done, rate), note())
        said = ", ".join(filter(None, parts))
        is_same = _RATES.sub("", said) == last
        same = same + 1 if is_same else 0
        if same % LINES_ALIKE:
            return  # nothing has come of it meanwhile
        last = _RATES.sub("", said)
        stream.write(f"{said}\n")
        stream.flush()

    with repeated(write, seconds):
        yield


def line(what: str, total: int, done: int, rate: float) -> str:
    """``units measured: 30 of 120 (25 %), 1.5/s, 60 s left``; ``rate`` is per second."""
    text = f"{what}: {done} of {total}" if total else f"{what}: {done}"
    if total:
        text += f" ({100 * done // total} %)"
    if rate > 0 and (not total or total > done):  # what is done has no rate any more
        text += f", {three_digits(rate)}/s"
        if total:
            text += f", {(total - done) / rate:,.0f} s left"
    return text


def three_digits(number: float) -> str:
    """A number with three significant digits, but all before the point: ``1,235``, ``1.23``."""
    return f"{number:,.0f}" if abs(number) >= 999.5 else f"{number:.3g}"


def two_digits(number: float) -> str:
    """The same with two: ``100``, ``12``, ``0.0012``."""
    return f"{number:,.0f}" if abs(number) >= 99.5 else f"{number:.2g}"
