"""Columns passed on into the shards, captions counted: whole runs, and types without one."""

import datetime
import io
import json
import re
import tarfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded
from making.commands import invoke
from making.folders import put
from making.runs import run_in_process

from curation import shard
from curation.command import app
from curation.report.summary import funnel
from curation.sources import keep_columns
from curation.sources.fields import Columns


def fill(folder: Path) -> Path:
    """Five pictures in three layouts, four with ``similarity``, one with a side file gone bad."""
    data = [encoded(drawing(number)) for number in range(5)]
    put(folder, {"0.jpg": data[0], "0.txt": "beside", "1.jpg": data[1], "1.json": '{"secret'})
    put(folder, {"2.jpg": data[2], "metadata.csv": "file_name,text,similarity\n2.jpg,in csv,3\n"})
    with tarfile.open(folder / "a.tar", "w") as tar:
        said = json.dumps({"alt": "in tar", "similarity": 0.25}).encode()
        for name, content in (("3.jpg", data[3]), ("3.json", said)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    table = {"jpg": pa.array([data[4]], pa.binary()), "prompt": ["in table"], "key": ["4"]}
    extra = {"similarity": pa.array([0.5], pa.float32()), "day": [datetime.date(2020, 1, 2)]}
    pq.write_table(pa.table(table | extra), folder / "b.parquet")
    return folder


def rows(output: Path) -> dict[str, dict[str, Any]]:
    tables = [pq.read_table(file) for file in (output / "shards").glob("*.parquet")]
    return {row["key"]: row for table in tables for row in table.to_pylist()}


def test_columns_are_passed_on_and_captions_counted_by_where_they_were_said(tmp_path: Path) -> None:
    columns = Columns(keep=("similarity", "day"))
    run_in_process(fill(tmp_path / "in"), tmp_path / "out", columns=columns)
    found = rows(tmp_path / "out")
    assert {key: row["similarity"] for key, row in found.items()} == {
        **{"0.jpg": None, "1.jpg": None, "2.jpg": 3.0, "3": 0.25, "4": 0.5},
    }
    assert {row["day"] for row in found.values()} == {None, datetime.date(2020, 1, 2)}
    assert found["2.jpg"]["caption_raw"] == [
        {"text": "in csv", "language": None, "origin": "metadata.csv: text", "stage": None}
    ]
    counts = json.loads((tmp_path / "out" / "run.json").read_text())["counts"]
    told = counts["captions"]
    assert (told["with"], told["without"], told["kept_with"], told["kept_without"]) == (4, 1, 4, 1)
    origins = [".json: alt", ".txt", "metadata.csv: text", "prompt"]
    assert told["origins"] == {origin: {"in": 1, "kept": 1} for origin in origins}
    assert told["side_files_unread"] == 1
    (problem,) = told["side_files_first"]
    assert problem.startswith("1.jpg: 1.json: not JSON: ") and "secret" not in problem
    text = funnel(counts)
    assert "with captions 4 (4 kept), without 1 (1 kept)" in text
    assert "from metadata.csv: text" in text and "1.json: not JSON" in text
    page = (tmp_path / "out" / "report.html").read_text()
    assert "4 of 5 rows have captions, 4 of the 5 kept ones" in page
    assert "1.json: not JSON" in page and "metadata.csv: text" in page

    run_in_process(tmp_path / "in", tmp_path / "out", columns=Columns(captions=("alt",)))
    found = rows(tmp_path / "out")  # other columns make other shards
    assert [entry["text"] for entry in found["3"]["caption_raw"]] == ["in tar"]
    assert found["4"]["caption_raw"] is None and "similarity" not in found["4"]


@pytest.mark.parametrize("name", ["width", "Width", "id", "stage", "uri", "near_better", "phash"])
def test_a_column_with_a_name_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "in")
    given = ["run", "-i", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--keep-columns"]
    done = invoke(app, [*given, f"similarity,{name}"])
    assert done.exit_code == 2
    assert re.search(f"--keep-columns {name}: .* named {name.lower()}", done.stderr)
    assert not (tmp_path / "out").exists()


def test_columns_of_a_program_and_empty_names_are_refused(tmp_path: Path) -> None:
    for more in (["synthesize", "--keep-columns", "a"], ["-i", "x", "--keep-columns", "a,,b"]):
        done = invoke(app, ["run", *more, "-o", str(tmp_path / "out")])
        assert done.exit_code == 2 and "--keep-columns" in done.stderr


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2.5, None], "double", [1.0, 2.5, None]),
        ([1, "n/a"], "string", ["1", "n/a"]),
        ([True, None], "bool", [True, None]),
        ([{"a": 1}, {"b": "ü"}], "string", ['{"a": 1}', '{"b": "ü"}']),
        ([[1, 2], [0.5]], "list<item: double>", [[1.0, 2.0], [0.5]]),
        ([[1, "a"]], "string", ['[1, "a"]']),
        ([2**70], "string", [str(2**70)]),
        ([2**53 + 1, 0.5], "string", [str(2**53 + 1), "0.5"]),
        ([None, None], "null", [None, None]),
        ([pa.scalar(1, pa.int8()), pa.scalar(300, pa.int16())], "int16", [1, 300]),
        ([pa.scalar("x").cast(pa.dictionary(pa.int8(), pa.string()))], "string", ["x"]),
        ([pa.scalar([1, 2], pa.list_(pa.int8(), 2))], "list<item: int8>", [[1, 2]]),
        ([pa.scalar(Decimal("1.50"))], "decimal128(3, 2)", [Decimal("1.50")]),
        ([pa.scalar(None, pa.float32()), None], "float", [None, None]),
    ],
    ids=repr,
)
def test_types_are_kept_and_widened(values: list[Any], kind: str, expected: list[Any]) -> None:
    found = keep_columns.column(values)
    assert (str(found.type), found.to_pylist()) == (kind, expected)
    as_text = keep_columns.as_type(
        found, keep_columns.united([found.type, pa.bool_(), pa.string()])
    )
    assert as_text.type in (pa.string(), pa.null()) or found.type == pa.null()


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.date32(), pa.timestamp("us", "UTC"), pa.decimal128(5, 2), pa.binary(), pa.null()),
        *(
            pa.large_string(),
            pa.list_(pa.struct([("a", pa.int8())])),
            pa.float16(),
            pa.time64("us"),
        ),
    ],
    ids=str,
)
def test_hugging_face_knows_every_type(kind: pa.DataType) -> None:
    from datasets import Features

    schema = shard.schema([pa.field("more", kind)])
    told = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert Features.from_dict({"more": told["more"]}).arrow_schema.field("more").type == kind
