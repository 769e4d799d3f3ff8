"""Whatever JSON a source says of an image: it is read or refused, and a shard can hold it."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.collection import drawing, encoded
from making.folders import put
from making.runs import run_in_process

from curation import shard, sources
from curation.sources import annotation, keep_columns, plan
from curation.sources.fields import NAMES, TABLE, Columns

HUGE = 10**400  # a whole number that no floating-point number holds
KEEP = Columns(keep=("kept", "nested"), key="kept")
TEXTS = st.text(max_size=6) | st.sampled_from(["\ud800", "a\udfff"])
NUMBERS = st.integers() | st.floats() | st.sampled_from([HUGE, -HUGE, 2**63, 1e39])
USUAL = sorted({name.name for column in TABLE for name in column.names})
WORDS = [*USUAL, "language", "status", "error_message", "quad", "level", "origin", "kept", "nested"]
KEYS = st.sampled_from(WORDS) | TEXTS
BOXES = st.lists(
    st.fixed_dictionaries({"quad": st.lists(NUMBERS, max_size=8)}, optional={"text": TEXTS}),
    max_size=2,
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
ROWS = st.dictionaries(KEYS, VALUES | BOXES, max_size=5)
FIELDS = [field for field in shard.BASE_FIELDS if field.name in NAMES]
LAYOUT = pa.schema(FIELDS)


def stored(said: annotation.Annotation) -> dict[str, Any]:
    """What a shard gives back of it."""
    captions = {column.name for column in TABLE if column.name.startswith("caption_")}
    row = {name: getattr(said, name) for name in NAMES}
    for name in captions:
        texts = row[name]
        row[name] = texts and [
            {"text": each.text, "language": each.language, "origin": each.origin} for each in texts
        ]
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row], LAYOUT), stream)
    (read,) = pq.read_table(stream).to_pylist()
    return dict(read)


@given(ROWS)
def test_any_object_is_read_and_can_be_stored(row: dict[str, Any]) -> None:
    said = annotation.from_json(json.dumps(row), ".json", KEEP)
    read = stored(said)
    for box in read["text_boxes"] or ():
        assert all(abs(number) < 3.4e38 for number in box["quad"])
    assert read["weight"] is None or 0 <= read["weight"] < 3.4e38
    for value in (said.key, said.failure):
        assert value is None or value.encode()
    again = annotation.from_json(json.dumps(row), ".json", KEEP)
    assert stored(again) == read or "nan" in repr(read)


@given(st.lists(VALUES | BOXES, min_size=1, max_size=4))
def test_any_values_are_one_column_that_can_be_stored(values: list[Any]) -> None:
    column = keep_columns.column(json.loads(json.dumps(values)))
    assert len(column) == len(values)
    stream = io.BytesIO()
    pq.write_table(pa.table({"kept": column}), stream)
    assert pq.read_table(stream)["kept"].null_count == sum(value is None for value in values)
    text = keep_columns.as_type(column, keep_columns.united([column.type, pa.string(), pa.bool_()]))
    assert text.null_count == column.null_count


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3))
def test_columns_of_two_units_have_one_type(first: list[Any], second: list[Any]) -> None:
    columns = [keep_columns.column(values) for values in (first, second)]
    kind = keep_columns.united(column.type for column in columns)
    assert keep_columns.united(column.type for column in reversed(columns)) == kind
    for column in columns:
        assert keep_columns.as_type(column, kind).type == kind


@pytest.mark.parametrize(
    ("boxes", "quads"),
    [
        ([{"quad": [0, 1, 2, HUGE]}, {"quad": [0, 1]}], [[0, 1]]),
        ([{"quad": [float("nan")]}, {"quad": [float("inf")]}, {"quad": [1e39]}], []),
        ([{"quad": [True]}, {"quad": "0 1"}, {"quad": None}, "box", {}], []),
        ([{"quad": [-0.5, 3e38]}], [[-0.5, 3e38]]),
    ],
)
def test_a_box_without_numbers_is_none(boxes: list[Any], quads: list[list[float]]) -> None:
    said = annotation.from_json(json.dumps({"text_boxes": boxes}), ".json")
    assert [box["quad"] for box in said.text_boxes or ()] == quads


LISTED: list[tuple[dict[str, Any], str]] = [
    ({"key": "\ud800"}, "\\"),
    ({"key": HUGE}, str(HUGE)),
    ({"key": ["a"], "caption": "\udfff"}, "['a']"),
]


@pytest.mark.parametrize(("row", "key"), LISTED, ids=["surrogate", "huge", "list"])
def test_any_key_of_a_list_can_be_written(tmp_path: Path, row: dict[str, Any], key: str) -> None:
    put(tmp_path, {"a.jpg": b"A", "m.jsonl": json.dumps({"path": "a.jpg", **row})})
    units = list(plan.plan([str(tmp_path / "m.jsonl")]))
    (sample,) = [sample for unit in units for sample in sources.read(unit)]
    assert sample.key.encode() and sample.uri.encode()
    assert (sample.key.startswith(key), sample.data) == (True, b"A")


PLACES = ["a.jpg", "./a.jpg", "\0", "a" * 5000, "..", "/", "~", "\ud800", "", "a.jpg\n", "A.JPG"]
PLACES += ["gs://x/y", "http://x/y.jpg", "file:///etc/passwd", "../../../etc/passwd", "//a.jpg"]
FIELDS_OF_LISTS = ["path", "file_name", "image", "key", "caption", "instruction", "x_file_name"]
FIELDS_OF_LISTS += ["input_image", "edited_image", "source_image", "input2_file_name", "\ud800", ""]
LINES = st.dictionaries(
    st.sampled_from(FIELDS_OF_LISTS),
    st.sampled_from(PLACES) | st.lists(st.sampled_from(PLACES), max_size=2) | VALUES,
    max_size=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    put(folder, {"a.jpg": b"A", "b.png": b"B"})
    return folder


@given(st.lists(LINES, min_size=1, max_size=3))
def test_any_lines_of_a_list_become_rows_that_can_be_written(
    folder: Path, lines: list[dict[str, Any]]
) -> None:
    put(folder, {"m.jsonl": "\n".join(map(json.dumps, lines))})
    units = list(plan.plan([str(folder / "m.jsonl")]))
    samples = [sample for unit in units for sample in sources.read(unit)]
    assert 1 <= len(samples) <= len(lines)  # rows of the same image are one
    assert len({sample.uri for sample in samples}) == len(samples)
    for sample in samples:
        assert (sample.data is None) == (sample.error is not None)
        assert sample.data in (None, b"A"), "read what it must not"
        for text in (sample.key, sample.uri, sample.path, sample.error or ""):
            text.encode()


def test_an_input_of_an_edit_whose_name_is_no_unicode_is_named(tmp_path: Path) -> None:
    row = {"file_name": "a.jpg", "input_image": "\ud800.png", "instruction": "turn"}
    put(tmp_path, {"a.jpg": b"A", "m.jsonl": json.dumps(row)})
    (unit,) = plan.plan([str(tmp_path / "m.jsonl")])
    (sample,) = sources.read(unit)
    assert sample.data is None
    assert sample.error and "input 1 (" in sample.error and sample.error.encode()


def test_a_run_ends_well_whatever_side_files_say(tmp_path: Path) -> None:
    files: dict[str, Any] = {}
    said = [
        {"text_boxes": [{"text": "a", "quad": [HUGE]}], "caption": "huge"},
        {"kept": "\ud800", "caption": "\ud800 lone"},
        {"kept": {"nested": ["\udfff"]}, "caption": "within"},
        {"kept": [HUGE, float("nan")], "weight": HUGE, "caption": "numbers"},
    ]
    for number, row in enumerate(said):
        files |= {f"{number}.jpg": encoded(drawing(number)), f"{number}.json": json.dumps(row)}
    put(tmp_path / "in", files)
    run_in_process(tmp_path / "in", tmp_path / "out", columns=Columns(keep=("kept",)))
    tables = [pq.read_table(file) for file in (tmp_path / "out" / "shards").glob("*.parquet")]
    rows = {row["key"]: row for table in tables for row in table.to_pylist()}
    texts = {key: row["caption_raw"][0]["text"] for key, row in rows.items()}
    assert texts == {
        "0.jpg": "huge",
        "1.jpg": "\ufffd lone",
        "2.jpg": "within",
        "3.jpg": "numbers",
    }
    assert rows["1.jpg"]["kept"] == "\ufffd" and rows["2.jpg"]["kept"] == '{"nested": ["\ufffd"]}'
