"""What a run shows: progress on standard error while it works, the funnel when it is done."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from curation import storage
from curation.layout import Layout

POLL_SECONDS = 0.5


@contextlib.contextmanager
def watch(output: str, what: str, count: Callable[[], tuple[int, int]]) -> Iterator[None]:
    """Show how much is done, with time left.

    ``count`` tells, from the files there, how many of ``what`` there are to do and are done.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(file=sys.stderr)  # this one: the runner's own chatter is redirected
    if not console.is_terminal or storage.is_remote(output):
        yield
        return
    done = threading.Event()
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

        def poll() -> None:
            while not done.wait(POLL_SECONDS):
                total, found = count()
                bar.update(task, total=total or None, completed=found)

        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def measured(output: str) -> tuple[int, int]:
    """How many units a run has to measure, and how many are."""
    layout = Layout(output)
    return len(layout.units("plan")), len(layout.units("signals"))


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
    if counts["quarantine"]:
        lines.append("quarantined:")
        worst = sorted(counts["quarantine"].items(), key=lambda item: (-item[1], item[0]))
        lines += [f"  {reason:<22}{number:>8}" for reason, number in worst]
    return "\n".join(lines)
