"""The examples remove nothing but what they wrote; the damage they do is what they say."""

import hashlib
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import training_shards as shards
from PIL import Image

from curation.picture import decoding
from curation.storage.ownership import OwnershipError
from examples import damaged_strings, gather


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_gathering_again_removes_what_was_gathered_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "raw"
    out.mkdir()
    gather.publish(put(out / ".p", "a/1.jpg", "a/2.jpg"), out)
    put(out, "a/mine.jpg", "README.md")
    gather.publish(put(out / ".p", "a/2.jpg", "b/3.jpg"), out)
    assert names(out) == {"a/2.jpg", "b/3.jpg", "a/mine.jpg", "README.md", gather.RECORD}
    with pytest.raises(OwnershipError, match=r"mine\.jpg: was not gathered by us"):
        gather.publish(put(out / ".p", "a/mine.jpg"), out)


def test_gathering_among_a_strangers_files_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "holiday.jpg")
    with pytest.raises(OwnershipError, match="no run of ours"):
        gather.main(tmp_path)
    assert names(tmp_path) == {"holiday.jpg"}


def test_the_shares_of_damage_are_as_stated_and_the_same_every_time() -> None:
    keys = [f"strings/en/1/{number:08d}" for number in range(20_000)]
    counts = Counter(map(damaged_strings.damage_of, keys))
    for kind, share in damaged_strings.SHARES.items():
        assert counts[kind] / len(keys) == pytest.approx(share, rel=0.1)
    assert counts[damaged_strings.CLEAN] / len(keys) == pytest.approx(0.54, rel=0.03)
    assert set(counts) == {damaged_strings.CLEAN, *damaged_strings.SHARES}


def test_damage_changes_the_image_or_its_words_and_never_both() -> None:
    large = shards.draw("AE", "red").resize((512, 256))
    row = shards.row("AE", "red", width=512, height=256, key="k")
    row["image"] = {"bytes": shards.png(large), "path": None}
    assert damaged_strings.damaged(row, damaged_strings.CLEAN) == row
    hashes = set()
    same, other = row | {"key": "l"}, shards.row("X", "blue", width=512, height=256, key="m")
    spoilt = damaged_strings.damaged(row, damaged_strings.MISCAPTIONED, [same, other])
    words = {name: other[name] for name in damaged_strings.WORDS}
    assert spoilt == row | words | {"key": f"k-{damaged_strings.MISCAPTIONED}"}
    assert spoilt["caption_recaption"] != row["caption_recaption"]
    of_the_image = [*damaged_strings.SHARES]
    of_the_image.remove(damaged_strings.MISCAPTIONED)
    for kind in of_the_image:
        spoilt = damaged_strings.damaged(row, kind)
        data = spoilt["image"]["bytes"]
        assert (spoilt["key"], spoilt["id"]) == (
            f"k-{kind}",
            hashlib.sha256(data).hexdigest()[:32],
        )
        assert spoilt["caption_recaption"] == row["caption_recaption"]
        assert spoilt["text_boxes"] == row["text_boxes"]
        assert data == damaged_strings.damaged(row, kind)["image"]["bytes"]
        hashes.add(data)
        if kind == "truncated":
            with pytest.raises(decoding.PictureError, match="truncated"):
                decoding.decode(data)
            continue
        pixels = decoding.decode(data, None).rgb
        assert pixels.shape[1::-1] == (spoilt["width"], spoilt["height"])
        expected = (320, 160) if kind == "cropped" else (512, 256)
        assert pixels.shape[1::-1] == expected
        change = np.abs(np.asarray(large.resize(expected), int) - pixels).mean()
        assert bool(change > 5) == (kind != "duplicated"), kind
    assert Image.open(BytesIO(row["image"]["bytes"])).size == (512, 256)
    assert len(hashes) == len(of_the_image)


def test_what_was_caught_is_counted_by_kind(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    rows = [
        {"key": "a", "verdict": "kept", "rule": None},
        {"key": "b", "verdict": "dropped", "rule": "texture.max"},
        {"key": "c-blurred", "verdict": "dropped", "rule": "clarity.min"},
        {"key": "d-truncated", "verdict": "quarantined", "rule": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "ledger" / "a.parquet")
    found = damaged_strings.caught(tmp_path)
    assert found["clean"] == {"kept": 1, "texture.max": 1}
    assert found["blurred"] == {"clarity.min": 1}
    lines = damaged_strings.table(found).splitlines()
    assert lines[1].split() == ["clean", "2", "1", "texture.max", "1"]
    assert lines[5 - 1 + 2].startswith("truncated")
