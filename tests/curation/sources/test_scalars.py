"""Tables with values that Python cannot hold, and with paths that are none: no row is lost."""

import io
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.collection import drawing, encoded
from making.runs import run_in_process

from curation import sources
from curation.sources import Sample, keep_columns, plan
from curation.sources.fields import Columns
from curation.sources.scalars import plain

BYTES = [b"A", b"B", b"C"]
FAR = 2**62  # microseconds: some hundred thousand years
LATE = pa.array([1, FAR, 3], pa.timestamp("us"))
NOWHERE = pa.array([1, 2, 3], pa.timestamp("us", "Nowhere/None"))
DAYS = pa.array([1, 10**9, 3], pa.date32())


def unchecked(*texts: bytes) -> pa.Array:
    """Text as a writer leaves it that does not look whether it is UTF-8."""
    ends = struct.pack(f"<{len(texts) + 1}i", *(len(b"".join(texts[:n])) for n in range(4)))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


BROKEN = unchecked(b"a", b"\xff", b"c")


def read(path: Path, columns: dict[str, Any], keep: tuple[str, ...] = ()) -> list[Sample]:
    pq.write_table(pa.table(columns), path)
    units = plan.plan([str(path)], columns=Columns(keep=keep))
    samples = [sample for unit in units for sample in sources.read(unit)]
    assert len(samples) == len(BYTES), "a row was lost"
    return samples


@pytest.mark.parametrize(
    ("paths", "keys"),
    [
        (BROKEN, ["a", "\ufffd", "c"]),
        (pa.array([1, 2, 3]), ["t.parquet#0", "t.parquet#1", "t.parquet#2"]),
        (pa.array([b"a", None, b"c"]), ["t.parquet#0", "t.parquet#1", "t.parquet#2"]),
        (pa.array(["a", None, ""]), ["a", "t.parquet#1", "t.parquet#2"]),
    ],
    ids=["no UTF-8", "numbers", "bytes", "text"],
)
def test_a_path_that_is_none_is_no_reason_to_lose_an_image(
    tmp_path: Path, paths: pa.Array, keys: list[str]
) -> None:
    images = pa.StructArray.from_arrays([pa.array(BYTES), paths], ["bytes", "path"])
    samples = read(tmp_path / "t.parquet", {"image": images})
    assert [sample.data for sample in samples] == BYTES
    assert [sample.key for sample in samples] == keys


@pytest.mark.parametrize("paths", [BROKEN, pa.array([1, 2, 3])], ids=["no UTF-8", "numbers"])
def test_nor_is_that_of_an_input_of_an_edit(tmp_path: Path, paths: pa.Array) -> None:
    inputs = pa.StructArray.from_arrays([pa.array(BYTES), paths], ["bytes", "path"])
    table = {"source_image": inputs, "edited_image": pa.array([b"X", b"Y", b"Z"])}
    samples = read(tmp_path / "t.parquet", {**table, "instruction": ["add", "turn", "cut"]})
    assert [sample.data for sample in samples] == [b"X", b"Y", b"Z"]
    assert [each.data for sample in samples for each in sample.inputs or ()] == BYTES


@pytest.mark.parametrize("values", [LATE, NOWHERE, DAYS], ids=["late", "nowhere", "days"])
@pytest.mark.parametrize("name", ["key", "category", "text", "weight", "text_boxes"])
def test_dates_that_python_cannot_hold_are_read(
    tmp_path: Path, values: pa.Array, name: str
) -> None:
    samples = read(tmp_path / "t.parquet", {"image": pa.array(BYTES), name: values})
    assert [sample.data for sample in samples] == BYTES
    assert len({sample.key for sample in samples}) == len(samples)


def test_what_python_cannot_hold_is_the_number_that_is_stored() -> None:
    assert plain(LATE[1]) == FAR
    assert [plain(value) for value in NOWHERE] == [1, 2, 3]
    assert plain(DAYS[1]) == 10**9
    assert plain(pa.scalar([FAR, None], pa.list_(LATE.type))) == [FAR, None]
    nested = pa.StructArray.from_arrays([BROKEN, LATE], ["text", "at"])
    assert plain(nested[1]) == {"text": "\ufffd", "at": FAR}
    assert plain(BROKEN.dictionary_encode()[1]) == "\ufffd"
    assert plain(pa.scalar(None, pa.date32())) is None


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (LATE, ['"1970-01-01 00:00:00.000001"', str(FAR), '"1970-01-01 00:00:00.000003"', None]),
        (NOWHERE, ["1", "2", "3", None]),
        (DAYS, ['"1970-01-02"', str(10**9), '"1970-01-04"', None]),
    ],
    ids=["late", "nowhere", "days"],
)
def test_of_columns_passed_on_they_are_text(values: pa.Array, texts: list[str | None]) -> None:
    assert keep_columns.column([*values, None]).to_pylist() == texts
    assert keep_columns.column(list(values[:1])).type == (
        pa.string() if values is NOWHERE else values.type
    )


@pytest.mark.parametrize(
    "values",
    [
        BROKEN,
        pa.ListArray.from_arrays([0, 1, 2, 3], BROKEN),
        pa.StructArray.from_arrays([BROKEN], ["x"]),
        pa.FixedSizeListArray.from_arrays(BROKEN, 1),
        BROKEN.cast(pa.large_string(), safe=False),
        BROKEN.dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_text_that_is_no_utf8_is_passed_on_as_text(values: pa.Array) -> None:
    column = keep_columns.column(list(values))
    column.validate(full=True)
    assert "\ufffd" in str(column[1].as_py()) and "a" in str(column[0].as_py())


TYPES = st.sampled_from(
    [
        *(pa.timestamp("s"), pa.timestamp("us", "UTC"), pa.date32(), pa.duration("ms"), pa.int64()),
        *(pa.time64("us"), pa.decimal128(30, 3), pa.float64(), pa.string(), pa.bool_()),
    ]
)


@given(st.lists(st.tuples(TYPES, st.integers(0, 2**40) | st.none()), max_size=4))
def test_scalars_of_any_types_are_one_column(drawn: list[tuple[Any, int | None]]) -> None:
    scalars = [_of(kind, number) for kind, number in drawn]
    column = keep_columns.column(scalars)
    column.validate(full=True)
    assert column.null_count == sum(not scalar.is_valid for scalar in scalars)
    pq.write_table(pa.table({"kept": column}), io.BytesIO())


def _of(kind: pa.DataType, number: int | None) -> pa.Scalar:
    """The number as a value of a type: of days and of times of day as many as there are."""
    days = pa.types.is_date32(kind)
    most = 2**31 if days else 86_400_000_000
    stored = pa.array([number and number % most], pa.int32() if days else pa.int64())
    return stored.cast(kind)[0]


def test_a_run_passes_them_on(tmp_path: Path) -> None:
    images = [encoded(drawing(number)) for number in range(3)]
    (tmp_path / "in").mkdir()
    columns = {"image": images, "key": LATE, "when": NOWHERE, "day": DAYS, "broken": BROKEN}
    columns["each"] = pa.ListArray.from_arrays([0, 1, 2, 3], LATE)
    pq.write_table(pa.table(columns), tmp_path / "in" / "t.parquet")
    keep = Columns(keep=("when", "day", "broken", "each"))
    run_in_process(tmp_path / "in", tmp_path / "out", columns=keep)
    (file,) = (tmp_path / "out" / "shards").glob("*.parquet")
    table = pq.read_table(file)
    assert sorted(table["day"].to_pylist()) == ['"1970-01-02"', '"1970-01-04"', str(10**9)]
    assert sorted(table["when"].to_pylist()) == ["1", "2", "3"]
    assert sorted(table["each"].to_pylist())[-1] == f"[{FAR}]"
    assert sorted(table["broken"].to_pylist()) == ["a", "c", "\ufffd"]
