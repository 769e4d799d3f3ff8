"""Takedowns: what a list names is in no shard any more, nor any copy, now and in later runs."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from making.collection import drawing, encoded
from making.runs import ledger_rows, run_in_process

from curation import exclusion, shard
from curation.failures.errors import UsageError
from curation.graphs import judging
from curation.inspect import gate, rejudge
from curation.output.layout import Layout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    for number in range(5):
        image = drawing(number)
        (made / f"{number}.jpg").write_bytes(encoded(image))
        (made / f"{number}-copy.jpg").write_bytes(encoded(image))
    (made / "1-near.jpg").write_bytes(encoded(drawing(1), quality=60))
    (made / "cut.jpg").write_bytes(encoded(drawing(9))[:900])
    return made


def rows(output: Path) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in ledger_rows(output)}


def shard_ids(output: Path) -> set[str]:
    ids = set()
    for path in (output / "shards").glob("*.parquet"):
        ids |= {
            value for batch in shard.read(str(path), ["id"]) for value in batch["id"].to_pylist()
        }
    return ids


def kept(verdicts: dict[str, str]) -> set[str]:
    return {key[0] for key, verdict in verdicts.items() if verdict == "kept"}


@pytest.mark.parametrize("partition", [2_000_000, 4])
def test_names_of_every_kind_take_out_the_row_and_its_copies(
    folder: Path, tmp_path: Path, partition: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ROWS_PER_PARTITION", partition)
    output = tmp_path / "out"
    assert kept(run_in_process(folder, output)) == set("01234")
    before, data = rows(output), (folder / "2.jpg").read_bytes()
    named = (
        "0-copy.jpg",
        before["1.jpg"]["id"],
        hashlib.sha256(data).hexdigest().upper(),
        "no.jpg",
    )
    assert kept(run_in_process(folder, output, exclude=named)) == set("34")
    after = rows(output)
    gone = {before[f"{number}.jpg"]["id"] for number in range(3)}
    assert not shard_ids(output) & gone
    stopped = {key for key, row in after.items() if row["rule"] == "excluded.max"}
    assert {key[0] for key in stopped} == set("012")
    assert after["1-near.jpg"]["rule"] == "near_better.max"  # it does not take the other's place
    assert after["1-near.jpg"]["duplicate_of"] == before["1.jpg"]["id"]


def test_later_runs_leave_it_out_too_and_everything_says_so(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run_in_process(folder, output, exclude=("3.jpg", "no.jpg"))
    (folder / "new.jpg").write_bytes(encoded(drawing(7)))
    assert kept(run_in_process(folder, output)) == set("0124n")
    run_in_process(folder, output, exclude=("4.jpg",))
    layout = Layout(str(output))
    assert Path(layout.excluded).read_text().splitlines() == ["3.jpg", "4.jpg", "no.jpg"]
    manifest = json.loads((output / "shards" / "manifest.json").read_bytes())
    assert manifest["excluded"] == {"names": 3, "rows": 2}
    counts = json.loads(Path(layout.run).read_bytes())["counts"]
    assert counts["stages"]["s1"]["dropped"]["excluded.max"] == 2
    assert any(note.endswith("no.jpg") for note in counts["notes"])
    assert any(entry.column == "excluded" for entry in gate.check(str(output)))
    config = str(tmp_path / "pipelines.yaml")
    comparison = rejudge.compare(str(output), config)
    assert (comparison.gained, comparison.lost) == (0, 0)


def test_a_list_is_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "names"
    path.write_bytes("a b.jpg\n\n图.jpg\r\n".encode())
    assert exclusion.read(str(path)) == ["a b.jpg", "图.jpg"]
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="on each line"):
        exclusion.read(str(path))
    with pytest.raises(UsageError, match="--exclude"):
        exclusion.read(str(tmp_path / "none"))
