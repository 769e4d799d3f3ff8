"""Hugging Face's lists of images, in any folder: every row is told or says why it is none."""

import datetime
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.folders import by_key, put, read_all

from curation.sources import Caption, SourceError, listings, plan


def texts(root: str) -> dict[str, list[str]]:
    return {key: [c.text for c in it.caption_raw or ()] for key, it in by_key(root).items()}


CSV = 'file_name,text,lang\r\na.jpg,"a ""cat"", on\r\ntwo lines",en\r\nb.jpg,,\r\n'


@pytest.mark.parametrize(
    "content",
    [CSV, "\ufeff" + CSV, CSV.replace("\r\n", "\n"), CSV.replace("file_name", "image_file_name")],
    ids=["plain", "mark", "lf", "other name"],
)
def test_metadata_csv_describes_the_images_of_its_folder(tmp_path: Path, content: str) -> None:
    root = put(tmp_path / "in", {"sub/a.jpg": b"A", "sub/b.jpg": b"B", "sub/metadata.csv": content})
    found = by_key(root)
    (caption,) = found["sub/a.jpg"].caption_raw or ()
    assert caption.text.replace("\r\n", "\n") == 'a "cat", on\ntwo lines'
    assert (caption.language, caption.origin) == ("en", "metadata.csv: text")
    assert found["sub/b.jpg"].caption_raw is None  # an empty cell says nothing


def test_all_kinds_of_lists_and_side_files_add_up(tmp_path: Path) -> None:
    files = {f"{kind}/a.jpg": b"A" for kind in ("csv", "jsonl", "parquet")}
    root = put(tmp_path / "in", {**files, "csv/a.txt": "beside"})
    put(tmp_path / "in" / "csv", {"metadata.csv": "file_name,text\na.jpg,listed\na.jpg,twice"})
    line = json.dumps({"file_name": "a.jpg", "prompt": "from jsonl"})
    put(tmp_path / "in" / "jsonl", {"metadata.jsonl": line})
    table = pa.table({"file_name": ["a.jpg"], "description": ["from parquet"], "n": [1]})
    pq.write_table(table, tmp_path / "in" / "parquet" / "metadata.parquet")
    assert texts(root) == {
        "csv/a.jpg": ["listed", "twice", "beside"],  # lists first, then what lies beside
        "jsonl/a.jpg": ["from jsonl"],
        "parquet/a.jpg": ["from parquet"],
    }


def test_a_row_without_its_image_and_a_row_without_sense_are_told(tmp_path: Path) -> None:
    content = 'file_name,text\na.jpg,one\ngone.jpg,two\n,three\na.jpg,x,y\na.jpg,"x"y\nb.jpg,last\n'
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B", "metadata.csv": content})
    found = by_key(root)
    assert [c.text for c in found["a.jpg"].caption_raw or ()] == ["one"]
    assert [c.text for c in found["b.jpg"].caption_raw or ()] == ["last"]
    errors = {key: sample.error for key, sample in found.items() if sample.error}
    assert errors.pop("gone.jpg") == "missing: no such file"
    assert errors.pop("metadata.csv#4") is not None  # a cell says what is missing, not which row
    assert "3 cells, but 2 columns" in str(errors.pop("metadata.csv#5"))
    assert str(errors.pop("metadata.csv#6")).startswith("unreadable: metadata.csv line 6: ")
    assert not errors


def test_a_quotation_that_never_ends_swallows_no_row_in_silence(tmp_path: Path) -> None:
    content = 'file_name,text\na.jpg,"never closed\nb.jpg,two\n'
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B", "metadata.csv": content})
    found = by_key(root)
    assert found["a.jpg"].caption_raw is None
    assert "line 2" in str(found["metadata.csv#2"].error)


def test_a_cell_may_be_long_and_none_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = f"file_name,text\na.jpg,{'x' * 200_000}\nb.jpg,b\n"
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B", "metadata.csv": content})
    assert texts(root) == {"a.jpg": ["x" * 200_000], "b.jpg": ["b"]}
    monkeypatch.setattr(listings, "LARGEST_SIDECAR", 1000)
    found = texts(root)
    assert found == {"a.jpg": [], "b.jpg": ["b"], "metadata.csv#2": []}


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
def test_a_list_of_something_else_is_not_read_and_said(tmp_path: Path, name: str) -> None:
    root = put(tmp_path / "in", {"a.jpg": b"A"})
    if name.endswith("parquet"):
        pq.write_table(pa.table({"city": ["X"], "people": [3]}), tmp_path / "in" / name)
    else:
        line = "city,people\nX,3\n" if name.endswith("csv") else '{"city": "X", "people": 3}'
        put(tmp_path / "in", {name: line})
    found = plan.planned([root])
    assert [part.key for unit in found.units for part in unit.parts] == ["a.jpg"]
    (note,) = found.notes
    assert f"{name}: not read" in note
    assert "there are: city, people" in note
    if name.endswith("jsonl"):
        return
    with pytest.raises(SourceError, match="expected a column file_name"):
        plan.plan([f"{root}/{name}"])


def test_several_names_of_files_are_not_guessed_at(tmp_path: Path) -> None:
    content = "before_file_name,after_file_name,text\na.jpg,b.jpg,edit\n"
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B", "metadata.csv": content})
    assert texts(root) == {"a.jpg": [], "b.jpg": []}
    assert "not read" in plan.planned([root]).notes[0]


def test_captions_beside_no_image_are_said(tmp_path: Path) -> None:
    names = {"a.jpg": b"A", "a.txt": "a", "b.txt": "b", "sub/c.json": "{}", "0_stats.json": "{}"}
    root = put(tmp_path / "in", names)
    assert plan.planned([root]).notes == (
        f"{root}: side files beside no image, 2: b.txt, sub/c.json",
    )
    assert plan.planned([f"{root}/a.jpg"]).notes == ()


def test_odd_types_of_a_table_become_text_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B"})
    table = {
        "file_name": ["a.jpg", "b.jpg"],
        "caption": pa.array([b"bytes \xff", None], pa.binary()),
        "text": [{"not": "a caption"}, None],
        "description": pa.array([float("nan"), 1.0]),
        "when": [datetime.date(2020, 1, 2), None],
        "price": [Decimal("1.50"), None],
    }
    path = tmp_path / "in" / "metadata.parquet"
    pq.write_table(pa.table(table), path)
    units = plan.plan([root], columns=plan.Columns(keep=("when", "price")))
    (described,) = units[0].parts[0].described
    assert json.loads(described[1])["when"] == "2020-01-02"
    assert json.loads(described[1])["price"] == "1.50"
    assert texts(root) == {"a.jpg": ["bytes \ufffd"], "b.jpg": []}
    path.write_bytes(path.read_bytes()[:-4] + b"XXXX")
    errors = [sample for sample in read_all(root) if sample.error]
    assert [sample.path for sample in errors] == ["metadata.parquet"]


def test_the_order_of_lines_and_lists_does_not_matter(tmp_path: Path) -> None:
    lines = ["a.jpg,one", "a.jpg,two", "b.jpg,three"]
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B"})
    put(tmp_path / "in", {"metadata.jsonl": '{"file_name": "a.jpg", "text": "four"}'})
    found = []
    for order in (lines, lines[::-1]):
        put(tmp_path / "in", {"metadata.csv": "\n".join(["file_name,text", *order])})
        found.append([(sample.key, sample.caption_raw) for sample in read_all(root)])
    assert found[0] == found[1]
    assert found[0][0][1] == tuple(map(Caption, ("one", "two", "four")))
