"""The shard format: its schema, its row groups, and that others can open it."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.commands import lines_of_datasets
from making.shard_rows import ROWS, SCHEMA, SIGNALS, batches, read_rows, row
from PIL import Image

from curation import shard
from curation.shard import writing

LIMIT = 20_000


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "ROW_GROUP_BYTES", LIMIT)


def test_the_schema_is_the_one_agreed() -> None:
    captions = "list<item: struct<text: string, language: string, origin: string, stage: string>>"
    image = "struct<bytes: binary, path: string>"
    boxes = "list<item: struct<text: string, quad: list<item: float>, level: string>>"
    expected = {
        "id": "string",
        "image": image,
        "key": "string",
        "width": "int32",
        "height": "int32",
        "format": "string",
        "inputs": f"list<item: {image}>",
        "caption_raw": captions,
        "caption_recaption": captions,
        "caption_fused": captions,
        "caption_instruction": captions,
        "annotation": "string",
        "text_boxes": boxes,
        "edit_kind": "string",
        "edit_operation": "string",
        "edit_mask": image,
        "input_boxes": f"list<item: {boxes}>",
        "source": "string",
        "licence": "string",
        "synthetic": "bool",
        "stage": "string",
        "category": "string",
        "domain": "string",
        "weight": "float",
        "luma": "float",
        "phash": "uint64",
        "exact_better": "int32",
        "pair_better": "int32",
        "near_better": "int32",
        "duplicate_of": "string",
    }
    assert {field.name: str(field.type) for field in SCHEMA} == expected
    required = {field.name for field in SCHEMA if not field.nullable}
    assert required == {"id", "key", "synthetic"}
    features = json.loads(SCHEMA.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == list(expected)
    assert features["image"] == {"_type": "Image"}
    assert features["edit_mask"] == features["image"]
    assert features["inputs"] == {"feature": {"_type": "Image"}, "_type": "List"}
    assert SCHEMA.metadata[b"inkstone_schema"] == b"3"


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    info = shard.write(str(path), batches(ROWS, 50), SCHEMA)
    expected = pa.Table.from_pylist(ROWS, schema=SCHEMA).to_pylist()
    assert read_rows(path) == expected
    assert info == shard.ShardInfo("part.parquet", 120, path.stat().st_size, info.sha256)
    few = list(shard.read(str(path), columns=["key", "luma"]))
    assert {tuple(batch.schema.names) for batch in few} == {("key", "luma")}
    assert max(batch.num_rows for batch in few) <= shard.BATCH_ROWS


def test_the_id_is_of_the_bytes_alone() -> None:
    assert shard.content_id(b"") == hashlib.sha256(b"").hexdigest()[:32]
    assert shard.content_id(b"a") != shard.content_id(b"b")


def test_the_id_of_an_edit_is_of_all_its_images_and_of_its_instruction() -> None:
    plain = shard.content_id(b"a")
    assert shard.content_id(b"a", (), ("make it red",)) == plain  # no edit: the image alone
    edits = [
        shard.content_id(b"a", (b"b",)),
        shard.content_id(b"a", (b"b",), ("make it red",)),
        shard.content_id(b"a", (b"b",), ("make it", " red")),
        shard.content_id(b"a", (b"b",), ("make it blue",)),
        shard.content_id(b"a", (b"b", b"c"), ("make it red",)),
        shard.content_id(b"a", (b"c", b"b"), ("make it red",)),
        shard.content_id(b"b", (b"a",), ("make it red",)),
    ]
    assert len({plain, *edits}) == 8
    # ids lie in ledgers and shards: this one may never change
    assert edits[1] == "81efd975befcb87ba3082e907f3a9364"


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ({"id": None}, "id"),
        ({"key": None}, "key"),
        ({"image": None}, "image"),
        ({"image": {"bytes": None, "path": "a"}}, "image"),
    ],
)
def test_a_row_without_id_key_or_image_is_refused(
    tmp_path: Path, missing: dict[str, Any], name: str
) -> None:
    path = tmp_path / "part.parquet"
    with pytest.raises(ValueError, match=name):
        shard.write(str(path), batches([*ROWS[:3], ROWS[0] | missing]), SCHEMA)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(500, 100_000))
@settings(max_examples=40, deadline=None)
def test_bytes_depend_on_the_rows_alone(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], limit: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "ROW_GROUP_BYTES", limit)
        whole = shard.write(str(folder / "a.parquet"), batches(ROWS), SCHEMA)
        cut = shard.write(str(folder / "a.parquet"), batches(ROWS, *sizes), SCHEMA)
    assert whole == cut


@pytest.mark.parametrize("sizes", [(1,), (7,), (30, 5), (13, 1, 1, 40)])
def test_pages_do_not_show_where_batches_ended(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    rows = [row(number, 60_000) for number in range(60)]  # over 3 MB: several pages
    whole = shard.write(str(tmp_path / "a.parquet"), batches(rows), SCHEMA)
    assert shard.write(str(tmp_path / "a.parquet"), batches(rows, *sizes), SCHEMA) == whole


def group_bytes(path: Path) -> list[int]:
    """Bytes of each row group, without compression."""
    metadata = pq.ParquetFile(path).metadata
    return [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]


@pytest.mark.usefixtures("small_groups")
def test_row_groups_stay_within_the_limit_and_use_it(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    shard.write(str(path), batches(ROWS, 7), SCHEMA)
    sizes = group_bytes(path)
    assert len(sizes) > 3
    overhead = 4_000  # page headers, which small pages have many of
    assert max(sizes) <= LIMIT + overhead
    assert min(sizes[:-1]) >= LIMIT // 2


@pytest.mark.usefixtures("small_groups")
def test_long_captions_count_and_a_huge_row_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    text = [{"text": "x" * 15_000, "language": None}]
    rows = [row(number, 10) | {"caption_recaption": text} for number in range(6)]
    rows.insert(3, row(9, 3 * LIMIT))
    shard.write(str(path), batches(rows, 2, 4), SCHEMA)
    metadata = pq.ParquetFile(path).metadata
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert counts == [1] * 7
    assert [entry["key"] for entry in read_rows(path)] == [entry["key"] for entry in rows]


@pytest.mark.parametrize(
    "more",
    [
        {"edit_mask": {"bytes": bytes(2 * LIMIT), "path": None}},
        {"inputs": [{"bytes": bytes(2 * LIMIT), "path": None}]},
    ],
    ids=lambda more: next(iter(more)),
)
@pytest.mark.usefixtures("small_groups")
def test_all_images_of_an_edit_count_in_a_row_group(tmp_path: Path, more: dict[str, Any]) -> None:
    path = tmp_path / "part.parquet"
    rows = [row(number, 10) for number in range(4)]
    shard.write(str(path), batches(rows), SCHEMA)
    assert len(group_bytes(path)) == 1
    rows[1] |= more
    shard.write(str(path), batches(rows), SCHEMA)
    metadata = pq.ParquetFile(path).metadata
    assert [metadata.row_group(group).num_rows for group in range(3)] == [1, 1, 2]
    assert [entry["key"] for entry in read_rows(path)] == [entry["key"] for entry in rows]


def test_the_limits_themselves_are_within_the_promise() -> None:
    assert shard.ROW_GROUP_BYTES < 100_000_000
    assert shard.SHARD_BYTES < 500_000_000


def test_real_row_groups_are_cut_below_100_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    blank = bytes(6_000_000)
    rows = [row(number, 1) | {"image": {"bytes": blank, "path": None}} for number in range(24)]
    shard.write(str(path), batches(rows, 1), SCHEMA)
    sizes = group_bytes(path)
    assert max(sizes) < 100_000_000
    assert max(sizes) < 2 * min(sizes)


@pytest.mark.usefixtures("small_groups")
def test_every_page_has_a_checksum_and_pictures_and_numbers_are_stored_plain(
    tmp_path: Path,
) -> None:
    path = tmp_path / "part.parquet"
    shard.write(str(path), batches(ROWS), SCHEMA)
    metadata = pq.ParquetFile(path).metadata
    column = metadata.row_group(0).column(1)
    assert column.has_offset_index
    kinds: dict[str, set[str]] = {}
    for number in range(metadata.num_columns):
        column = metadata.row_group(0).column(number)
        kinds.setdefault(column.compression, set()).add(column.path_in_schema)
    numbers = {field.name for field in SCHEMA if pa.types.is_primitive(field.type)}
    images = {"image.bytes", "inputs.list.element.bytes", "edit_mask.bytes"}
    assert kinds["UNCOMPRESSED"] == images | numbers
    assert "caption_raw.list.element.text" in kinds["ZSTD"]
    assert set(kinds) == {"UNCOMPRESSED", "ZSTD"}
    assert metadata.row_group(0).column(0).statistics.max is not None


_LOAD = """
import sys
from datasets import Image, load_dataset
loaded = load_dataset("parquet", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
assert isinstance(loaded.features["image"], Image), loaded.features
for entry in loaded:
    told = entry["phash"], entry["embedding"], entry["pairs"]
    print(entry["key"], entry["image"].convert("RGB").getpixel((0, 0)), *told)
    print([image.convert("RGB").getpixel((0, 0)) for image in entry["inputs"] or ()])
    mask = entry["edit_mask"] and entry["edit_mask"].convert("RGB").getpixel((0, 0))
    print(mask, entry["edit_kind"], entry["input_boxes"])
    print(entry["category"], entry["weight"], entry["caption_instruction"])
print(loaded[1]["caption_raw"][0]["text"], loaded[1]["caption_raw"][0]["language"])
"""


def test_hugging_face_datasets_shows_the_right_pictures(tmp_path: Path) -> None:
    rows = []
    for number in range(3):
        stream = io.BytesIO()
        colour = (number * 50, 10, 200 - number)
        Image.fromarray(np.full((4, 5, 3), colour, np.uint8)).save(stream, "PNG")
        rows.append(row(number + 3) | {"image": {"bytes": stream.getvalue(), "path": None}})
    rows[1]["caption_raw"] = [{"text": "图 <b>", "language": "zh"}]
    rows[0] |= {"embedding": [0.5, -1.0, 2.0], "pairs": [[1, 2], [3, 4]]}
    rows[2] |= {"embedding": [0.0, 0.0, 0.25], "pairs": []}
    rows[0] |= {"inputs": [rows[1]["image"], rows[2]["image"]], "category": "cat", "weight": 0.5}
    rows[0]["caption_instruction"] = [{"text": "redder", "stage": "s2"}]
    boxes = [{"text": "a", "quad": [0.0, 1.0], "level": "line"}]
    rows[0] |= {"edit_mask": rows[1]["image"], "edit_kind": "text", "input_boxes": [boxes, []]}
    path = tmp_path / "part.parquet"
    of_fixed_size = [
        pa.field("embedding", shard.EMBEDDING),
        pa.field("pairs", pa.list_(pa.list_(pa.int16(), 2))),
    ]
    schema = shard.schema([*SIGNALS, *of_fixed_size])
    shard.write(str(path), [pa.RecordBatch.from_pylist(rows, schema=schema)], schema)
    instruction = {"text": "redder", "language": None, "origin": None, "stage": "s2"}
    assert lines_of_datasets(_LOAD, path, tmp_path) == [
        f"00003 (0, 10, 200) {2**64 - 4} [0.5, -1.0, 2.0] [[1, 2], [3, 4]]",
        "[(50, 10, 199), (100, 10, 198)]",
        f"(50, 10, 199) text {[boxes, []]}",
        f"cat 0.5 [{instruction}]",
        f"00004 (50, 10, 199) {2**64 - 5} None None",
        *("[]", "None None None", "None None None"),
        f"00005 (100, 10, 198) {2**64 - 6} [0.0, 0.0, 0.25] []",
        *("[]", "None None None", "None None None"),
        "图 <b> zh",
    ]
