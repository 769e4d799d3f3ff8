"""Progress: lines in a log, a bar in a terminal, both with what is known."""

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from making.places import ROOT

from curation import progress, storage
from curation.judging.ledger import Counts
from curation.output.layout import Layout, looked_at


def test_where_nobody_watches_progress_is_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    asked = iter([(40, 10), *[(40, 20)] * 100_000])
    with progress.watch(str(tmp_path), "units measured", lambda: next(asked), lambda: "warm"):
        deadline = time.monotonic() + 60
        shown = ""
        while "\n" not in shown and time.monotonic() < deadline:
            time.sleep(0.01)
            shown += capsys.readouterr().err
    first = r"units measured: 20 of 40 \(50 %\), [\d.e+]+/s, [\d,]+ s left, warm\n"
    assert re.match(first, shown), shown


def test_a_line_that_differs_in_its_rate_alone_is_seldom_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writers: list[Callable[[], None]] = []

    @contextlib.contextmanager
    def repeated(write: Callable[[], None], _seconds: float) -> Iterator[None]:
        writers.append(write)
        yield

    monkeypatch.setattr(progress, "repeated", repeated)
    stream, done, notes = io.StringIO(), [0], ["images: 2 of 8, 1.5/s, 4 s left"]
    with progress._lines(stream, "units", lambda: (4, done[0]), lambda: notes[0], 10):
        (write,) = writers
        for second in range(3):
            notes[0] = f"images: 2 of 8, 1.{second}/s, {second} s left"
            write()
        done[0] = 1
        write()
        for _ in range(progress.LINES_ALIKE):
            write()
    units = [line.split(",")[0] for line in stream.getvalue().splitlines()]
    assert units == ["units: 0 of 4 (0 %)", *["units: 1 of 4 (25 %)"] * 2]


def test_a_line_of_progress_says_what_it_knows() -> None:
    assert progress.line("files", 0, 3, 0.0) == "files: 3"
    assert progress.line("files", 8, 8, 2.0) == "files: 8 of 8 (100 %)"
    assert progress.line("files", 0, 8, 2.0) == "files: 8, 2/s"
    assert progress.line("files", 8, 4, 0.5) == "files: 4 of 8 (50 %), 0.5/s, 8 s left"


def test_a_note_says_what_models_saw_while_there_is_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, clock = Layout(str(tmp_path)), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    note = progress.note_of("images", lambda: looked_at(str(tmp_path)))
    assert note() == ""  # nothing is judged yet
    storage.write_bytes(layout.counts, Counts(waiting=40).to_bytes())
    storage.write_bytes(layout.looked("0" * 16), b"." * 4)  # as another run left it
    assert note() == "images: 4 of 40 (10 %)"
    clock[0] += 10
    storage.write_bytes(layout.looked("1" * 16), b"." * 16)
    assert note() == "images: 20 of 40 (50 %), 1.6/s, 12 s left"
    storage.write_bytes(layout.counts, Counts().to_bytes())
    assert note() == ""


def test_in_a_terminal_it_is_a_bar_that_goes_when_the_work_is_done() -> None:
    work = (
        "import time; from curation import progress\n"
        "with progress.watch('out', 'units measured', lambda: (40, 10), lambda: 'warm'):\n"
        "    time.sleep(0.7)\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-c", work]
    subprocess.run(command, stderr=theirs, cwd=ROOT, env=environment, check=True, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "units measured, warm" in shown and "10/40" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # the line is cleared


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.0, "0"), (1.5, "1.5"), (99.95, "100"), (999.4, "999"), (999.6, "1,000"), (1e5, "100,000")],
)
def test_three_digits_are_said_and_no_exponent(number: float, shown: str) -> None:
    assert progress.three_digits(number) == shown


def test_a_fast_rate_is_a_plain_number() -> None:
    assert progress.line("rows", 10**6, 5 * 10**5, 123_456.0).endswith("123,456/s, 4 s left")
