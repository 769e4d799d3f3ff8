"""What a run shows: progress on standard error while it works, the funnel when it is done."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from curation import storage
from curation.output.layout import Layout
from curation.storage.repeating import repeated

if TYPE_CHECKING:
    from rich.console import Console

ORIGINS_SHOWN = 10
SIDE_FILES_SHOWN = 5
POLL_SECONDS = 0.5
LINE_SECONDS = 10.0  # between two lines where nobody watches a bar, such as in a log
REMOTE_LINE_SECONDS = 60.0  # a listing there is slow and paid for
Count = Callable[[], tuple[int, int]]


@contextlib.contextmanager
def watch(output: str, what: str, count: Count) -> Iterator[None]:
    """Show how much is done, with rate and time left: a bar in a terminal, lines elsewhere.

    ``count`` tells, from the files there, how many of ``what`` there are to do and are done.
    """
    from rich.console import Console

    console = Console(file=sys.stderr)  # this one: the runner's own chatter is redirected
    remote = storage.is_remote(output)
    if console.is_terminal and not remote:
        with _bar(console, what, count):
            yield
        return
    with _lines(sys.stderr, what, count, REMOTE_LINE_SECONDS if remote else LINE_SECONDS):
        yield


@contextlib.contextmanager
def _bar(console: "Console", what: str, count: Count) -> Iterator[None]:
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
        task = bar.add_task(what, total=None)

        def update() -> None:
            total, done = count()
            speed = bar.tasks[task].speed
            told = f"{what}, {speed:.3g}/s" if speed else what
            bar.update(task, total=total or None, completed=done, description=told)

        with repeated(update, POLL_SECONDS):
            yield


@contextlib.contextmanager
def _lines(stream: TextIO, what: str, count: Count, seconds: float) -> Iterator[None]:
    begun, before = time.monotonic(), count()[1]  # what an earlier run did says nothing of rates

    def write() -> None:
        total, done = count()
        rate = (done - before) / (time.monotonic() - begun)
        stream.write(line(what, total, done, rate) + "\n")
        stream.flush()

    with repeated(write, seconds):
        yield


def line(what: str, total: int, done: int, rate: float) -> str:
    """``units measured: 30 of 120 (25 %), 1.5/s, 60 s left``; ``rate`` is per second."""
    text = f"{what}: {done} of {total}" if total else f"{what}: {done}"
    if total:
        text += f" ({100 * done // total} %)"
    if rate > 0:
        text += f", {rate:.3g}/s"
        if total > done:
            text += f", {(total - done) / rate:,.0f} s left"
    return text


def measured(output: str) -> tuple[int, int]:
    """How many units a run has to measure, and how many are."""
    layout = Layout(output)
    return len(layout.units("plan")), len(layout.units("checked"))


def funnel(counts: dict[str, Any]) -> str:
    """The funnel as text: the sum, and per stage what each rule stopped."""
    lines = [
        f"in {counts['in']} = kept {counts['kept']} + dropped {counts['dropped']}"
        f" + quarantined {counts['quarantined']}"
    ]
    for stage, told in counts["stages"].items():
        lines.append(f"{stage}: {told['in']} in, {told['passed']} passed")
        stopped = sorted(told["dropped"].items(), key=lambda item: -item[1])
        lines += [f"  {rule:<22}{number:>8} dropped" for rule, number in stopped if number]
    for stage, told in counts.get("synthetic", {}).items():
        share = f"{100 * told['share']:.1f} % of {told['kept']}"
        lines.append(f"drawn pictures kept from {stage} on: {told['drawn']}, {share}")
    lines += _captions(counts["captions"])
    lines += [f"note: {note}" for note in counts.get("notes", ())]
    if counts["quarantine"]:
        lines.append("quarantined:")
        worst = sorted(counts["quarantine"].items(), key=lambda item: (-item[1], item[0]))
        lines += [f"  {reason:<22}{number:>8}" for reason, number in worst]
    return "\n".join(lines)


def _captions(told: dict[str, Any]) -> list[str]:
    """How many rows have captions, where these were said, and which side files say nothing."""
    from curation.report import text

    lines = [
        f"with captions {told['with']} ({told['kept_with']} kept),"
        f" without {told['without']} ({told['kept_without']} kept)"
    ]
    shown = list(told["origins"].items())
    lines += [
        f"  from {text.prose(origin):<30}{of['in']:>8}" for origin, of in shown[:ORIGINS_SHOWN]
    ]
    if len(shown) > ORIGINS_SHOWN:
        rest = sum(of["in"] for _, of in shown[ORIGINS_SHOWN:])
        lines.append(f"  from elsewhere, see run.json       {rest:>8}")
    if told["side_files_unread"]:
        lines.append(f"side files that could not be read: {told['side_files_unread']}")
        lines += [
            f"  {text.prose(problem)}" for problem in told["side_files_first"][:SIDE_FILES_SHOWN]
        ]
    return lines
