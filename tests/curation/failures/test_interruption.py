"""SIGINT and SIGTERM at any moment: a code, one sentence, and the same command goes on."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from making.collection import make_folder
from making.pipelines import WITHOUT_MODELS
from making.runs import CONTEXT, digests, finish

from curation import command
from curation.failures import interruption

SENTENCE = f"beam: {interruption.MESSAGE}\n"
# A worker that is still in C++ when the interpreter ends: what made runs abort.
BUSY = """
import os, signal, sys
from curation import command
from curation.measuring import measure
from curation.picture import decoding
def busy(samples, *_):
    samples = list(samples)
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        for sample in samples:
            try:
                decoding.decode(sample.data).small
            except decoding.PictureError:
                pass
measure.measure = busy
command.main()
"""
# The first thing that the command imports is told to end the program.
EARLY = "import os, signal\nos.kill(os.getpid(), signal.{})\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("interrupted")
    (root / "pipelines.yaml").write_text(WITHOUT_MODELS, encoding="utf-8")
    make_folder(root / "in", 12)
    return root


def arguments(folder: Path, output: Path) -> list[str]:
    told = ["run", "--input", str(folder / "in"), "--output", str(output)]
    return [*told, "--config", str(folder / "pipelines.yaml"), "--unit-rows", "8"]


def ended(*command: str, path: Path | None = None) -> tuple[int, str]:
    search = [str(path)] if path else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*search, *sys.path])}
    finished = subprocess.run(
        [sys.executable, *command], capture_output=True, check=False, env=environment, text=True
    )
    return finished.returncode, finished.stderr


def test_workers_that_are_busy_do_not_make_it_abort(folder: Path, tmp_path: Path) -> None:
    code, told = ended("-c", BUSY, *arguments(folder, tmp_path / "out"))
    assert code == 130 and told.endswith(SENTENCE) and "Traceback" not in told


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_while_it_still_imports(name: str, code: int, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(EARLY.format(name))
    command = arguments(folder, tmp_path / "out")
    assert ended("-m", "curation", *command, path=tmp_path) == (code, SENTENCE)


def run_and_send(number: int, name: str, function: str, told: Path, words: list[str]) -> None:
    """In a child process: the command, which gets the signal when it first calls a function."""
    module = importlib.import_module(name)
    original = getattr(module, function)

    def interrupted(*given: Any, **named: Any) -> Any:
        os.kill(os.getpid(), number)
        return original(*given, **named)

    setattr(module, function, interrupted)
    sys.argv = ["beam", *words]
    with told.open("w") as stream:
        os.dup2(stream.fileno(), 2)
    command.main()


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> dict[str, str]:
    finish([folder / "in"], folder / "undisturbed")
    return digests(folder / "undisturbed")


def test_interrupted_at_every_step_it_ends_in_the_same_bytes(
    folder: Path, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    words = arguments(folder, tmp_path / "out")
    moments = [
        (signal.SIGINT, "curation.measuring.measure", "measure"),
        (signal.SIGTERM, "curation.graphs.judging", "judge_units"),
        (signal.SIGINT, "curation.shard", "write"),
        (signal.SIGTERM, "curation.report", "write_report"),
    ]
    for number, name, function in moments:
        told = tmp_path / "told"
        process = CONTEXT.Process(target=run_and_send, args=(number, name, function, told, words))
        process.start()
        process.join()
        assert process.exitcode == 128 + number, function
        assert told.read_text().endswith(SENTENCE), function
        assert not (tmp_path / "out" / "_SUCCESS").exists()
    finish([folder / "in"], tmp_path / "out")
    assert digests(tmp_path / "out") == undisturbed
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    program = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from curation.failures.interruption import carry_out\n"
        "carry_out('beam', lambda: os.kill(os.getpid(), signal.SIGINT) or 7)"
    )
    assert ended("-c", program) == (7, "")
