"""What lies outside the inputs is not read, whatever names it, and no key tells of it."""

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from making.folders import by_key, put, read_all

from curation import sources
from curation.sources import Caption, SourceError, plan
from curation.sources.confines import overlap
from curation.sources.kind import portable

SECRET = "root:x:0:0:secret"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "alice" / "passwd"
    put(path.parent, {"passwd": SECRET})
    return path


def told(sample: sources.Sample) -> str:
    return repr(
        (sample.key, sample.path, sample.data, sample.error, sample.caption_raw, sample.problem)
    )


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "in"
    put(folder, {"a.jpg": b"A", "sub/b.jpg": b"B"})
    for name in ("l.jpg", "l.tar", "l.parquet", "l.jsonl", "a.txt", "metadata.csv", "dangling.jpg"):
        (folder / name).symlink_to(outside if name != "dangling.jpg" else tmp_path / "nothing")
    (folder / "far").symlink_to(outside.parent)
    (folder / "near.jpg").symlink_to("sub/b.jpg")
    found = by_key(str(folder))
    refused = {
        "l.jpg",
        "l.tar",
        "l.parquet",
        "l.jsonl",
        "metadata.csv",
        "dangling.jpg",
        "far/passwd",
    }
    assert {key for key, sample in found.items() if sample.error} == refused
    for sample in found.values():
        assert "secret" not in told(sample) and "alice" not in told(sample)
        assert sample.error is None or sample.error.startswith("outside: ")
    assert found["near.jpg"].data == b"B"
    assert (found["a.jpg"].data, found["a.jpg"].caption_raw) == (b"A", None)
    assert str(found["a.jpg"].problem).startswith("a.txt: outside: ")
    everywhere = {s.key: s for unit in plan.plan([f"{folder}/l.jpg"]) for s in sources.read(unit)}
    assert everywhere["l.jpg"].data == SECRET.encode()  # named by the user


def test_links_are_followed_where_it_is_allowed(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "in"
    put(folder, {"a.jpg": b"A"})
    (folder / "l.jpg").symlink_to(outside)
    units = plan.plan([str(folder)], allow_outside=True)
    found = {sample.key: sample for unit in units for sample in sources.read(unit)}
    assert found["l.jpg"].data == SECRET.encode()


def test_a_glob_and_a_file_find_no_side_file_outside(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "in"
    put(folder, {"a.jpg": b"A", "b.jpg": b"B", "b.txt": "b"})
    (folder / "a.txt").symlink_to(outside)
    (folder / "l.jpg").symlink_to(outside)
    for given in (f"{folder}/*.jpg", f"{folder}/a.jpg"):
        found = by_key(given)
        assert found["a.jpg"].caption_raw is None
        assert str(found["a.jpg"].problem).startswith("a.txt: outside: ")
    found = by_key(f"{folder}/*.jpg")
    assert found["b.jpg"].caption_raw == (Caption("b"),)
    assert str(found["l.jpg"].error).startswith("outside: ")


def listed(*lines: dict[str, str]) -> str:
    return "\n".join(map(json.dumps, lines))


def test_a_list_leads_nowhere_but_into_the_input(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "in"
    climbing = os.path.relpath(outside, folder)
    lines = [{"path": str(outside)}, {"path": climbing}, {"path": "link/passwd"}, {"path": "a.jpg"}]
    put(folder, {"a.jpg": b"A", "m.jsonl": listed(*lines)})
    (folder / "link").symlink_to(outside.parent)
    samples = read_all(f"{folder}/m.jsonl")
    assert sorted(sample.key for sample in samples) == [
        "a.jpg",
        *(f"m.jsonl#{n}" for n in (1, 2, 3)),
    ]
    for sample in samples:
        assert "secret" not in told(sample) and "alice" not in told(sample)
        assert sample.key == "a.jpg" or str(sample.error).startswith("outside: ")


def test_a_list_may_name_what_lies_in_any_input(tmp_path: Path) -> None:
    put(tmp_path / "images", {"a.jpg": b"A"})
    line = {"path": "../images/a.jpg", "caption": "said"}
    put(tmp_path / "lists", {"m.jsonl": listed(line)})
    alone = read_all(str(tmp_path / "lists" / "m.jsonl"))
    assert str(alone[0].error).startswith("outside: ")
    for inputs in ([tmp_path], [tmp_path / "images", tmp_path / "lists"]):
        samples = read_all(*map(str, inputs))
        assert [(sample.data, sample.caption_raw) for sample in samples] == [
            (b"A", (Caption("said"),))
        ]


def test_no_key_tells_where_on_this_machine_a_file_lies(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "in"
    other = put(tmp_path / "home" / "bob", {"passwd": "other"})
    lines = [{"path": str(folder / "sub" / "a.jpg")}, {"path": str(outside)}]
    lines += [{"path": f"{other}/passwd"}, {"path": "sub/../sub/b.jpg"}]
    put(folder, {"sub/a.jpg": b"A", "sub/b.jpg": b"B", "m.jsonl": listed(*lines)})
    units = plan.plan([f"{folder}/m.jsonl"], allow_outside=True)
    keys = sorted(sample.key for unit in units for sample in sources.read(unit))
    assert len(set(keys)) == 4
    assert {"sub/a.jpg", "sub/b.jpg"} < set(keys)
    assert not [key for key in keys if str(tmp_path) in key or "alice" in key or "bob" in key]
    assert sorted(key.split("/")[1] for key in keys if key.endswith("passwd")) == ["passwd"] * 2


@pytest.mark.parametrize(
    "name",
    ["/home/alice/x", "../../x", "a/../../x", "C:\\Users\\alice\\x", "gs://bucket/x", "..\\x"],
)
def test_names_that_lead_away_are_hashed_and_others_kept(name: str) -> None:
    assert portable(name).partition("/")[2] == "x"
    assert portable(name) != portable(name.replace("x", "y"))
    for kept in ("a/b.jpg", "./a", "a..b/c", "图 é", "", "a//b"):
        assert portable(kept) == kept


def test_members_of_tars_lead_nowhere(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("../../x.jpg", "/home/alice/y.jpg", "./z.jpg"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"A"))
        link = tarfile.TarInfo("l.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    samples = read_all(str(tmp_path / "a.tar"))
    assert [sample.key for sample in samples][2:] == ["./z", "l"]
    assert [sample.key.split("/")[-1] for sample in samples[:2]] == ["x", "y"]
    assert not [s for s in samples if "alice" in s.key + s.path or ".." in s.key + s.path]
    assert samples[3].data is None


@pytest.mark.parametrize(
    ("given", "output", "harmful"),
    [
        *(("in", "out", False), ("in", "in/out", True), ("in", "in", True), ("in", "input", False)),
        *(("in", "link/out", True), ("link", "in/out", True), ("link/sub", "in/out", False)),
        *(("in/*", "in/out", True), ("in/*.jpg", "in/out", False), ("in/**/*.jpg", "in/o", True)),
        *(("*/sub", "in/sub/out", True), ("out/shards", "out", True), ("to_shards", "out", True)),
        *(("gs://b/in", "gs://b/in/out", True), ("gs://b/in", "in/out", False)),
        *(("gs://b/in/*", "gs://b/in/out", True), ("gs://b/in/*.tar", "gs://b/in/out", False)),
    ],
)
def test_links_hide_no_output_in_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, output: str, harmful: bool
) -> None:
    put(tmp_path, {"in/sub/a.jpg": b"A", "out/shards/part.parquet": b""})
    (tmp_path / "link").symlink_to("in")
    (tmp_path / "to_shards").symlink_to("out/shards")
    monkeypatch.chdir(tmp_path)
    assert (overlap(output, given) is not None) == harmful
    if "gs:" not in given + output:
        assert (overlap(f"{tmp_path}/{output}", f"{tmp_path}/{given}") is not None) == harmful


@pytest.mark.parametrize("allow", [False, True])
def test_a_link_in_the_input_leads_not_into_the_output(tmp_path: Path, allow: bool) -> None:
    put(tmp_path, {"in/a.jpg": b"A", "out/shards/part.jpg": b"S"})
    (tmp_path / "in" / "results").symlink_to(tmp_path / "out")
    inputs, output = [str(tmp_path / "in")], str(tmp_path / "out")
    with pytest.raises(SourceError, match=r"part\.jpg: it leads into the output"):
        plan.planned(inputs, allow_outside=allow, output=output)
    assert plan.planned(inputs, allow_outside=allow, output=str(tmp_path / "o")).units
