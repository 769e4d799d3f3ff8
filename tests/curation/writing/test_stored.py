"""What is stored of a shard's rows, set aside while the shard is written."""

import io
import itertools
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.collection import drawing, encoded
from making.runs import digests, run_in_process

from curation.writing import gather, stored

TABLE = pa.table(
    {
        "id": pa.array([f"{number:02}" for number in range(20)]),
        "vector": pa.array([[number] * (number % 3) for number in range(20)], pa.list_(pa.int8())),
        "said": pa.array([None if number % 2 else "word" for number in range(20)]),
    }
)


@given(st.lists(st.integers(1, 19), unique=True))
def test_rows_come_back_piece_by_piece_as_they_were_set_aside(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), TABLE.num_rows]
    pieces = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
    stream = io.BytesIO()
    stored.set_aside(stream, TABLE, pieces)
    batches = list(stored.taken_up(stream))
    assert [batch.num_rows for batch in batches] == [of.stop - of.start for of in pieces]
    assert pa.Table.from_batches(batches) == TABLE


@given(st.lists(st.integers(0, 2 * gather.BATCH_BYTES)))
def test_pieces_hold_every_row_once_and_no_more_bytes_than_a_batch_or_one_row(
    sizes: list[int],
) -> None:
    pieces = gather._pieces(pa.array(sizes, pa.int64()).to_numpy())
    assert [row for of in pieces for row in range(of.start, of.stop)] == list(range(len(sizes)))
    held = [sizes[of] for of in pieces]
    assert all(len(of) == 1 or sum(of) <= gather.BATCH_BYTES for of in held)


def test_a_full_disk_names_the_folder_of_temporary_files() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="TMPDIR"):
        stored.set_aside(Full(), TABLE, [slice(0, 20)])


def test_shards_have_the_same_bytes_whatever_the_size_of_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(6):
        (tmp_path / "in" / f"{seed}.jpg").write_bytes(encoded(drawing(seed)))
        (tmp_path / "in" / f"{seed}.txt").write_text(f"A photograph, number {seed}.")
    for name, size in (("large", gather.BATCH_BYTES), ("small", 1)):
        monkeypatch.setattr(gather, "BATCH_BYTES", size)
        run_in_process(tmp_path / "in", tmp_path / name)
    large, small = (digests(tmp_path / name, ("shards",)) for name in ("large", "small"))
    assert large == small and large
