"""Under which names captions are read, and what the user names."""

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.folders import put

from curation import shard, sources
from curation.sources import Caption, Sample, SourceError, annotation, plan
from curation.sources.fields import TABLE, Columns, Name


def read(root: str, columns: Columns) -> list[Sample]:
    return [sample for unit in plan.plan([root], columns=columns) for sample in sources.read(unit)]


def of_row(row: dict[str, Any], columns: Columns | None = None) -> tuple[Caption, ...] | None:
    return annotation.from_mapping(row, columns or Columns()).caption_raw


RAW = next(column.names for column in TABLE if column.name == "caption_raw")


@pytest.mark.parametrize("field", RAW[1:], ids=lambda field: field.name)
def test_every_usual_name_is_read_in_any_case_and_knows_its_language(field: Name) -> None:
    for name in (field.name, field.name.upper(), field.name.capitalize()):
        (caption,) = of_row({name: "said", "language": "xx"}) or ()
        assert (caption.text, caption.origin) == ("said", name)
        assert caption.language == (field.language or "xx")


def test_the_names_that_were_asked_for_are_there() -> None:
    names = {field.name: field for field in RAW}
    assert names.keys() >= {"caption", "text", "prompt", "description", "alt", "alt_text"}
    assert (names["caption_en"].language, names["caption_zh"].language) == ("en", "zh")
    assert "text_id" not in names  # a number, and not Indonesian


def test_what_sources_say_is_a_column_of_shards_under_the_same_name() -> None:
    of_shards = {field.name for field in shard.BASE_FIELDS}
    assert {column.name for column in TABLE} <= of_shards
    for column in TABLE:
        assert column.names[0].name == column.name
        assert getattr(annotation.from_mapping({}), column.name) in (None, False)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"category": "dog", "Domain": "nature", "weight": 2}, ("dog", "nature", 2.0)),
        ({"category": 7, "domain": "", "weight": 0}, ("7", None, 0.0)),
        ({"category": True, "domain": None, "weight": -1}, (None, None, None)),
        ({"category": [], "weight": float("nan")}, (None, None, None)),
        ({"weight": float("inf")}, (None, None, None)),
        ({"weight": "2"}, (None, None, None)),
        ({"weight": True}, (None, None, None)),
    ],
    ids=str,
)
def test_category_domain_and_weight_are_read(row: dict[str, Any], expected: tuple) -> None:
    said = annotation.from_mapping(row)
    assert (said.category, said.domain, said.weight) == expected


PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ({"bytes": PNG, "path": "a\ud800"}, {"bytes": PNG, "path": "a\ufffd"}),
        (PNG, {"bytes": PNG, "path": None}),
        ({"bytes": b"no image", "path": "a"}, None),
        ({"bytes": PNG.decode("latin-1")}, None),
        ({"bytes": base64.b64encode(PNG).decode()}, {"bytes": PNG, "path": None}),
        (base64.b64encode(PNG).decode(), {"bytes": PNG, "path": None}),
        ("no base64", None),
        (None, None),
        ([PNG], None),
    ],
    ids=str,
)
def test_a_mask_is_a_png(mask: Any, expected: Any) -> None:
    assert annotation.from_mapping({"edit_mask": mask}).edit_mask == expected


def test_boxes_of_inputs_are_those_of_each() -> None:
    box = {"text": "a", "quad": [0.0, 1.0], "level": None}
    said = annotation.from_mapping({"input_boxes": [[box | {"more": 1}, 7], [], None, "x"]})
    assert said.input_boxes == [[box], [], None, None]
    assert annotation.from_mapping({"input_boxes": {"a": []}}).input_boxes is None


def test_of_several_sources_the_first_weight_counts_be_it_0() -> None:
    rows = ({"category": None}, {"weight": 0.0, "category": "a"}, {"weight": 1.0, "category": "b"})
    said = annotation.merge(map(annotation.from_mapping, rows))
    assert (said.weight, said.category) == (0.0, "a")


@pytest.mark.parametrize("name", ["instruction", "edit_prompt", "edited_prompt_list", "Edit"])
def test_an_instruction_is_a_split_of_its_own(name: str) -> None:
    said = annotation.from_mapping({name: ["make it red"], "instruction_zh": "变红"})
    assert said.caption_instruction == (Caption("make it red"), Caption("变红", "zh"))
    assert said.caption_raw is None


def test_captions_come_in_the_order_of_the_table_each_once() -> None:
    row = {"alt": "5", "caption_zh": "一", "prompt": "1", "text": "1", "caption": "0"}
    assert of_row(row) == (*map(Caption, ("0", "1", "5")), Caption("一", "zh"))
    (first, second, *_) = of_row(row) or ()
    assert (first.origin, second.origin) == ("caption", "text")


@pytest.mark.parametrize(
    "value",
    [None, 5, float("nan"), True, {"a": "dict"}, {"text": 1}, [None, 3, [["deep"]]]],
    ids=repr,
)
def test_what_is_no_caption_says_nothing(value: Any) -> None:
    assert not of_row({"description": value})
    assert of_row({"description": value, "alt": b"by\xfftes"}) is not None
    assert (of_row({"description": value, "alt": b"by\xfftes"}) or ())[-1].text == "by\ufffdtes"


def test_a_column_of_bytes_named_text_is_no_image(tmp_path: Path) -> None:
    table = {"photo": pa.array([b"P"], pa.binary()), "text": pa.array([b"said"], pa.binary())}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    (sample,) = read(str(tmp_path / "a.parquet"), Columns())
    assert (sample.data, sample.caption_raw) == (b"P", (Caption("said"),))


def every_layout(root: Path) -> str:
    """One row of each layout, each with the fields ``uid``, ``blip``, ``score``, and a caption."""
    said = {"uid": "U", "blip": "named", "score": 0.5, "caption": "usual", "caption_fused": "f"}
    put(root, {"a.jpg": b"A", "a.json": json.dumps(said | {"uid": "a"})})
    put(root, {"b.jpg": b"B", "m.jsonl": json.dumps(said | {"path": "b.jpg", "uid": "b"})})
    put(root, {"c.jpg": b"C", "metadata.csv": "file_name,uid,blip,score\nc.jpg,c,named,0.5\n"})
    with tarfile.open(root / "d.tar", "w") as tar:
        for name, data in (("d.jpg", b"D"), ("d.json", json.dumps(said | {"uid": "d"}).encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    table = {name: [value] for name, value in (said | {"uid": "e"}).items()}
    image = pa.array([{"bytes": b"E", "path": "e.jpg"}])
    pq.write_table(pa.table(table | {"image": image}), root / "e.parquet")
    return str(root)


def test_columns_named_by_the_user_are_read_in_every_layout(tmp_path: Path) -> None:
    root = every_layout(tmp_path / "in")
    found = read(root, Columns(("blip",), "uid", ("score",)))
    assert sorted(sample.key for sample in found) == ["a", "b", "c", "d", "e"]
    for sample in found:
        assert sample.caption_raw == (Caption("named"),), sample.key  # instead of the usual ones
        assert sample.key == "c" or sample.caption_fused == (Caption("f"),)
        value = (sample.kept or {})["score"]
        assert (value.as_py() if isinstance(value, pa.Scalar) else value) == 0.5
    plain = {sample.key: sample for sample in read(root, Columns())}
    assert sorted(plain) == ["a.jpg", "b.jpg", "c.jpg", "d", "e.jpg"]
    assert plain["e.jpg"].caption_raw == (Caption("usual"),)
    assert not any(sample.kept for sample in plain.values())


def test_a_column_without_a_single_cell_is_known(tmp_path: Path) -> None:
    root = put(tmp_path, {"a.jpg": b"A", "metadata.csv": "file_name,score\na.jpg,\n"})
    (sample,) = read(root, Columns(keep=("score",)))
    assert (sample.error, sample.kept) == (None, None)


def test_a_row_without_its_key_keeps_the_usual_one(tmp_path: Path) -> None:
    lines = [{"path": "a.jpg", "uid": None}, {"path": "b.jpg", "uid": 7}, {"path": "c.jpg"}]
    lines += [{"path": "d.jpg", "uid": ["no", "key"]}]
    files = {f"{name}.jpg": name for name in "abcd"}
    root = put(tmp_path, {**files, "m.jsonl": "\n".join(map(json.dumps, lines))})
    found = read(f"{root}/m.jsonl", Columns(key="uid"))
    assert sorted(sample.key for sample in found) == ["7", "a.jpg", "c.jpg", "d.jpg"]


def test_a_mistyped_column_is_told_before_anything_is_read(tmp_path: Path) -> None:
    table = {"image": pa.array([b"A"], pa.binary()), "similarity": [0.5]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    for columns in (
        Columns(("similarty",)),
        Columns(key="similarty"),
        Columns(keep=("similarty",)),
    ):
        with pytest.raises(SourceError, match=r"'similarty': no source .* did you mean similarity"):
            plan.plan([str(tmp_path)], columns=columns)
    assert plan.plan([every_layout(tmp_path / "in")], columns=Columns(keep=("unknown",)))


def test_other_columns_are_other_units(tmp_path: Path) -> None:
    root = every_layout(tmp_path / "in")
    plans = [
        plan.plan([root], columns=columns) for columns in (Columns(), Columns(keep=("score",)))
    ]
    assert not {unit.id for unit in plans[0]} & {unit.id for unit in plans[1]}
