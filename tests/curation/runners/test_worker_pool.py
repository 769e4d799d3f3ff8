"""Worker processes are forks, write what threads write, and nobody outlives another.

A worker that dies must end the run, which the local runner alone would not.
"""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from making.collection import make_folder
from making.pipelines import WITHOUT_MODELS

from curation.runners import running, watchdog, worker_pool

pytestmark = pytest.mark.slow

PROCESSES = "--direct_running_mode=multi_processing"


def command(folder: Path, output: str, *more: str) -> list[str]:
    """A run of two workers over pictures that are there already."""
    line = [sys.executable, "-m", "curation", "run", "--input", str(folder / "in")]
    line += ["--config", str(folder / "pipelines.yaml"), "--output", str(folder / output)]
    return [*line, "--unit-rows", "8", "--workers", "2", *more]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers")
    make_folder(folder / "in", 24)
    (folder / "pipelines.yaml").write_text(WITHOUT_MODELS, encoding="utf-8")
    return folder


@contextlib.contextmanager
def started(folder: Path, output: str) -> Iterator[SimpleNamespace]:
    """A run with its fork server and two workers; whatever of it is left is killed."""
    errors = folder / f"{output}.errors"  # not a pipe, which a worker could hold open
    with errors.open("wb") as stream:
        driver = psutil.Popen(
            command(folder, output, PROCESSES), stdout=subprocess.DEVNULL, stderr=stream
        )
    family: list[psutil.Process] = []
    try:
        while len(family) < 3:
            assert driver.poll() is None, errors.read_text()
            time.sleep(0.01)
            with contextlib.suppress(psutil.NoSuchProcess):
                family = driver.children(recursive=True)
        server = next(one for one in family if one.ppid() == driver.pid)
        workers = [one for one in family if one.ppid() == server.pid]
        yield SimpleNamespace(driver=driver, server=server, workers=workers, errors=errors)
    finally:
        for one in [*family, driver]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def all_end(processes: list[psutil.Process]) -> bool:
    """Whether all end within 20 seconds; those that nobody buries have."""
    deadline = time.monotonic() + 20
    while any(map(lives, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(lives, processes))


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("victim", ["worker", "server"])
def test_a_killed_worker_ends_the_run_with_a_message(victim: str, folder: Path) -> None:
    with started(folder, victim) as run:
        (run.server if victim == "server" else run.workers[0]).kill()
        run.driver.wait(timeout=60)
        assert all_end([run.server, *run.workers])
    told = run.errors.read_text()
    assert run.driver.returncode == watchdog.EXIT_CODE
    assert watchdog.TOLD in told and "Traceback" not in told
    assert not (folder / victim / "_SUCCESS").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_no_worker_outlives_the_driver(number: int, code: int, folder: Path) -> None:
    with started(folder, f"killed-{code}") as run:
        run.driver.send_signal(number)
        run.driver.wait(timeout=60)
        assert all_end([run.server, *run.workers])
    assert run.driver.returncode == code
    assert "Traceback" not in run.errors.read_text()
    done = subprocess.run(command(folder, f"killed-{code}", PROCESSES), check=False)
    assert done.returncode == 0


def test_processes_and_threads_write_the_same_bytes(folder: Path) -> None:
    modes = {
        "threads": ["--direct_running_mode=multi_threading"],
        "processes": [PROCESSES],
        "pairs": [PROCESSES, "--process_threads=2", "--workers=3"],
    }
    cpu: dict[str, float] = {}
    results: dict[str, dict[str, bytes]] = {}
    for mode, options in modes.items():
        subprocess.run(command(folder, mode, *options), check=True, capture_output=True)
        steps = json.loads((folder / mode / "run.json").read_bytes())["steps"]
        cpu[mode] = sum(step["cpu_seconds"] for step in steps.values())
        results[mode] = {
            str(path.relative_to(folder / mode)): path.read_bytes()
            for part in ("shards", "ledger", "signals", "groups")
            for path in sorted((folder / mode / part).rglob("*.parquet"))
        }
    assert results["processes"] == results["pairs"] == results["threads"]
    assert len(results["threads"]) > 5
    assert cpu["processes"] > 0.7 * cpu["threads"]  # workers count
    assert cpu["processes"] < cpu["threads"] + 2  # 7 more where each imports everything itself


def test_few_workers_are_threads_and_many_are_pairs() -> None:
    assert running.defaults([], 4) == [
        "--direct_num_workers=4",
        "--direct_running_mode=multi_threading",
    ]
    many = [PROCESSES, "--process_threads=2", "--no_save_main_session"]
    assert running.defaults([], 5) == ["--direct_num_workers=5", *many]
    alone = [PROCESSES, "--process_threads=1", "--no_save_main_session"]
    assert running.defaults([], 2, processes=True) == ["--direct_num_workers=2", *alone]


def test_a_process_with_threads_is_not_forked() -> None:
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    try:
        with worker_pool.started():
            assert worker_pool.current() is None
    finally:
        waiting.set()
        thread.join()
    assert worker_pool.usage() == (0.0, 0)


def test_where_torch_is_loaded_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", sys.modules[__name__])
    with worker_pool.started():
        assert worker_pool.current() is None
