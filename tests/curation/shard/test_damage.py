"""Damaged, cut and half-written shards are errors that name the file and the row group."""

import errno
import hashlib
import json
import random
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.shard_rows import ROWS, SCHEMA, batches, read_rows

from curation import shard
from curation.shard import writing

LIMIT = 20_000


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "ROW_GROUP_BYTES", LIMIT)


def flipped(data: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


@pytest.mark.usefixtures("small_groups")
def test_a_flipped_bit_in_a_page_is_an_error_that_names_file_and_row_group(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    shard.write(str(path), batches(ROWS), SCHEMA)
    data = path.read_bytes()
    dice = random.Random(5)
    for number in (0, 17, 60, 119):
        picture = ROWS[number]["image"]["bytes"]
        start = data.index(picture)
        group = _group_of(path, start)
        for _ in range(5):
            position = start + dice.randrange(len(picture))
            path.write_bytes(flipped(data, position, dice.randrange(8)))
            with pytest.raises(shard.ShardError, match=rf"part\.parquet: row group {group}: "):
                read_rows(path)


def _group_of(path: Path, position: int) -> int:
    metadata = pq.ParquetFile(path).metadata
    starts = [
        metadata.row_group(group).column(1).data_page_offset
        for group in range(metadata.num_row_groups)
    ]
    return max(group for group, start in enumerate(starts) if start <= position)


@pytest.mark.usefixtures("small_groups")
def test_no_flipped_bit_before_the_footer_changes_a_row(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    shard.write(str(path), batches(ROWS[:40]), SCHEMA)
    data, good = path.read_bytes(), read_rows(path)
    metadata = pq.ParquetFile(path).metadata
    last = metadata.row_group(metadata.num_row_groups - 1).column(metadata.num_columns - 1)
    end = last.data_page_offset + last.total_compressed_size
    dice = random.Random(11)
    refused = 0
    for _ in range(300):
        path.write_bytes(flipped(data, dice.randrange(4, end), dice.randrange(8)))
        try:
            assert read_rows(path) == good
        except shard.ShardError:
            refused += 1
    assert refused > 270  # the rest are statistics in page headers, which no reader uses


def test_no_flipped_bit_of_a_page_header_loses_a_row(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    shard.write(str(path), batches(ROWS[:20]), SCHEMA)
    data, good = path.read_bytes(), read_rows(path)
    column = pq.ParquetFile(path).metadata.row_group(0).column(1)
    start = column.data_page_offset
    for position in range(start, data.index(ROWS[0]["image"]["bytes"]) - 4):
        for bit in range(8):
            path.write_bytes(flipped(data, position, bit))
            try:
                assert read_rows(path) == good
            except shard.ShardError:
                continue


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>", b"PAR1" + bytes(500) + b"PAR1"])
def test_what_is_no_parquet_is_an_error_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "part.parquet"
    path.write_bytes(content)
    with pytest.raises(shard.ShardError, match=r"part\.parquet: not a readable Parquet file"):
        read_rows(path)


def test_a_shard_cut_off_anywhere_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    shard.write(str(path), batches(ROWS[:20]), SCHEMA)
    data = path.read_bytes()
    for length in range(0, len(data), 501):
        path.write_bytes(data[:length])
        with pytest.raises(shard.ShardError):
            read_rows(path)


def test_nothing_appears_when_the_rows_fail(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"

    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(ROWS)
        assert not path.exists()
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        shard.write(str(path), failing(), SCHEMA)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("room", [0, 30_000])
def test_a_full_disk_names_the_shard_and_leaves_nothing(tmp_path: Path, room: int) -> None:
    path = tmp_path / "part.parquet"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError, match=r"part\.parquet") as caught:
            shard.write(str(path), batches(ROWS, 10), SCHEMA)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_lists_the_shards_and_finds_any_change(tmp_path: Path) -> None:
    folder = str(tmp_path)
    infos = [
        shard.write(str(tmp_path / f"part-{part}.parquet"), batches(ROWS[part::2]), SCHEMA)
        for part in (1, 0)
    ]
    shard.write_manifest(folder, infos)
    assert shard.read_manifest(folder) == sorted(infos, key=lambda info: info.file)
    content = json.loads((tmp_path / "manifest.json").read_bytes())
    for entry in content["shards"]:
        data = (tmp_path / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["size"] == len(data)
    assert shard.verify(folder) == shard.read_manifest(folder)
    footer = tmp_path / "part-1.parquet"
    data = footer.read_bytes()
    footer.write_bytes(flipped(data, len(data) - 200, 3))
    with pytest.raises(shard.ShardError, match=r"part-1\.parquet: .* expected"):
        shard.verify(folder)
    footer.unlink()
    with pytest.raises(shard.ShardError, match=r"part-1\.parquet: missing"):
        shard.verify(folder)
    with pytest.raises(FileNotFoundError):
        shard.read_manifest(str(tmp_path / "absent"))


def test_the_manifest_does_not_depend_on_the_order(tmp_path: Path) -> None:
    info = shard.ShardInfo("a.parquet", 1, 2, "0" * 64)
    several = [replace(info, file=f"{name}.parquet") for name in "cab"]
    shard.write_manifest(str(tmp_path), several)
    first = (tmp_path / "manifest.json").read_bytes()
    shard.write_manifest(str(tmp_path), several[::-1])
    assert (tmp_path / "manifest.json").read_bytes() == first
