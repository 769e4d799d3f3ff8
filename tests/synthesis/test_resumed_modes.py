"""A rendering of every mode goes on to the same bytes in another process."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from making import renderings
from making.places import ROOT
from making.renderings import contents, options, run

from curation.failures.errors import UsageError
from synthesis import jobs, modes, parts

pytestmark = pytest.mark.slow

MODES = ("scene", "template", "mix", "strings", "edit")
RESUME = """
import json, sys
from synthesis.render import app
for line in json.loads(sys.argv[1]):
    app(line, standalone_mode=False)
"""


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of every mode that renders here, ``whole``, rendered at once in this process, and ``out``,
    where this process failed after the first part and another went on, one for all modes.
    """
    folder = tmp_path_factory.mktemp("modes")
    fonts = renderings.fonts(tmp_path_factory.mktemp("fonts"))
    lines = []
    for mode in MODES:
        size = "64x32" if mode == "strings" else "256x256"
        given = str(Path(fonts) / "two.ttf") if mode == "strings" else fonts  # one.ttf lacks a Q
        try:
            job = jobs.prepare("en", mode, size=size, fonts=given)
            if None in [modes.render_until_kept(job, index)[0] for index in range(2)]:
                continue  # nothing with fonts of rectangles
        except UsageError:
            continue  # something is missing here
        whole, out = folder / mode / "whole", folder / mode / "out"
        more = ["--mode", mode, "--size", size]
        assert run(options(given, whole, *more, count=8, part=4)).exit_code == 0
        line = options(given, out, *more, count=8, part=4)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(RuntimeError, match="failed"):
            patch.setattr(parts, "write", failing_at(2, parts.write))
            run(line)
        assert [path.name for path in out.glob("part-*")] == ["part-00000.parquet"]
        lines.append(line)
    subprocess.run([sys.executable, "-c", RESUME, json.dumps(lines)], cwd=ROOT, check=True)
    return folder


def failing_at(call: int, write: Callable[..., parts.Part]) -> Callable[..., parts.Part]:
    calls = itertools.count(1)

    def failing(*given: Any) -> parts.Part:
        if next(calls) == call:
            raise RuntimeError("failed")
        return write(*given)

    return failing


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_resumes_to_the_same_bytes(resumed: Path, mode: str) -> None:
    if not (resumed / mode).exists():
        pytest.skip(f"mode {mode} renders nothing here")
    whole = contents(resumed / mode / "whole")
    assert contents(resumed / mode / "out") == whole
    assert len([name for name in whole if name.startswith("part-")]) == 2
