"""The plan: several inputs of any kind, each row once, ids that depend on content lists alone."""

import io
import json
import random
import shutil
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import shard, sources
from curation.sources import Part, Sample, SourceError, Unit, plan
from curation.sources.fields import Columns
from curation.sources.sample import from_json, to_json, unit_id
from curation.sources.stamp import settled


def collection(root: Path) -> Path:
    """Pictures, a tar, a table and a manifest, 8 rows in all."""
    for name in ("a.jpg", "b.png", "sub/c.jpg", "apart/d.jpg"):
        path = root / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (root / "files" / "a.txt").write_text("a caption")
    with tarfile.open(root / "0.tar", "w") as tar:
        for name in ("1.jpg", "2.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    jpg = pa.array([b"3", b"4"], pa.binary())
    pq.write_table(pa.table({"key": ["3", "4"], "jpg": jpg}), root / "0.parquet")
    (root / "m.jsonl").write_text(json.dumps({"path": "files/a.jpg", "key": "first"}) + "\n")
    return root


def read_all(units: list[Unit]) -> list[Sample]:
    return [sample for unit in units for sample in sources.read(unit)]


def test_layouts_mix_in_one_folder(tmp_path: Path) -> None:
    units = plan.plan([str(collection(tmp_path / "in"))])
    assert [unit.layout for unit in units] == ["files", "webdataset", "parquet"]
    keys = ["files/apart/d.jpg", "files/b.png", "files/sub/c.jpg", "first"]
    assert sorted(sample.key for sample in read_all(units)) == ["1", "2", "3", "4", *keys]


def test_of_a_folder_of_shards_only_what_its_manifest_lists_is_taken(tmp_path: Path) -> None:
    root = collection(tmp_path / "in")
    rows = pa.table({"key": ["5"], "jpg": pa.array([b"5"], pa.binary())})
    pq.write_table(rows, root / "files" / "part.parquet")
    shard.write_manifest(str(root / "files"), [shard.ShardInfo("part.parquet", 1, 1, "")])
    keys = {sample.key for sample in read_all(plan.plan([str(root / "files")]))}
    assert keys == {"5", "sub/c.jpg", "apart/d.jpg"}  # the folders below hold no shards
    for strange in ("[1]", "{}", '{"shards": 3}', '{"shards": [{"name": 1}]}', "no JSON"):
        (root / "files" / "manifest.json").write_text(strange)
        keys = {sample.key for sample in read_all(plan.plan([str(root / "files")]))}
        assert keys == {"5", "a.jpg", "b.png", "sub/c.jpg", "apart/d.jpg"}, strange


def test_several_inputs_give_each_place_once_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = collection(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    inputs = [
        *(str(root), "in/files", "./in/files/sub/../a.jpg", "in/files/*.png", "in/*.tar"),
        *("in/m.jsonl", "in/0.parquet", str(root) + "/"),
    ]
    expected = plan.plan(inputs, unit_rows=3)
    samples = read_all(expected)
    assert len({sample.uri for sample in samples}) == len(samples) == 8
    for seed in range(5):
        random.Random(seed).shuffle(inputs)
        assert plan.plan(inputs, unit_rows=3) == expected
    keys = {sample.key for sample in samples}
    assert keys > {"files/sub/c.jpg", "files/b.png", "first", "1", "3"}


def test_keys_are_relative_to_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = collection(tmp_path / "in") / "files"
    monkeypatch.chdir(root)

    def keys(*inputs: str) -> list[str]:
        return [sample.key for sample in read_all(plan.plan(inputs))]

    assert keys(str(root)) == keys(".") == ["a.jpg", "apart/d.jpg", "b.png", "sub/c.jpg"]
    assert keys(f"{root}/*.jpg") == keys("*.jpg") == ["a.jpg"]
    assert keys(f"{root}/sub/c.jpg") == keys("sub/c.jpg") == ["c.jpg"]
    assert keys(f"{root}/s*") == keys("s*") == ["sub/c.jpg"]
    assert keys(f"{root}/**/*.jpg") == ["a.jpg", "apart/d.jpg", "sub/c.jpg"]


@pytest.mark.parametrize("pattern", ["files/a.jpg", "files/*.jpg", "files/a.*"])
def test_captions_are_found_beside_a_file_or_glob_too(tmp_path: Path, pattern: str) -> None:
    root = collection(tmp_path / "in")
    (sample,) = read_all(plan.plan([str(root / pattern)]))
    assert [caption.text for caption in sample.caption_raw or ()] == ["a caption"]


def test_ids_say_where_rows_lie_and_the_plan_what_they_hold(tmp_path: Path) -> None:
    first = collection(tmp_path / "one")
    shutil.copytree(first, tmp_path / "deep" / "two")
    before = [unit.id for unit in plan.plan([str(first)])]
    assert [unit.id for unit in plan.plan([str(tmp_path / "deep" / "two")])] == before
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in before)
    planned = plan.plan([str(first)])
    (first / "files" / "a.txt").write_text("A caption")  # as long as before
    after = plan.plan([str(first)])
    assert [unit.id for unit in after] == before
    assert after[0] != planned[0] and after[1:] == planned[1:]


def test_what_was_changed_within_a_tick_of_the_clock_is_never_taken_for_unchanged() -> None:
    began = 10**18 + 7
    for old in ((), (began + 10**9, began - 20_000_000), (1, began - 2_000_000_007)):
        part = Part("p", 1, "k", stamps=((1, 2), old))
        assert settled(part, began) == part
    for fresh in (began - 19_999_999, began + 1, 10**18):  # the last of whole seconds
        part = Part("p", 1, "k", stamps=((1, 2), (1, fresh)))
        assert settled(part, began).stamps == ((began,),)


def test_ids_tell_apart_what_lies_elsewhere() -> None:
    part = Part("p", 1, "k")
    for same in (
        Part("elsewhere", 2, "k"),
        Part("p", 1, "k", sidecars=((".txt", 1),), stamps=((1, 2),)),
        Part("p", 1, "k", described=("{}",), error="e"),
    ):
        assert unit_id("files", (part,)) == unit_id("files", (same,))
    for other in (Part("p", 1, "other"), Part("p", 1, "k", groups=(0, 1))):
        assert unit_id("files", (part,)) != unit_id("files", (other,))
    assert unit_id("files", (part,)) != unit_id("parquet", (part,))
    assert unit_id("files", (part,)) != unit_id("files", (part,), occurrence=1)
    assert unit_id("files", (part,)) != unit_id("files", (part, part))


def test_units_that_look_alike_have_ids_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        collection(tmp_path / name)
    inputs = [str(tmp_path / "one" / "0.tar"), str(tmp_path / "two" / "0.tar")]
    units = plan.plan(inputs)
    assert len({unit.id for unit in units}) == 2
    assert plan.plan(inputs[::-1]) == units


def test_units_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    parts = (
        Part("p\udce9", 1, "k", (("p.txt", 0), ("p.json", 3)), ((".jsonl", "{}"),)),
        Part("k\x00", 1, "", stamps=((2**62, 0),)),
        Part("q", -1, "", groups=(0, 0), error="e", problems=("q.txt: outside",)),
    )
    unit = Unit("0123456789abcdef", "files", parts, Columns(("blip",), "uid", ("similarity",)))
    assert from_json(to_json(unit)) == unit
    plan.write_unit(str(tmp_path / "plan"), unit)
    assert plan.read_unit(str(tmp_path / "plan" / "0123456789abcdef.json")) == unit


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"id": "x", "layout": "zip", "parts": []}'])
def test_a_damaged_unit_is_an_error_with_its_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(SourceError, match=r"x\.json: expected a unit of a plan .* run again"):
        plan.read_unit(str(path))
    with pytest.raises(FileNotFoundError):
        plan.read_unit(str(tmp_path / "absent.json"))


@pytest.mark.parametrize("unit_rows", [1, 2, 3, 100])
def test_units_hold_at_most_so_many_rows_and_every_row_once(tmp_path: Path, unit_rows: int) -> None:
    root = collection(tmp_path / "in")
    units = plan.plan([str(root / "files")], unit_rows=unit_rows)
    sizes = [len(unit.parts) for unit in units]
    assert max(sizes) <= unit_rows
    assert sum(sizes) == 4
    assert len(sizes) >= -(-4 // unit_rows)


@pytest.mark.parametrize("name", ["https://example.com/x", "nowhere://bucket/x"])
def test_a_filesystem_that_cannot_be_reached_is_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(
        SourceError, match=rf"{name}: no way to this filesystem, .*; expected a local path"
    ):
        plan.plan([name])


def test_inputs_that_hold_nothing_known_are_refused_each_by_name(tmp_path: Path) -> None:
    root = collection(tmp_path / "in")
    (tmp_path / "empty").mkdir()
    (tmp_path / "captions").mkdir()
    (tmp_path / "captions" / "a.txt").write_text("no picture")
    (tmp_path / "list.csv").write_text("path\n")
    for wrong, message in {
        "absent": "absent: nothing found there; expected .*; check the path",
        "absent/*.jpg": r"absent/\*\.jpg: nothing found there",
        "empty": "empty: nothing found there",
        "captions": r"captions: no input rows among 1 files \(a\.txt\); expected a folder",
        "list.csv": r"list\.csv: no input rows; expected .* \.jsonl manifest",
        "captions/a.txt": r"a\.txt: no input rows; expected",
    }.items():
        with pytest.raises(SourceError, match=message):
            plan.plan([str(root), str(tmp_path / wrong)])
    with pytest.raises(SourceError, match="no input given"):
        plan.plan([])
    with pytest.raises(SourceError, match="unit_rows is 0: expected at least 1"):
        plan.plan([str(root)], unit_rows=0)


def test_a_file_more_changes_one_unit(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number:04}.jpg").write_bytes(b"x")
    before = {unit.id for unit in plan.plan([str(tmp_path)], 20)}
    (tmp_path / "0077-new.jpg").write_bytes(b"x")
    after = {unit.id for unit in plan.plan([str(tmp_path)], 20)}
    assert len(before) >= 10
    assert len(after - before) <= 2
