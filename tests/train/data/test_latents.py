"""Reading while training: what a step sees never depends on what was read before it."""

import json

import pyarrow as pa
import pytest
import torch
from making import training_shards as shards
from making.training_data import load, steps, trained

from curation import shard
from curation.failures.errors import UsageError
from train.data import latents
from train.data.skipped import Log, Unreadable

BAD = {"bytes": b"no image", "path": None}


@pytest.fixture
def pattern(tmp_path, monkeypatch):
    """Shards of many row groups with some bad images."""
    monkeypatch.setattr(shard.writing, "ROW_GROUP_BYTES", 4000)
    for part in range(3):
        rows = shards.rows(60, columns=2 + part % 2, seed=part)
        for place in (3, 4, 17 + part):
            rows[place] |= {"image": BAD, "key": f"bad {part} {place}"}
        shards.write(tmp_path / f"part-{part}.parquet", rows)
    return tmp_path


def same(batch, other):
    return len(batch) == len(other) and all(
        torch.equal(mine.latents, theirs.latents) and mine.caption == theirs.caption
        for mine, theirs in zip(batch, other, strict=True)
    )


@pytest.mark.parametrize("memory", [1 << 30, 80_000])
def test_a_step_sees_the_same_wherever_a_run_begins(pattern, memory):
    whole = load(pattern, held_out=0, memory_bytes=memory)
    last = len(steps(whole))
    assert whole.skipped.counts == {"unreadable": 9}
    for first in (1, 5, last):
        fresh = load(pattern, held_out=0, memory_bytes=memory)
        for step in range(first, last + 3):
            again = fresh.at(step)
            assert same(again, whole.at(step)), (first, step)
            assert fresh.batches.latents[0]._used <= memory


def test_a_row_group_is_read_once_or_twice_an_epoch(pattern, monkeypatch):
    reads = []
    read = shard.read

    def counted(path, columns, groups=None):
        reads.extend((path, group) for group in groups or ())
        return read(path, columns, groups)

    loaded = load(pattern, held_out=0, memory_bytes=100_000)
    groups = loaded.batches.latents[0].index.groups
    monkeypatch.setattr(latents.shard, "read", counted)
    steps(loaded)
    assert len(groups) > 20
    assert len(reads) <= 2.2 * len(groups)  # some for bad images
    reads.clear()
    whole = load(pattern, held_out=0)
    reads.clear()
    steps(whole)
    assert len(reads) <= len(groups)
    reads.clear()
    assert whole.at(len(steps(whole)) + 1)[0].latents.shape[:2] == (8, 2)
    assert reads == []  # all is held


def test_a_bad_image_gives_its_place_to_the_next_good_one(tmp_path):
    rows = shards.rows(40)
    for number in range(10, 39):
        rows[number]["image"] = BAD
    for number, row in enumerate(rows):
        row["caption_recaption"] = [{"text": f"row {number}"}]
    shards.write(tmp_path / "a.parquet", rows)
    loaded = load(tmp_path, held_out=0)
    shown = [caption for _, caption in trained(loaded)]
    assert set(shown) == {f"row {number}" for number in (*range(10), 39)}
    assert shown.count("row 39") == 30


def test_no_good_image_at_all_is_told(tmp_path):
    shards.write(
        tmp_path / "a.parquet", [shards.row("A", "red", image=BAD, key=str(n)) for n in "ab"]
    )
    with pytest.raises(
        UsageError, match=r"nothing to train on: 2 unreadable \(a.parquet: a: not-a"
    ):
        load(tmp_path, held_out=0)


def test_the_index_is_a_few_dozen_bytes_a_row(pattern):
    index = load(pattern, held_out=0).batches.latents[0].index
    assert index.nbytes / len(index) < 24
    assert pa.total_allocated_bytes() < 50 << 20


def test_bad_images_are_listed_once_and_a_continued_run_goes_on_with_the_list(tmp_path):
    path, told = tmp_path / "unreadable.jsonl", []
    first, second, third = (Unreadable("a.parquet", key, "empty", "") for key in "123")
    log = Log(path, told.append, resume=False)
    assert log.counts == {}
    assert not path.exists()
    for bad in (first, second, first):
        log.add(bad)
    assert told == ["skipped: a.parquet: 1: empty", "skipped: a.parquet: 2: empty"]
    with path.open("a") as stream:
        stream.write('{"shard": "a.par')  # as a crash may leave it
    again = Log(path, told.append, resume=True)
    for bad in (second, third):
        again.add(bad)
    assert again.counts == {"unreadable": 3}
    assert len(told) == 3
    assert [json.loads(line)["key"] for line in path.open()] == ["1", "2", "3"]
    Log(path, told.append, resume=False)
    assert not path.exists()
