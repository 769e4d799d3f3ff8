"""Judging a finished run again goes by the file that it was made with."""

from pathlib import Path

import pytest
from making.collection import make_folder
from making.runs import run_in_process

from curation.configuration.loading import ConfigurationError
from curation.inspect import rejudge

MINE = "pipelines: {mine: {stages: {only: {resolution: 256, bounds: {short_side: {min: %s}}}}}}"


def test_without_a_file_it_is_judged_by_the_one_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(tmp_path / "in", 4)
    config = tmp_path / "pipelines.yaml"
    config.write_text(MINE % 1)
    run_in_process(tmp_path / "in", tmp_path / "out")

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # where there is no file of ours or theirs
    unchanged = rejudge.compare(str(tmp_path / "out"), None)
    assert (unchanged.lost, unchanged.before["kept"]) == (0, unchanged.after["kept"])
    assert (unchanged.pipeline, unchanged.file) == ("mine", str(config))

    config.write_text(MINE % 9999)
    assert rejudge.compare(str(tmp_path / "out"), None).lost == unchanged.before["kept"] > 0

    config.unlink()
    with pytest.raises(ConfigurationError, match="not there; name a file by --config"):
        rejudge.compare(str(tmp_path / "out"), None)
