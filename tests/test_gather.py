"""Which shard a row goes to."""

import itertools
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from collection import drawing, encoded
from hypothesis import given
from hypothesis import strategies as st
from runs import run_in_process

from curation import gather, shard

FULL = shard.SHARD_BYTES
KEPT = st.dictionaries(st.text("0123456789abcdef", min_size=1), st.integers(0, 4 * FULL))


@given(KEPT)
def test_every_unit_that_keeps_something_is_in_one_shard_or_fills_several(kept) -> None:
    shards = gather.assign(kept.items())
    told = [share for held in shards for share in held]
    assert len(told) == len(set(told))
    for unit, size in kept.items():
        mine = sorted((share, of) for name, share, of in told if name == unit)
        assert mine == [(share, -(-size // FULL)) for share in range(-(-size // FULL))]


@given(KEPT)
def test_shards_are_full_but_never_too_full(kept) -> None:
    shards = gather.assign(kept.items())
    mixed = [held for held in shards if held[0][2] == 1]
    sizes = [sum(kept[unit] for unit, _, _ in held) for held in mixed]
    assert all(size <= FULL for size in sizes)
    assert all(first + second > FULL for first, second in itertools.pairwise(sizes))


@given(KEPT)
def test_the_order_of_the_units_does_not_matter(kept) -> None:
    assert gather.assign(kept.items()) == gather.assign(reversed(kept.items()))


def test_the_assignment_is_read_as_it_was_written(tmp_path) -> None:
    kept = {"aa": 5, "bb": 3 * FULL, "cc": 0}
    assert gather.write_assignment(str(tmp_path), kept) == 4
    lines = gather.read_assignment(str(tmp_path))
    assert [gather.assigned(line) for line in lines] == [
        (part, 4, held) for part, held in enumerate(gather.assign(kept.items()))
    ]


@pytest.mark.parametrize("size", [60_000, 10_000])  # about two pictures; less than one
def test_many_small_shards_hold_each_kept_row_once(tmp_path: Path, monkeypatch, size: int) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(12):
        (tmp_path / "in" / f"{seed}.jpg").write_bytes(encoded(drawing(seed)))
    monkeypatch.setattr(shard, "SHARD_BYTES", size)  # three units of 8 rows
    verdicts = run_in_process(tmp_path / "in", tmp_path / "out")
    kept = sorted(key for key, verdict in verdicts.items() if verdict == "kept")
    files = sorted((tmp_path / "out" / "shards").glob("*.parquet"))
    keys = [pq.read_table(file).column("key").to_pylist() for file in files]
    assert len(files) > 3 and all(keys)
    assert sorted(key for held in keys for key in held) == kept
