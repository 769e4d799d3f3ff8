"""A picture is a function of its settings and index: any order, any processes, after any death."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from making.made_fonts import all_characters, make
from making.places import ROOT

from curation.failures.errors import UsageError
from synthesis import jobs, modes, rendering
from synthesis.job import Job

pytestmark = pytest.mark.slow

COUNT, PART = 56, 4  # what killed runs leave to do is enough for each of four processes
SIZE = "256x256"


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("fonts")
    make(folder / "one.ttf", all_characters("en"), family="One")
    make(folder / "two.ttf", all_characters("zh"), family="Two")
    return str(folder)


@pytest.fixture(scope="module", params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    try:
        jobs.prepare(request.param, "mix")
    except UsageError as problem:
        pytest.skip(str(problem))
    return str(request.param)


def start(fonts: str, out: Path, mode: str, workers: int) -> subprocess.Popen[bytes]:
    """A rendering in a session of its own."""
    asked = {"lang": "en", "mode": mode, "n": COUNT, "part-size": PART, "size": SIZE}
    told = {**asked, "fonts": fonts, "out": out, "workers": workers}
    options = [f"--{name}={value}" for name, value in told.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "synthesis.render", *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """The parts that are there, each with what changes when it is written again."""
    found = {path.name: path.stat() for path in sorted(out.glob("part-*"))}
    return {name: (state.st_ino, state.st_mtime_ns) for name, state in found.items()}


def killed(run: subprocess.Popen[bytes], moment: Callable[[], object]) -> None:
    """Kill the run and all its workers at once, at the moment; it must not have ended by then."""
    deadline = time.monotonic() + 250  # of a test's 300 seconds
    while not moment():
        assert run.poll() is None, "the run ended too early"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("mode", "runs"),
    [
        pytest.param("scene", [2], marks=pytest.mark.drill),  # a mix has both
        pytest.param("template", [2], marks=pytest.mark.drill),
        ("mix", [1, 2]),
        pytest.param("edit", [1, 2], marks=pytest.mark.drill),
    ],
    ids=["scene", "template", "mix", "edit"],
)
def test_same_bytes_for_any_processes_and_after_any_deaths(
    fonts: str, tmp_path: Path, mode: str, runs: list[int]
) -> None:
    """This process undisturbed, against runs of so many processes that are killed, then four."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    job = jobs.prepare("en", mode, size=SIZE, fonts=fonts)
    rendering.run(job, COUNT, str(whole), 1, PART)
    assert len(finished(whole)) == -(-COUNT // PART)
    kept: dict[str, tuple[int, int]] = {}
    for workers in runs:
        killed(start(fonts, out, mode, workers), partial(writes_next, out, len(kept)))
        assert finished(out).items() > kept.items()
        kept = finished(out)
    assert start(fonts, out, mode, 4).wait() == 0
    assert finished(out).items() > kept.items()
    assert contents(out) == contents(whole)


def writes_next(out: Path, before: int) -> bool:
    """Whether a new part is finished and the one after it is being written."""
    return len(finished(out)) > before and any(out.glob(".part-*"))


@pytest.mark.parametrize("mode", ["mix", "edit"])
def test_order_does_not_matter(language: str, mode: str) -> None:
    """Nothing of a picture is left behind for the next, whichever it is."""
    job = _job(language, mode)
    first = [modes.render(job, index) for index in range(12)]
    assert [modes.render(job, index) for index in reversed(range(12))] == first[::-1]


def _job(language: str, mode: str) -> Job:
    return jobs.prepare(language, mode, seed=11, size=SIZE)
