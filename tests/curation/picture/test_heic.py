"""HEIC: decoded by a process of its own, whose end is the file's fault and not ours."""

import importlib.util
import subprocess
import sys
from typing import Any

import pytest
from making.odd_pictures import heic
from making.picture_mutants import mutant

from curation.picture import decoding
from curation.picture.decoding import PictureError

DEADLY = 38  # of some 1,500 mutants the one that ended libheif 1.23


def ending(data: bytes) -> str:
    try:
        decoding.decode(data)
    except PictureError as error:
        return str(error)
    return "passed"


def test_mutants_end_in_refusals_even_where_they_end_the_decoder() -> None:
    endings = [ending(mutant(number, "heic")) for number in (*range(12), DEADLY)]
    assert endings[-1].startswith("corrupt")
    kinds = {said.partition(":")[0] for said in endings}
    assert kinds <= {"passed", "truncated", "corrupt", "unsupported", "bomb", "not-a-picture"}


def test_a_decoder_that_dies_says_so_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    run = subprocess.run

    def killed(command: list[str], **options: Any) -> Any:
        code = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
        return run([sys.executable, "-c", code], **options)

    monkeypatch.setattr(subprocess, "run", killed)
    assert ending(heic("plain")) == "corrupt: the decoder died of it"


def test_a_decoder_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def hanging(command: list[str], *, timeout: float, **_: Any) -> Any:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hanging)
    assert ending(heic("plain")) == "corrupt: the decoder took more than 60 seconds"


def test_without_the_package_it_is_a_format_that_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert ending(heic("plain")).startswith("unsupported: HEIC without the package pi-heif")
