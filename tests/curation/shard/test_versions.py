"""Older shards are read as today's, newer ones are refused, and digests are of rows alone."""

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.old_shards import LACKING_IN_2, write_version_1, write_version_2
from making.shard_rows import ROWS, SCHEMA, batches, read_rows

from curation import shard


def test_a_shard_of_version_1_is_read_as_one_of_today(tmp_path: Path) -> None:
    shard.write(str(tmp_path / "new.parquet"), batches(ROWS), SCHEMA)
    old = write_version_1(tmp_path / "old.parquet", pa.Table.from_pylist(ROWS, schema=SCHEMA))
    assert read_rows(old) == read_rows(tmp_path / "new.parquet")
    (first, *_) = shard.read(str(old))
    assert first.schema.equals(SCHEMA.remove_metadata()), "columns in the order of today's"
    (few, *_) = shard.read(str(old), ["caption_raw", "key", "weight"])
    assert few.schema.names == ["key", "caption_raw", "weight"]
    assert few.column("weight").null_count == few.num_rows
    assert few.schema.field("caption_raw").type == shard.CAPTIONS


def test_a_shard_of_version_2_lacks_what_is_known_of_edits_alone(tmp_path: Path) -> None:
    rows = pa.Table.from_pylist(ROWS, schema=SCHEMA)
    old = write_version_2(tmp_path / "old.parquet", rows)
    (first, *_) = shard.read(str(old))
    assert first.schema.equals(SCHEMA.remove_metadata())
    assert read_rows(old) == rows.to_pylist()
    (few, *_) = shard.read(str(old), ["key", *LACKING_IN_2])
    assert all(few.column(name).null_count == few.num_rows for name in LACKING_IN_2)
    assert set(shard.outline(str(old)).columns) == set(SCHEMA.names)


def test_what_is_no_shard_is_read_as_it_is(tmp_path: Path) -> None:
    table = pa.table({"id": ["a"], "caption_raw": ["a caption that is no list"]})
    pq.write_table(table, tmp_path / "any.parquet")
    (batch,) = shard.read(str(tmp_path / "any.parquet"))
    assert batch.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("version", ["4", "0", "-1", "", "two", "\udcff"])
def test_a_shard_of_another_version_is_refused_with_a_sentence(
    tmp_path: Path, version: str
) -> None:
    told = version.encode("utf-8", "surrogateescape")
    schema = SCHEMA.with_metadata({b"inkstone_schema": told})
    path = tmp_path / "part.parquet"
    shard.write(str(path), batches(ROWS[:2]), schema)
    with pytest.raises(shard.ShardError, match=r"part.parquet: a shard of schema version .*1 to 3"):
        next(shard.read(str(path)))


def embedded(rows: list[dict[str, object]], *cuts: int) -> pa.Table:
    schema = pa.schema([("id", pa.string()), ("embedding", shard.EMBEDDING)])
    pieces = [0, *cuts, len(rows)]
    batches = [
        pa.RecordBatch.from_pylist(rows[start:stop], schema=schema)
        for start, stop in itertools.pairwise(pieces)
    ]
    return pa.Table.from_batches(batches)


def test_a_digest_is_of_the_rows_and_not_of_how_they_lie() -> None:
    rows = [{"id": str(n), "embedding": [n / 3, float(n)]} for n in range(9)]
    rows[4]["embedding"] = None
    whole = shard.digest_of_rows(embedded(rows), 6)
    assert len(whole) == 12
    assert shard.digest_of_rows(embedded(rows, 2, 5), 6) == whole
    assert shard.digest_of_rows(embedded([*rows[:2], *rows]).slice(2), 6) == whole
    assert shard.digest_of_rows(embedded(rows), 6, "a schema") != whole


@pytest.mark.parametrize(
    "embedding", [None, [], [0.0], [0.0, 0.0], [None, 0.0], [0.0, 1.0]], ids=str
)
def test_a_digest_tells_embeddings_apart(embedding: list[float] | None) -> None:
    others = [[0.0, 0.5], [0.0, None], [1.0, 0.0], [0.0] * 3]
    mine = shard.digest_of_rows(embedded([{"id": "a", "embedding": embedding}]), 8)
    for other in others:
        assert shard.digest_of_rows(embedded([{"id": "a", "embedding": other}]), 8) != mine
    moved = embedded([{"id": "a", "embedding": embedding}, {"id": "a", "embedding": [2.0]}])
    swapped = embedded([{"id": "a", "embedding": [2.0]}, {"id": "a", "embedding": embedding}])
    assert shard.digest_of_rows(moved, 8) != shard.digest_of_rows(swapped, 8)
