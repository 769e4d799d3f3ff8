"""The share of synthetic images as a quota, in whole runs over images and shards."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from making.collection import drawing, encoded
from making.pipelines import WITHOUT_MODELS
from making.runs import digests, finish, ledger_rows, start

from curation import shard
from curation.configuration import loading
from curation.inspect import explain, rejudge
from curation.judging import ranks

PICTURES, DRAWN, SHARE = 18, 14, 0.1
RULE = "synthetic.max"


def config(folder: Path, share: float = SHARE, since: str = "s2", keep: str = "s2") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    quota = f"{{by: synthetic, share: {{true: {share}}}, since: {since}}}"
    mix = f"    quotas: {{synthetic: {quota}}}\n    stages:\n"
    text = WITHOUT_MODELS.replace("    stages:\n", mix).replace("keep: s2", f"keep: {keep}")
    path = folder / "pipelines.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def write_drawn(folder: Path, count: int, seed: int = 500) -> None:
    """Shards of drawn pictures, with pages to look at beside them, as the renderer leaves them."""
    infos = []
    for part in range(2):
        rows = [_drawn(seed + number) for number in range(part, count, 2)]
        batch = pa.RecordBatch.from_pylist(rows, schema=shard.schema())
        path = folder / f"part-{part:05d}.parquet"
        infos.append(shard.write(str(path), [batch], shard.schema()))
    shard.write_manifest(str(folder), infos)
    (folder / "gallery.html").write_text("<html></html>", encoding="utf-8")
    (folder / "contact_sheet.png").write_bytes(encoded(drawing(1), "PNG"))


def _drawn(number: int) -> dict[str, object]:
    data = encoded(drawing(number))
    return {
        "id": shard.content_id(data),
        "image": {"bytes": data, "path": f"{number}.jpg"},
        "key": f"drawn/{number}",
        "caption_recaption": [{"text": f"drawing {number}", "language": "en"}],
        "synthetic": True,
    }


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    pictures, drawn = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("drawn")
    for number in range(PICTURES):
        (pictures / f"{number:03}.jpg").write_bytes(encoded(drawing(number)))
    (pictures / "copy-of-drawn.jpg").write_bytes(encoded(drawing(501)))
    write_drawn(drawn, DRAWN)
    return [pictures, drawn]


@pytest.fixture(scope="module")
def mixed(inputs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("run") / "out"
    config(output.parent)
    finish(inputs, output)
    return output


def in_shards(output: Path) -> list[dict]:
    return [
        row
        for info in shard.read_manifest(str(output / "shards"))
        for batch in shard.read(str(output / "shards" / info.file))
        for row in batch.to_pylist()
    ]


def counts(output: Path) -> dict:
    return dict(json.loads((output / "run.json").read_text())["counts"])


def is_drawn(row: dict) -> bool:
    return str(row["key"]).startswith("drawn/")


def test_the_kept_rows_have_the_share_and_every_drop_its_number(mixed: Path) -> None:
    rows, told = ledger_rows(mixed), counts(mixed)
    assert len(rows) == told["in"] == PICTURES + 1 + DRAWN  # no sheet, no page
    assert told["in"] == told["kept"] + told["dropped"] + told["quarantined"]
    draws = dict(zip([row["id"] for row in rows], _draws(rows), strict=True))
    (bound,) = {row["bound"] for row in rows if row["rule"] == RULE}
    for row in rows:
        if row["rule"] == RULE:
            assert is_drawn(row) and row["stage"] == "s2" and row["verdict"] == "dropped"
            assert row["value"] == draws[row["id"]] > bound
        elif is_drawn(row) and row["verdict"] == "kept":
            assert draws[row["id"]] <= bound
    kept_rows = in_shards(mixed)
    drawn = [row for row in kept_rows if row["synthetic"]]
    assert {is_drawn(row) for row in drawn} == {True}
    assert {row["stage"] for row in drawn} == {"s2"}
    assert drawn[0]["caption_recaption"][0]["text"].startswith("drawing")
    assert len(drawn) <= SHARE * len(kept_rows) < len(drawn) + 1
    assert told["quotas"] == {
        "synthetic": {
            "s2": {"true": {"kept": len(drawn), "of": len(kept_rows), "threshold": bound}}
        }
    }


def _draws(rows: list[dict]) -> list[float]:
    return list(ranks.sampling_keys(ranks.sampling_levels([row["id"] for row in rows], 1)))


def test_a_copy_of_a_drawn_picture_is_a_copy_like_any_other(mixed: Path) -> None:
    rows = {row["key"]: row for row in ledger_rows(mixed)}
    pair = [rows["copy-of-drawn.jpg"], rows["drawn/501"]]
    (copy,) = (row for row in pair if row["rule"] == "exact_better.max")
    assert copy["duplicate_of"] == copy["id"] == pair[0]["id"] == pair[1]["id"]


def test_workers_units_order_and_place_do_not_change_who_is_kept(
    inputs: list[Path], mixed: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(inputs[1], moved)
    for name, where, workers, unit_rows in (
        ("one", inputs[::-1], 1, 8),
        ("units", inputs, 2, 3),
        ("moved", [inputs[0], moved], 2, 8),
    ):
        output = tmp_path / name / "out"
        config(output.parent)
        finish(where, output, workers=workers, unit_rows=unit_rows)
        assert digests(output, ("shards",)) == digests(mixed, ("shards",))
        if name == "one":
            assert digests(output) == digests(mixed)


def test_it_goes_on_after_kill_9_and_repeats_nothing(
    inputs: list[Path], mixed: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    config(tmp_path)
    process = start(inputs, output)
    wait_for(lambda: any((output / "ledger").glob("*.parquet")) or not process.is_alive())
    process.kill()
    process.join()
    measured = {path: path.stat().st_mtime_ns for path in (output / "signals").rglob("*.parquet")}
    finish(inputs, output)
    assert digests(output) == digests(mixed)
    assert {path: path.stat().st_mtime_ns for path in measured} == measured
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()}
    finish(inputs, output)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited a minute in vain"
        time.sleep(0.005)


def test_without_drawn_pictures_the_share_changes_no_byte(
    inputs: list[Path], tmp_path: Path
) -> None:
    config(tmp_path / "with")
    for name in ("with", "without"):
        (tmp_path / name).mkdir(exist_ok=True)
        finish(inputs[:1], tmp_path / name / "out")
    assert digests(tmp_path / "with" / "out") == digests(tmp_path / "without" / "out")
    assert "quotas" not in counts(tmp_path / "with" / "out")


def test_fewer_than_the_share_all_stay(inputs: list[Path], tmp_path: Path) -> None:
    config(tmp_path, share=0.6)
    output = tmp_path / "out"
    finish(inputs, output)
    told = counts(output)
    assert told["stages"]["s2"]["dropped"][RULE] == 0
    of_synthetic = told["quotas"]["synthetic"]["s2"]["true"]
    assert of_synthetic["threshold"] == 1
    assert 0.3 < of_synthetic["kept"] / of_synthetic["of"] < 0.6


def test_drawn_pictures_alone_are_curated_like_any_others(
    inputs: list[Path], tmp_path: Path
) -> None:
    config(tmp_path)
    output = tmp_path / "out"
    finish(inputs[1:], output)
    told = counts(output)
    assert told["kept"] == told["quotas"]["synthetic"]["s2"]["true"]["kept"] > 0
    assert told["stages"]["s2"]["dropped"][RULE] == 0


def test_another_share_is_judged_from_what_is_stored(mixed: Path, tmp_path: Path) -> None:
    told = rejudge.compare(str(mixed), str(config(tmp_path, share=0.3)))
    before, after = (
        of["synthetic"]["s2"]["true"] for of in (told.quotas_before, told.quotas_after)
    )
    assert told.gained == after["kept"] - before["kept"] > 0
    assert told.lost == 0
    assert after["kept"] <= 0.3 * after["of"] < after["kept"] + 1
    assert told.rules_after[f"s2 {RULE}"] == told.rules_before[f"s2 {RULE}"] - told.gained
    assert (
        f"quota synthetic from s2 on: {before['kept']} of {before['of']} true (" in told.as_text()
    )
    nothing = rejudge.compare(str(mixed), str(config(tmp_path, share=0.0)))
    assert nothing.quotas_after["synthetic"]["s2"]["true"]["kept"] == 0
    (tmp_path / "pipelines.yaml").write_text(WITHOUT_MODELS, encoding="utf-8")
    unlimited = rejudge.compare(str(mixed), str(tmp_path / "pipelines.yaml"))
    assert unlimited.as_text().endswith("-> no limit")
    assert unlimited.after["kept"] == mixed_candidates(mixed)


def mixed_candidates(output: Path) -> int:
    rows = ledger_rows(output)
    return sum(row["verdict"] == "kept" or row["rule"] == RULE for row in rows)


def test_the_explanation_and_the_report_say_why(mixed: Path) -> None:
    rows = ledger_rows(mixed)
    dropped = next(row for row in rows if row["rule"] == RULE)
    (explanation,) = explain.explain(str(mixed), dropped["key"])
    last = explanation.checks[-1]
    assert (last.rule, last.outcome, last.value) == (RULE, "failed", dropped["value"])
    assert f"dropped at stage s2 by {RULE}" in explain.as_text(explanation)
    stays = next(row for row in rows if is_drawn(row) and row["verdict"] == "kept")
    (explanation,) = explain.explain(str(mixed), stays["key"])
    assert explanation.checks[-1].rule == RULE and explanation.checks[-1].outcome == "passed"
    assert explanation.checks[-1].value is not None and explanation.signals["synthetic"] is True
    (explanation,) = explain.explain(str(mixed), "005.jpg")
    assert RULE not in [check.rule for check in explanation.checks]
    page = (mixed / "report.html").read_text(encoding="utf-8")
    assert "Does not add up" not in page
    assert "beyond the quota synthetic" in page
    assert "At most 10 % true; from s2 on" in page


def test_a_drawn_picture_must_reach_the_stage_from_which_on_it_counts(
    inputs: list[Path], tmp_path: Path
) -> None:
    """The others are kept from s1 on, and go on being so."""
    path = config(tmp_path, keep="s1")
    path.write_text(path.read_text().replace("min: 0.02", "min: 0.49"), encoding="utf-8")
    output = tmp_path / "out"
    finish(inputs, output)
    told, rows = counts(output), ledger_rows(output)
    assert {row["stage"] for row in rows if is_drawn(row) and row["verdict"] == "kept"} <= {"s2"}
    assert any(row["verdict"] == "kept" and row["rule"] == "luma.min" for row in rows)
    for row in rows:
        if is_drawn(row) and row["stage"] == "s2" and row["rule"]:
            assert row["verdict"] == "dropped" and row["bound"] is not None
    mix = told["quotas"]["synthetic"]["s2"]["true"]
    assert mix["kept"] <= SHARE * mix["of"] and mix["of"] < told["kept"]
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "Does not add up" not in page and "kept, if no share limits it" in page


def test_the_shipped_share_is_five_percent() -> None:
    shipped = loading.load(str(loading.shipped_path()))
    [quota] = [of for of in shipped.quotas if of.share]
    assert (quota.name, quota.by, quota.share) == ("synthetic", "synthetic", {"true": 0.05})
