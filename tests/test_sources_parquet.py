"""Parquet tables in img2dataset's, Hugging Face's and our own layout."""

import io
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import plan, shard, sources
from curation.sources import Caption, Sample, SourceError

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write(path: Path, columns: Mapping[str, Any], **options: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path, **options)
    return str(path)


def read_all(*inputs: str, unit_rows: int = 10_000) -> list[Sample]:
    samples = [s for unit in plan.plan(inputs, unit_rows=unit_rows) for s in sources.read(unit)]
    assert len({sample.uri for sample in samples}) == len(samples)
    assert all((sample.data is None) == (sample.error is not None) for sample in samples)
    return samples


def pictures(count: int, size: int = 50) -> list[bytes]:
    return [random.Random(number).randbytes(size) for number in range(count)]


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
        ("/etc/passwd", None, "missing: the row has no image bytes"),
    ]
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
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    program = [sys.executable, "-c", _SAVE, str(path)]
    subprocess.run(program, env=os.environ | offline, check=True, capture_output=True)
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


def table(count: int) -> dict[str, Any]:
    keys = [f"k{number:05}" for number in range(count)]
    return {"key": keys, "jpg": pa.array(pictures(count), pa.binary()), "caption": keys}


def test_a_big_table_is_cut_between_row_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", table(100), row_group_size=15)
    whole = read_all(path)
    assert [sample.key for sample in whole] == [f"k{number:05}" for number in range(100)]
    assert [sample.uri for sample in whole] == [f"{path}#{row}" for row in range(100)]
    for unit_rows, cuts in (
        (1000, [(0, 7)]),
        (40, [(0, 2), (2, 4), (4, 7)]),
        (1, [(group, group + 1) for group in range(7)]),
    ):
        units = plan.plan([path], unit_rows=unit_rows)
        assert [unit.parts[0].groups for unit in units] == cuts
        assert len({unit.id for unit in units}) == len(units)
        assert read_all(path, unit_rows=unit_rows) == whole


def test_a_table_without_rows_is_planned_and_empty(tmp_path: Path) -> None:
    assert read_all(write(tmp_path / "a.parquet", table(0))) == []


def test_only_the_rows_wanted_are_given(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", table(60), row_group_size=20)
    whole = read_all(path)
    (unit,) = plan.plan([path])
    wanted = [whole[index] for index in (0, 21, 22, 39)]
    assert list(sources.read(unit, only={sample.uri for sample in wanted})) == wanted
    assert list(sources.read(unit, only={"elsewhere#1"})) == []


def damage(path: str, position: int, data: bytes = b"\xff\xff\xff") -> None:
    with open(path, "r+b") as stream:
        stream.seek(position)
        stream.write(data)


def test_a_damaged_row_group_costs_its_rows_alone_each_with_the_reason(tmp_path: Path) -> None:
    options = {"row_group_size": 20, "write_page_checksum": True, "compression": "none"}
    path = write(tmp_path / "a.parquet", table(60), use_dictionary=False, **options)
    whole = read_all(path)
    content = Path(path).read_bytes()
    damage(path, content.index(pictures(60)[30]) + 5)
    samples = read_all(path)
    assert [sample.uri for sample in samples] == [sample.uri for sample in whole]
    assert samples[:20] == whole[:20]
    assert samples[40:] == whole[40:]
    for sample in samples[20:40]:
        assert str(sample.error).startswith("unreadable: row group 1: ")
    lost = {samples[25].uri}
    (unit,) = plan.plan([path])
    assert list(sources.read(unit, only=lost)) == [samples[25]]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>", b"PAR1" + bytes(99) + b"PAR1"])
def test_what_is_no_parquet_is_one_sample_with_the_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    for given in (path, tmp_path):
        (sample,) = read_all(str(given))
        assert sample.uri == str(path)
        assert str(sample.error).startswith("unreadable: not a readable Parquet table: ")


def test_a_table_that_is_gone_is_one_sample_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", table(3))
    (unit,) = plan.plan([path])
    Path(path).unlink()
    (sample,) = sources.read(unit)
    assert sample.error == "missing: no such file"


def _unchecked(values: Sequence[bytes]) -> pa.Array:
    """A string array of bytes that may be no UTF-8, as careless writers leave them."""
    plain = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(plain), plain.buffers())


def test_text_that_is_no_utf8_costs_no_picture(tmp_path: Path) -> None:
    texts = _unchecked([b"fine", b"caf\xe9", "é".encode()])
    nested = pa.ListArray.from_arrays([0, 1, 2, 3], texts)
    columns = {"jpg": pa.array([b"A", b"B", b"C"], pa.binary()), "text": texts}
    path = write(tmp_path / "a.parquet", columns | {"caption": nested})
    samples = read_all(path)
    assert [sample.data for sample in samples] == [b"A", b"B", b"C"]
    expected = ["fine", "caf\ufffd", "é"]
    assert [sample.caption_raw for sample in samples] == [(Caption(text),) for text in expected]


_MEASURE = """
import sys
from curation import plan, sources
def peak():  # not ru_maxrss, which a child inherits from its parent
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
(unit,) = plan.plan([sys.argv[1]])  # imports all that reading needs
before = peak()
size = 0
for sample in sources.read(unit):
    size += len(sample.data)
print(size, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_hold_a_whole_row_group(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    schema = pa.schema([("jpg", pa.binary())])
    options: dict[str, Any] = {"compression": "none", "use_dictionary": False}
    with pq.ParquetWriter(path, schema, **options, write_batch_size=1) as writer:
        writer.write_table(pa.table({"jpg": [bytes(500_000)] * 240}, schema), row_group_size=240)
    program = [sys.executable, "-c", _MEASURE, str(path)]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    size, growth = map(int, done.stdout.split())
    assert size == 240 * 500_000
    assert growth < 100_000_000


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_never_escapes(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    path = write(tmp_path / "a.parquet", table(40), row_group_size=10)
    content = Path(path).read_bytes()
    pages = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    (unit,) = plan.plan([path])
    for _ in range(60):
        Path(path).write_bytes(content)
        damage(path, dice.randrange(4, pages), dice.randbytes(dice.randrange(1, 30)))
        samples = list(sources.read(unit))
        assert len(samples) == 40 or samples[-1].error
        for sample in samples:
            for text in (sample.uri, sample.key, sample.path, sample.error or ""):
                text.encode()
