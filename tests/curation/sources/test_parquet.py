"""Parquet tables in img2dataset's, Hugging Face's and our own layout."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.commands import lines_of_datasets
from making.old_shards import write_version_1
from making.tables import read_all, write

from curation import shard
from curation.sources import Caption, Sample, SourceError, plan
from curation.sources.kind import portable

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def test_img2dataset_rows_keep_key_caption_and_failures(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in" / "00000.parquet",
        {
            "key": ["000000000", "000000001", "000000002"],
            "jpg": pa.array([b"A", None, b"C"], pa.binary()),
            "caption": ["a <b>cat</b>\x00", "lost", None],
            "LANGUAGE": ["en", "en", None],
            "url": ["https://example.com/0", "https://example.com/1", None],
            "status": ["success", "failed_to_download", "success"],
            "error_message": [None, "HTTP Error 404", None],
            "width": [1, None, 3],
        },
    )
    samples = read_all(str(tmp_path / "in"))
    assert samples == [
        Sample(
            uri=f"{path}#0",
            key="000000000",
            data=b"A",
            error=None,
            path="000000000",
            caption_raw=(Caption("a <b>cat</b>\x00", "en"),),
            source="https://example.com/0",
        ),
        Sample(
            uri=f"{path}#1",
            key="000000001",
            data=None,
            error="missing: failed_to_download: HTTP Error 404",
            path="000000001",
            caption_raw=(Caption("lost", "en"),),
            source="https://example.com/1",
        ),
        Sample(f"{path}#2", "000000002", b"C", None, "000000002"),
    ]


def test_hugging_face_rows_are_keyed_by_path_or_by_place(tmp_path: Path) -> None:
    images = [{"bytes": b"A", "path": "cats/a.jpg"}, {"bytes": b"B", "path": None}]
    images += [None, {"bytes": None, "path": "/etc/passwd"}]
    columns = {"text": ["a cat", "", None, "x"], "image": pa.array(images, IMAGE)}
    path = write(tmp_path / "train.parquet", columns)
    samples = read_all(path)
    assert [(sample.key, sample.data, sample.error) for sample in samples] == [
        ("cats/a.jpg", b"A", None),
        ("train.parquet#1", b"B", None),
        ("train.parquet#2", None, "missing: the row has no image bytes"),
        (portable("/etc/passwd"), None, "missing: the row has no image bytes"),
    ]
    assert samples[3].path.endswith("/passwd")
    assert not [sample for sample in samples if "etc" in sample.key + sample.path]
    assert [sample.caption_raw for sample in samples] == [
        *((Caption("a cat"),), (Caption(""),), None, (Caption("x"),)),
    ]


_SAVE = """
import io, sys
from datasets import Dataset, Features, Image, Value
from PIL import Image as Pillow
pictures = []
for shade in (10, 200):
    stream = io.BytesIO()
    Pillow.new("L", (3, 2), shade).save(stream, "PNG")
    pictures.append({"bytes": stream.getvalue(), "path": f"{shade}.png"})
rows = {"image": pictures, "text": ["dark", "bright"]}
features = Features({"image": Image(), "text": Value("string")})
Dataset.from_dict(rows, features=features).to_parquet(sys.argv[1])
"""


def test_what_hugging_face_datasets_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    lines_of_datasets(_SAVE, path, tmp_path)
    from PIL import Image

    samples = read_all(str(path))
    assert [sample.key for sample in samples] == ["10.png", "200.png"]
    assert [sample.caption_raw for sample in samples] == [(Caption("dark"),), (Caption("bright"),)]
    for sample, shade in zip(samples, (10, 200), strict=True):
        assert Image.open(io.BytesIO(sample.data or b"")).getpixel((0, 0)) == shade


def test_our_own_shards_come_back_whole(tmp_path: Path) -> None:
    schema = shard.schema([pa.field("luma", pa.float32())])
    boxes = [{"text": "字", "quad": [0.0, 1.0, 2.0, 3.5], "level": "glyph"}]
    rows: list[dict[str, Any]] = [
        {
            "id": shard.content_id(b"A"),
            "image": {"bytes": b"A", "path": "a.png"},
            "key": "zh/000001",
            "caption_raw": [{"text": "r", "language": "en"}, {"text": "r", "language": "de"}],
            "caption_recaption": [{"text": "", "language": None}],
            "caption_fused": [],
            "text_boxes": boxes,
            "source": "inkstone",
            "licence": "CC0",
            "synthetic": True,
            "luma": 0.5,
        },
        {
            "id": shard.content_id(b"B"),
            "image": {"bytes": b"B", "path": None},
            "key": "k",
            "synthetic": False,
        },
    ]
    path = str(tmp_path / "shards" / "part.parquet")
    info = shard.write(path, [pa.RecordBatch.from_pylist(rows, schema=schema)], schema)
    shard.write_manifest(str(tmp_path / "shards"), [info])
    assert read_all(str(tmp_path / "shards")) == [
        Sample(
            uri=f"{path}#0",
            key="zh/000001",
            data=b"A",
            error=None,
            path="a.png",
            caption_raw=(Caption("r", "en"), Caption("r", "de")),
            caption_recaption=(Caption(""),),
            caption_fused=(),
            text_boxes=boxes,
            source="inkstone",
            licence="CC0",
            synthetic=True,
        ),
        Sample(f"{path}#1", "k", b"B", None, "k"),
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"image": pa.array([b"A"], pa.large_binary())},
        {"png": pa.array([b"A"], pa.binary())},
        {"thumbnail": pa.array([b"t"], pa.binary()), "jpg": pa.array([b"A"], pa.binary())},
        {"whatever": pa.array([b"A"], pa.binary())},
        {"photo": pa.array([{"bytes": b"A", "path": None}], IMAGE)},
        {"image": pa.array([{"bytes": b"A"}], pa.struct([("bytes", pa.binary())]))},
    ],
)
def test_the_image_column_is_found(tmp_path: Path, columns: dict[str, pa.Array]) -> None:
    path = write(tmp_path / "a.parquet", columns)
    assert [(sample.key, sample.data) for sample in read_all(path)] == [("a.parquet#0", b"A")]


def test_other_key_and_text_types_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet",
        {
            "key": [7, 8],
            "jpg": pa.array([b"A", b"B"], pa.binary()),
            "text": pa.array(["x", "y"]).dictionary_encode(),
            "captions": [["one", "two"], None],
        },
    )
    samples = read_all(path)
    assert [sample.key for sample in samples] == ["7", "8"]
    assert samples[0].caption_raw == (Caption("one"), Caption("two"), Caption("x"))
    assert samples[1].caption_raw == (Caption("y"),)


def test_a_table_without_pictures_is_refused_by_name_and_skipped_in_a_folder(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "in" / "00000.parquet", {"key": ["0"], "caption": ["c"]})
    with pytest.raises(SourceError, match=r"00000\.parquet: no image column among key, caption"):
        plan.plan([path])
    with pytest.raises(SourceError, match=r"no input rows among 1 files \(00000\.parquet\)"):
        plan.plan([str(tmp_path / "in")])
    (tmp_path / "in" / "a.jpg").write_bytes(b"A")
    assert [sample.key for sample in read_all(str(tmp_path / "in"))] == ["a.jpg"]
    two = {"a": pa.array([b"A"], pa.binary()), "b": pa.array([b"B"], pa.binary())}
    with pytest.raises(SourceError, match="no image column among a, b"):
        plan.plan([write(tmp_path / "two.parquet", two)])


def test_a_shard_of_a_later_version_is_refused_and_one_of_version_1_is_read(tmp_path: Path) -> None:
    row = {"id": shard.content_id(b"A"), "image": {"bytes": b"A"}, "key": "a", "synthetic": False}
    row["caption_raw"] = [{"text": "said", "origin": "alt"}]
    table = pa.Table.from_pylist([row], schema=shard.schema())
    old = write_version_1(tmp_path / "old.parquet", table)
    (sample,) = read_all(str(old))
    assert (sample.key, sample.data, sample.caption_raw) == ("a", b"A", (Caption("said"),))
    later = tmp_path / "later" / "part.parquet"
    later.parent.mkdir()
    pq.write_table(table.replace_schema_metadata({"inkstone_schema": "4"}), later)
    with pytest.raises(SourceError, match=r"part.parquet: a shard of schema version 4; expected 1"):
        plan.plan([str(later.parent)])
