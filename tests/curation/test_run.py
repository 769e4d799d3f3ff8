"""The whole pipeline over small collections: verdicts, determinism, kill -9, faults."""

import json
import random
import shutil
import time
from pathlib import Path

import pytest
from making.collection import drawing, encoded, make_folder, write_manifest
from making.runs import digests, finish, ledger_rows, run_in_process, start
from making.zoo import zoo

from curation import shard

pytestmark = pytest.mark.slow

KILLS = 4
MORE_KILLS = 12  # in drills


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("raw") / "in"
    return folder, make_folder(folder)


@pytest.fixture(scope="module")
def undisturbed(raw: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("run") / "out"
    finish([raw[0]], output)
    return output


def test_every_input_has_one_row_with_the_right_verdict(
    raw: tuple[Path, dict[str, str]], undisturbed: Path
) -> None:
    rows = ledger_rows(undisturbed)
    assert {row["key"]: row["verdict"] for row in rows} == raw[1]
    assert len(rows) == len(raw[1])
    for row in rows:
        if row["verdict"] == "dropped":
            assert row["stage"] in ("s1", "s2")
            assert row["rule"] and row["value"] is not None and row["bound"] is not None
        if row["verdict"] == "quarantined":
            assert row["reason"]


def test_a_copy_names_the_row_it_is_a_copy_of(undisturbed: Path) -> None:
    rows = {row["key"]: row for row in ledger_rows(undisturbed)}
    assert rows["0001-exact.jpg"]["rule"] == "exact_better.max"
    assert rows["0001-exact.jpg"]["duplicate_of"] == rows["0001.jpg"]["id"]
    assert rows["0003-again.jpg"]["rule"] == "near_better.max"
    assert rows["0003-again.jpg"]["duplicate_of"] == rows["0003.jpg"]["id"]


def test_shards_hold_the_kept_rows_with_bytes_and_captions_untouched(
    raw: tuple[Path, dict[str, str]], undisturbed: Path
) -> None:
    kept = {key for key, verdict in raw[1].items() if verdict == "kept"}
    seen = set()
    for info in shard.read_manifest(str(undisturbed / "shards")):
        for batch in shard.read(str(undisturbed / "shards" / info.file)):
            for row in batch.to_pylist():
                seen.add(row["key"])
                assert row["image"]["bytes"] == (raw[0] / row["key"]).read_bytes()
                caption = (raw[0] / row["key"]).with_suffix(".txt").read_text(encoding="utf-8")
                assert [entry["text"] for entry in row["caption_raw"]] == [caption]
                assert row["stage"] == "s2" and row["clarity"] is not None
    assert seen == kept


def test_a_run_leaves_what_it_promises(undisturbed: Path) -> None:
    told = json.loads((undisturbed / "run.json").read_text())
    counts = told["counts"]
    assert counts["in"] == counts["kept"] + counts["dropped"] + counts["quarantined"]
    assert {"configuration", "versions", "seed", "steps"} <= told.keys()
    assert (undisturbed / "_SUCCESS").exists() and (undisturbed / "report.html").exists()


def test_workers_unit_sizes_and_order_of_input_do_not_change_the_shards(
    raw: tuple[Path, dict[str, str]], undisturbed: Path, tmp_path: Path
) -> None:
    finish([raw[0]], tmp_path / "one", workers=1, unit_rows=8)
    assert digests(tmp_path / "one") == digests(undisturbed)
    finish([raw[0]], tmp_path / "large", workers=2, unit_rows=1000)
    assert digests(tmp_path / "large", ("shards",)) == digests(undisturbed, ("shards",))
    first, second = (raw[0].parent / f"{name}.jsonl" for name in ("first", "second"))
    write_manifest(first, raw[0], None)
    write_manifest(second, raw[0], 1)
    finish([first], tmp_path / "a")
    shutil.copy(second, first)
    finish([first], tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert "kept" in {row["verdict"] for row in ledger_rows(tmp_path / "a")}


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MORE_KILLS, marks=pytest.mark.drill)])
def test_kill_9_at_any_moment_then_the_same_bytes_and_no_work_twice(
    raw: tuple[Path, dict[str, str]], undisturbed: Path, tmp_path: Path, kills: int
) -> None:
    begin = time.monotonic()
    finish([raw[0]], tmp_path / "timing")
    duration = time.monotonic() - begin
    moments = [(number + random.random()) / kills for number in range(kills)]
    wanted = digests(undisturbed)
    for number, moment in enumerate(moments):
        output = tmp_path / f"killed-{number}" / "out"
        output.parent.mkdir()
        process = start([raw[0]], output)
        process.join(duration * moment)
        process.kill()
        process.join()
        measured = {
            path: path.stat().st_mtime_ns for path in (output / "signals").rglob("*.parquet")
        }
        finish([raw[0]], output)
        assert digests(output) == wanted, moments
        assert {path: path.stat().st_mtime_ns for path in measured} == measured
        assert not list(output.rglob("*.partial"))


def test_a_second_run_repeats_nothing(
    raw: tuple[Path, dict[str, str]], undisturbed: Path, tmp_path: Path
) -> None:
    output = tmp_path / "copy"
    shutil.copytree(undisturbed, output)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()}
    finish([raw[0]], output)
    after = {path: path.stat().st_mtime_ns for path in before}
    changed = {path.name for path in before if before[path] != after[path]}
    assert not changed


def test_bad_files_of_every_kind_among_good_ones(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    bad = sorted(zoo().items())
    for number, (name, data) in enumerate(bad):
        (folder / f"{number:03}-{name}.jpg").write_bytes(data)
    for number in range(3):  # the first, one in the midst, the last
        name = f"{number * len(bad) // 2:03}-+good.jpg"
        (folder / name).write_bytes(encoded(drawing(number)))
    verdicts = run_in_process(folder, tmp_path / "out")
    kept = {name for name, verdict in verdicts.items() if verdict == "kept"}
    assert len(verdicts) == len(bad) + 3
    assert kept == {name for name in verdicts if name.endswith("+good.jpg")}
    assert {verdicts[name] for name in verdicts.keys() - kept} == {"quarantined"}
