"""Judging a finished run again goes by the file that it was made with."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from making.collection import make_folder
from making.in_process import ask_here
from making.odd_models import entry
from making.reruns import ALONE
from making.runs import carry_out, run_in_process

from curation.configuration.loading import ConfigurationError
from curation.failures.errors import UsageError
from curation.inspect import rejudge
from curation.output import column_files
from curation.signals import discovery

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


CHEAP = [of for of in discovery.discover() if of.tier != "model"]


def test_rows_that_a_model_never_saw_are_neither_kept_nor_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that saw none at all is named, before a comparison that would say nothing."""
    models = [entry(name, lambda: None) for name in ("breadth", "letters")]
    monkeypatch.setattr(discovery, "discover", lambda modules=(): [*CHEAP, *models])
    ask_here(monkeypatch)
    make_folder(tmp_path / "in", 6)
    config, output = tmp_path / "pipelines.yaml", str(tmp_path / "out")
    text = MINE % 1
    config.write_text(text.replace("bounds: {", "bounds: {breadth: {max: 400}, "))
    carry_out([str(tmp_path / "in")], output, ALONE, 8)
    kept = rejudge.compare(output, None).before["kept"]
    assert kept > 0

    config.write_text(text.replace("bounds: {", "bounds: {letters: {min: 1}, "))
    says = f"{kept} rows have no verdict by pipeline 'mine' of {config}: letters .* --without"
    with pytest.raises(UsageError, match=says):
        rejudge.compare(output, None)
    assert rejudge.compare(output, None, ["letters"]).lost == 0

    name = next(iter((tmp_path / "out").glob("signals/breadth-*/*.parquet")))
    table = pq.read_table(name)
    column_files.write(str(name), table.slice(1))
    config.write_text(text.replace("bounds: {", "bounds: {breadth: {min: 9999}, "))
    compared = rejudge.compare(output, None)
    assert (compared.undecided, compared.unmeasured, compared.lost) == (1, 1, kept - 1)
    assert compared.lacking == {"breadth": 1}
    assert f"(+0 kept, -{kept - 1} dropped, 1 not decided)" in compared.as_text()
    assert "1 row needs measuring by breadth: beam run" in compared.as_text()
