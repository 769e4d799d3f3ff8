"""Beam's Prism runner gives the local run's bytes. Needs its binary: ``PRISM=/path/to/prism``."""

import os
import shutil
from pathlib import Path

import pytest
from making.collection import make_folder
from making.pipelines import WITHOUT_MODELS
from making.runs import digests

from curation import command
from curation.failures.commands import guarded

BINARY = os.environ.get("PRISM") or shutil.which("prism")


@pytest.mark.skipif(BINARY is None, reason="no Prism binary: PRISM=FILE, or prism in PATH")
def test_prism_gives_the_bytes_of_the_local_run(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", count=20)
    config = tmp_path / "pipelines.yaml"
    config.write_text(WITHOUT_MODELS, encoding="utf-8")
    told = []
    for name, runner in (("here", []), ("prism", ["--runner=PrismRunner"])):
        given = ["run", "-i", str(tmp_path / "in"), "-o", str(tmp_path / name)]
        given += ["--config", str(config), "--unit-rows=8", *runner]
        if runner:
            given.append(f"--prism_location={BINARY}")
        assert guarded("beam", lambda given=given, **more: command.app(given, **more)) == 0
        told.append(digests(tmp_path / name))
    assert told[0] == told[1]
    assert any(name.startswith("shards/part-") for name in told[0])
