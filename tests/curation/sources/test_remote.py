"""The same sources over a remote filesystem: an object store, and one with folders as HDFS."""

import io
import json
import tarfile
from collections.abc import Iterator

import pyarrow as pa
import pytest
from apache_beam.io.filesystem import BeamIOError
from making import memory_filesystem

from curation import shard, sources, storage
from curation.sources import Sample, plan

SCHEMA = shard.schema()


@pytest.fixture(params=["mem", "memdir"])
def root(request: pytest.FixtureRequest) -> Iterator[str]:
    memory_filesystem.clear()
    yield f"{request.param}://bucket/in"
    memory_filesystem.clear()


def tar_bytes() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in (("1.jpg", b"one"), ("1.txt", b"caption"), ("2.jpg", b"two")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def fill(root: str) -> None:
    """One source of each layout; the shard is written by our own writer."""
    storage.write_bytes(f"{root}/files/sub/a.jpg", b"A")
    storage.write_bytes(f"{root}/files/sub/a.txt", b"")
    storage.write_bytes(f"{root}/files/b.gz", b"B")
    storage.write_bytes(f"{root}/tars/0.tar", tar_bytes())
    row = {"id": shard.content_id(b"P"), "image": {"bytes": b"P", "path": None}}
    rows = [row | {"key": "p", "synthetic": False}]
    batch = pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
    shard.write(f"{root}/tables/0.parquet", [batch], SCHEMA)
    lines = [{"path": "../files/b.gz", "key": "b"}, {"path": "gone.jpg"}]
    lines += [{"path": f"{root}/files/sub/a.jpg", "caption": "said"}]
    text = "\n".join(json.dumps(line) for line in lines)
    storage.write_bytes(f"{root}/lists/m.jsonl", text.replace("../files", "sub").encode())
    storage.write_bytes(f"{root}/lists/sub/b.gz", b"B")


def read_all(*inputs: str) -> dict[str, Sample]:
    samples = [sample for unit in plan.plan(inputs) for sample in sources.read(unit)]
    return {sample.key: sample for sample in samples}


def test_every_layout_is_read_from_a_remote_folder(root: str) -> None:
    fill(root)
    files = read_all(f"{root}/files")
    assert {key: sample.data for key, sample in files.items()} == {"sub/a.jpg": b"A", "b.gz": b"B"}
    assert files["sub/a.jpg"].caption_raw == (sources.Caption(""),)
    assert files["sub/a.jpg"].uri == f"{root}/files/sub/a.jpg"
    tars = read_all(f"{root}/tars/")
    assert {key: sample.data for key, sample in tars.items()} == {"1": b"one", "2": b"two"}
    assert tars["1"].caption_raw == (sources.Caption("caption"),)
    assert {key: sample.data for key, sample in read_all(f"{root}/tables").items()} == {"p": b"P"}
    listed = read_all(f"{root}/lists/m.jsonl")
    assert {key: sample.data for key, sample in listed.items()} == {
        "b": b"B",
        "gone.jpg": None,
        "m.jsonl#3": None,
    }
    assert listed["gone.jpg"].error == "missing: no such file"
    assert str(listed["m.jsonl#3"].error).startswith("outside: ")
    everywhere = plan.plan([f"{root}/lists/m.jsonl"], allow_outside=True)
    found = {sample.key: sample for unit in everywhere for sample in sources.read(unit)}
    (key,) = found.keys() - {"b", "gone.jpg"}
    assert found[key].data == b"A"
    assert (key[16:], "bucket" in key) == ("/a.jpg", False)
    inside = read_all(root)  # the list, and what it names, lie in one input
    assert inside["files/sub/a.jpg"].caption_raw == (sources.Caption("said"), sources.Caption(""))


def test_remote_files_and_globs_find_their_captions(root: str) -> None:
    fill(root)
    storage.write_bytes(f"{root}/files/sub/a.txt", b"beside")
    for given in (f"{root}/files/sub/a.jpg", f"{root}/files/sub/*.jpg"):
        (sample,) = read_all(given).values()
        assert (sample.key, sample.caption_raw) == ("a.jpg", (sources.Caption("beside"),))


def test_units_are_stored_and_read_back_remotely(root: str) -> None:
    fill(root)
    for unit in plan.plan([f"{root}/files", f"{root}/tars", f"{root}/tables"]):
        plan.write_unit(f"{root}/plan", unit)
        assert plan.read_unit(plan.unit_path(f"{root}/plan", unit.id)) == unit


def test_an_outage_is_raised_and_never_becomes_a_bad_row() -> None:
    memory_filesystem.clear()
    root = "mem://bucket/in"
    fill(root)
    units = plan.plan([f"{root}/files", f"{root}/tars", f"{root}/tables"])
    failing = [f"{root}/files/b.gz", f"{root}/tars/0.tar", f"{root}/tables/0.parquet"]
    memory_filesystem.MemoryFileSystem.failing.update(failing)
    for unit in units:
        with pytest.raises(BeamIOError, match="network"):
            list(sources.read(unit))
    with pytest.raises(BeamIOError, match="network"):
        plan.plan([f"{root}/tables"])
    memory_filesystem.clear()


def test_a_remote_shard_is_written_read_and_verified(root: str) -> None:
    fill(root)
    rows = [row for batch in shard.read(f"{root}/tables/0.parquet") for row in batch.to_pylist()]
    assert [row["key"] for row in rows] == ["p"]
    (found,) = storage.list_files(f"{root}/tables")
    assert found.path == f"{root}/tables/0.parquet"


def test_only_what_is_wanted_is_fetched() -> None:
    memory_filesystem.clear()
    root = "mem://bucket/in"
    fill(root)
    (unit,) = plan.plan([f"{root}/files"])
    memory_filesystem.MemoryFileSystem.reads.clear()
    (sample,) = sources.read(unit, only={f"{root}/files/b.gz"})
    assert sample.data == b"B"
    assert memory_filesystem.MemoryFileSystem.reads == [f"{root}/files/b.gz"]
    memory_filesystem.clear()
