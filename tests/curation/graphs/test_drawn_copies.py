"""Drawn pictures that look alike are no copies; equal bytes are."""

from pathlib import Path

import pyarrow as pa
from making.collection import drawing, encoded
from making.pipelines import WITHOUT_MODELS
from making.runs import finish, ledger_rows

from curation import shard
from curation.inspect import rejudge


def write_drawn(folder: Path, pictures: dict[str, bytes]) -> None:
    rows = [
        {
            "id": shard.content_id(data),
            "image": {"bytes": data, "path": None},
            "key": key,
            "caption_recaption": [{"text": key, "language": "en"}],
            "synthetic": True,
        }
        for key, data in pictures.items()
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=shard.schema())
    shard.write_manifest(
        str(folder), [shard.write(str(folder / "part-00000.parquet"), [batch], shard.schema())]
    )


def test_drawn_pictures_that_look_alike_are_no_copies(tmp_path: Path) -> None:
    crawl, drawn, output = tmp_path / "crawl", tmp_path / "drawn", tmp_path / "run" / "out"
    for folder in (crawl, drawn, output.parent):
        folder.mkdir()
    (output.parent / "pipelines.yaml").write_text(WITHOUT_MODELS, encoding="utf-8")
    one, other = drawing(1), drawing(2)
    for name, picture, quality in (("a", one, 95), ("b", one, 80), ("c", other, 90)):
        (crawl / f"{name}.jpg").write_bytes(encoded(picture, quality=quality))
    like_c, twin = encoded(other, quality=70), encoded(drawing(3))
    pictures = {"like-c": like_c, "like-like-c": encoded(other, quality=60), "twin": twin}
    write_drawn(drawn, pictures | {"twin-again": twin, "alone": encoded(drawing(4))})
    finish([crawl, drawn], output)
    rows = {row["key"]: row for row in ledger_rows(output)}
    near = {key for key, row in rows.items() if row["rule"] == "near_better.max"}
    exact = {key for key, row in rows.items() if row["rule"] == "exact_better.max"}
    assert near in ({"a.jpg"}, {"b.jpg"})
    assert len(exact) == 1 and exact < {"twin", "twin-again"}
    assert {key for key, row in rows.items() if row["verdict"] == "kept"} == {*rows} - near - exact
    for key in {*rows} - near - exact:
        assert rows[key]["duplicate_of"] is None
    told = rejudge.compare(str(output), str(output.parent / "pipelines.yaml"))
    assert (told.gained, told.lost) == (0, 0)
