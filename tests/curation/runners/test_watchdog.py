"""A worker process that dies must end the run, which the local runner alone would not."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import psutil
from making.collection import make_folder
from making.runs import WITHOUT_MODELS

from curation.runners import watchdog


def _worker_of(process: psutil.Popen) -> psutil.Process | None:
    for one in process.children(recursive=True):
        try:
            if one.cmdline()[2:3] == ["apache_beam.runners.worker.sdk_worker_main"]:
                return one
        except psutil.NoSuchProcess:
            continue
    return None


def test_a_killed_worker_ends_the_run_with_a_message(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", 24)
    config = tmp_path / "pipelines.yaml"
    config.write_text(WITHOUT_MODELS, encoding="utf-8")
    command = [sys.executable, "-m", "curation.command", "run", "--input", str(tmp_path / "in")]
    command += ["--output", str(tmp_path / "out"), "--config", str(config), "--workers", "2"]
    command += ["--direct_running_mode=multi_processing"]
    family: list[psutil.Process] = []
    errors = tmp_path / "errors"  # not a pipe, which the other worker would hold open
    with errors.open("wb") as stream:
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=stream)
    try:
        while (worker := _worker_of(process)) is None:
            assert process.poll() is None
            time.sleep(0.02)
        family = process.children(recursive=True)
        worker.kill()
        process.wait(timeout=60)
    finally:
        for one in [*family, process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    told = errors.read_text()
    assert process.returncode == watchdog.EXIT_CODE
    assert watchdog.TOLD in told and "Traceback" not in told
    assert not (tmp_path / "out" / "_SUCCESS").exists()
