"""A rendering from Python: what it shows while it works."""

import re
from pathlib import Path

import pytest
from making.made_fonts import all_characters, make

from curation import progress
from synthesis import jobs, rendering


def test_a_rendering_shows_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "face.ttf", all_characters("en"))
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.001)
    job = jobs.prepare("en", "pure", size="96x96", fonts=str(tmp_path / "face.ttf"))
    rendering.run(job, 24, str(tmp_path / "out"), workers=1, rows=8)
    lines = capsys.readouterr().err.splitlines()
    assert re.match(r"images rendered: \d+ of 24 ", lines[-1]), lines
