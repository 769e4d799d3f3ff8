"""The gate finds shards that break a promise, whoever broke it."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from making import browser
from making.collection import make_folder
from making.pages import Page, assert_inert
from making.runs import run_in_process

from curation import shard
from curation.failures.errors import UsageError
from curation.inspect import gate
from curation.judging.ledger import LedgerError


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gate")
    make_folder(root / "in", 6)
    run_in_process(root / "in", root / "out")
    return root / "out"


def test_a_finished_run_keeps_every_promise(finished: Path) -> None:
    found = gate.check(str(finished))
    assert {"id", "content_matches", "clarity", "short_side"} <= {entry.column for entry in found}
    assert all(entry.passed for entry in found)
    page = finished / "data_docs.html"
    says = f"passed: all {len(found)} promises of the configuration hold for the kept rows, "
    assert gate.as_text(str(finished), found) == f"{says}{found[0].rows}; {page} lists them"
    *details, last = gate.as_text(str(finished), found, details=True).splitlines()
    assert len(details) == len(found)
    assert last.startswith(says)
    assert all(entry.says for entry in found)


NARROWEST = """
const cells = [...document.querySelectorAll("td, th")].filter((of) => of.textContent.trim());
return {
  width: document.documentElement.scrollWidth,
  narrowest: Math.min(...cells.map((of) => of.getBoundingClientRect().width)),
};
"""


def test_data_docs_are_read_on_a_phone(finished: Path, tmp_path: Path) -> None:
    gate.check(str(finished))
    seen = browser.look(
        (finished / "data_docs.html").read_text("utf-8"), NARROWEST, tmp_path, width=390
    )
    assert seen["width"] <= 390  # wide tables move in their own box
    assert seen["narrowest"] > 40  # and no word is set letter below letter


@pytest.mark.parametrize(
    ("column", "value"),
    [("clarity", 0.0), ("short_side", 3), ("stage", "s9"), ("id", "0" * 32), ("clarity", None)],
)
def test_a_row_that_breaks_a_promise_is_named(
    column: str, value: object, finished: Path, tmp_path: Path
) -> None:
    info = shard.read_manifest(str(finished / "shards"))[0]
    batch = next(iter(shard.read(str(finished / "shards" / info.file))))
    rows = batch.to_pylist()
    rows[0][column] = value
    (tmp_path / "shards").mkdir()
    (tmp_path / "run.json").write_bytes((finished / "run.json").read_bytes())
    changed = pa.RecordBatch.from_pylist(rows, schema=batch.schema)
    written = shard.write(str(tmp_path / "shards" / "part-0.parquet"), [changed], batch.schema)
    shard.write_manifest(str(tmp_path / "shards"), [written])
    with pytest.raises(LedgerError, match="content_matches" if column == "id" else column):
        gate.check(str(tmp_path))


def split(finished: Path, output: Path, change: Callable[[int, dict], None]) -> list[int]:
    """The finished run's rows in a shard for every two, each row changed; the rows of each."""
    for folder in ("ledger", "signals"):
        shutil.copytree(finished / folder, output / folder)
    (info,) = shard.read_manifest(str(finished / "shards"))
    batch = next(iter(shard.read(str(finished / "shards" / info.file))))
    rows = batch.to_pylist()
    for number, row in enumerate(rows):
        change(number, row)
    (output / "shards").mkdir()
    (output / "run.json").write_bytes((finished / "run.json").read_bytes())
    written = []
    for first in range(0, len(rows), 2):
        piece = pa.RecordBatch.from_pylist(rows[first : first + 2], schema=batch.schema)
        path = str(output / "shards" / f"part-{first}.parquet")
        written.append(shard.write(path, [piece], batch.schema))
    shard.write_manifest(str(output / "shards"), written)
    return [info.rows for info in written]


def test_shards_are_checked_one_after_the_other_and_told_together(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    validator = gate._validator

    def watched(*given: object) -> Callable:
        validate = validator(*given)
        return lambda table: seen.append(table.num_rows) or validate(table)

    monkeypatch.setattr(gate, "_validator", watched)

    def break_the_first_and_the_last(number: int, row: dict) -> None:
        if number in (0, 5):
            row["clarity"] = 0.0

    rows = split(finished, tmp_path, break_the_first_and_the_last)
    assert len(rows) == 3
    with pytest.raises(LedgerError, match=r"1 of 23 promises broken: clarity at least \S+: 2 rows"):
        gate.check(str(tmp_path))
    assert seen == rows


def test_shards_that_keep_every_promise_tell_what_one_does(finished: Path, tmp_path: Path) -> None:
    split(finished, tmp_path, lambda number, row: None)
    assert gate.check(str(tmp_path)) == gate.check(str(finished))


def test_a_shard_too_few_is_told(finished: Path, tmp_path: Path) -> None:
    split(finished, tmp_path, lambda number, row: None)
    infos = shard.read_manifest(str(tmp_path / "shards"))
    shard.write_manifest(str(tmp_path / "shards"), infos[1:])
    with pytest.raises(LedgerError, match=r"rows as many as the ledger keeps, \d+: 2 rows;"):
        gate.check(str(tmp_path))


def test_without_great_expectations_it_says_what_to_install(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    with pytest.raises(UsageError, match=r"pip install 'inkstone\[gate\]'"):
        gate.check(str(finished))


@pytest.mark.parametrize(
    ("budget", "broken"),
    [
        ({"share": {"true": 0.2}}, 0),  # of 6
        ({"share": {"true": 0.15}}, 1),
        ({"share": {"true": 0.1, "false": 0.9}}, 0),  # to the nearest row
        ({"share": {"true": 0.5, "false": 0.5}}, 2),
        ({"share": {"true": 0.16, "false": 0.84, "other": 0}}, 0),
        ({"share": {"true": 0, "false": 1}}, 1),
        ({"share": {"true": 0.1, "false": 0.5}}, 0),  # nothing else is there: no mix
        ({"share": {"false": 0.5}}, 2),
        ({"share": {"false": 0.5, "true": 0.1, "other": 0.4}}, 2),
        ({"count": 5}, 0),
        ({"count": 4}, 1),
        ({"fraction": 0.5}, 0),  # of 10 of each that the run counted
        ({"fraction": 0.4}, 1),
    ],
)
def test_more_than_a_quota_allows_is_told(
    budget: dict, broken: int, finished: Path, tmp_path: Path
) -> None:
    (info,) = shard.read_manifest(str(finished / "shards"))
    batch = next(iter(shard.read(str(finished / "shards" / info.file))))
    rows = batch.to_pylist()
    assert len(rows) == 6
    rows[0]["synthetic"] = True
    (tmp_path / "shards").mkdir()
    changed = pa.RecordBatch.from_pylist(rows, schema=batch.schema)
    written = shard.write(str(tmp_path / "shards" / "part-0.parquet"), [changed], batch.schema)
    shard.write_manifest(str(tmp_path / "shards"), [written])
    run = json.loads((finished / "run.json").read_bytes())
    run["configuration"]["quotas"] = {"q": {"by": "synthetic", "since": "s2", **budget}}
    counted = {"true": {"of": 10}, "false": {"of": 10}}
    run["counts"]["quotas"] = {"q": {"s2": counted}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    if broken:
        with pytest.raises(LedgerError, match=rf"within the quota q from s2 on: {broken} rows?;"):
            gate.check(str(tmp_path))
    else:
        assert "q_from_s2" in {entry.name for entry in gate.check(str(tmp_path))}


def test_data_docs_show_what_was_validated_shard_by_shard_and_load_nothing(
    finished: Path, tmp_path: Path
) -> None:
    def spoil(number: int, row: dict) -> None:
        if number == 3:
            row["clarity"], row["key"] = 0.0, "<script>alert(1)</script>"
            row["stage"] = "<img src=x onerror=alert(1)>"

    sizes = split(finished, tmp_path, spoil)
    with pytest.raises(LedgerError):
        gate.check(str(tmp_path))
    page = Page((tmp_path / "data_docs.html").read_text())
    assert page.open == []
    assert_inert(page)
    text = page.all_text()
    assert f"{len(sizes)} shards" in text
    assert "clarity at least 0.3" in text  # of the second shard, which breaks it
    assert "<img src=x onerror=alert(1)>" in text
    assert [data for _, data in page.texts].count("none") == len(sizes) - 1
    gate.check(str(finished))
    assert "promises kept, 0 broken" in Page((finished / "data_docs.html").read_text()).all_text()
