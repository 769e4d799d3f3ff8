"""Shards -> examples -> buckets -> batches, and who is held out."""

import json
from collections import Counter
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import training_shards as shards
from making.old_shards import write_version_1
from PIL import Image

from curation import shard
from curation.failures.errors import UsageError
from curation.picture import decoding, sizes
from curation.shard import ShardError
from synthesis import image_sizes
from train import batches, data, examples, skipped
from train.configuration import CodecConfiguration, DataConfiguration

CODEC = CodecConfiguration(channels=8)
PLAIN = DataConfiguration(held_out=0.2)


def load(pattern, configuration=PLAIN, **options):
    return data.load(str(pattern), configuration, CODEC, 2, **options)


def test_pictures_become_latents_of_their_bucket(tmp_path):
    pattern = shards.write_all(tmp_path)
    loaded = load(pattern)
    assert [bucket.size for bucket in loaded.buckets] == [(32, 16), (48, 16)]
    for bucket in (*loaded.buckets, *loaded.held_out):
        assert bucket.latents.shape == (len(bucket.examples), 8, 2, bucket.size[0] // 8)
        for example, latents in zip(bucket.examples[:5], bucket.latents, strict=False):
            text, colour = example.text, example.captions[0].split()[4]
            picture = np.asarray(shards.draw(text, colour, bucket.size[0] // 16), np.float32)
            pixels = torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1
            assert torch.allclose(loaded.codec.encode(pixels)[0], latents, atol=1e-4)
    assert sum(len(b.examples) for b in (*loaded.buckets, *loaded.held_out)) == 180
    assert not loaded.skipped.counts


def test_no_text_is_both_trained_on_and_held_out(tmp_path):
    loaded = load(shards.write_all(tmp_path, 400))
    trained = {example.text for bucket in loaded.buckets for example in bucket.examples}
    held = {example.text for bucket in loaded.held_out for example in bucket.examples}
    assert not trained & held
    assert 0.1 < len(held) / len(held | trained) < 0.3
    seen = []
    load(tmp_path, watch=lambda example, pixels: seen.append((example.text, pixels.shape)))
    assert {text for text, _ in seen} == trained
    assert not load(tmp_path, DataConfiguration(held_out=0)).held_out


def test_a_picture_without_text_is_held_out_by_its_caption():
    def example(caption):
        return examples.Example("1", (caption,), "", ())

    held = [examples.is_held_out(example(f"photo {n}"), 0.5) for n in range(200)]
    assert 60 < sum(held) < 140
    assert examples.is_held_out(example("x"), 0.0) is False


def test_rows_that_cannot_be_trained_on_are_counted(tmp_path):
    rows = [
        *shards.rows(30),
        shards.row("A", "red", caption_recaption=None),
        shards.row("A", "red", caption_recaption=[], caption_raw=[]),
        shards.row("A", "red", image={"bytes": b"no picture", "path": None}, key="no-picture"),
        shards.row("A", "red", width=8, height=8),
        shards.row("AE", "red", width=900, height=600, key="less"),  # than its row says
        shards.row("AE", "red", image={"bytes": b"", "path": None}, key="empty"),
        shards.row("L", "blue", caption_recaption=None, caption_raw=[{"text": "an L"}]),
    ]
    shards.write(tmp_path / "part-00000.parquet", rows)
    loaded = load(tmp_path)
    counts = {"without a caption": 2, "unreadable": 3, "of another size": 1}
    assert loaded.skipped.counts == counts
    skipped.write(str(tmp_path / "bad.jsonl"), loaded.skipped)
    bad = [json.loads(line) for line in (tmp_path / "bad.jsonl").open()]
    assert [(row["shard"], row["key"], row["reason"]) for row in bad] == [
        ("part-00000.parquet", "no-picture", "not-a-picture"),
        ("part-00000.parquet", "less", "corrupt"),
        ("part-00000.parquet", "empty", "empty"),
    ]
    told = list(loaded.skipped.lines(PLAIN))
    assert "part-00000.parquet: no-picture: not-a-picture" in told[1]
    assert any(
        example.captions == ("an L",)
        for bucket in (*loaded.buckets, *loaded.held_out)
        for example in bucket.examples
    )


def test_a_strangers_row_without_a_picture_does_not_end_training(tmp_path):
    rows = [*shards.rows(5), shards.row("A", "red", image=None, key="none")]
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    pq.write_table(table, tmp_path / "a.parquet")  # our own writer would refuse it
    loaded = load(tmp_path, DataConfiguration(held_out=0))
    assert [bad.key for bad in loaded.skipped.unreadable] == ["none"]
    assert sum(len(bucket.examples) for bucket in loaded.buckets) == 5


def test_shards_of_version_1_are_trained_on_and_of_a_later_one_refused(tmp_path):
    table = pa.Table.from_pylist(shards.rows(20), schema=shard.schema())
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
    shards.write(tmp_path / "new" / "a.parquet", shards.rows(20))
    write_version_1(tmp_path / "old" / "a.parquet", table)
    assert load(tmp_path / "old").digest == load(tmp_path / "new").digest
    later = table.replace_schema_metadata({"inkstone_schema": "3"})
    pq.write_table(later, tmp_path / "old" / "b.parquet")
    with pytest.raises(shard.ShardError, match=r"b\.parquet: a shard of schema version 3"):
        load(tmp_path / "old")


def test_all_captions_of_a_picture_are_kept_in_the_order_of_the_columns(tmp_path):
    texts = {"caption_raw": "r", "caption_recaption": "c", "caption_fused": "f"}
    row = shards.row("A", "red", **{name: [{"text": text}] for name, text in texts.items()})
    shards.write(tmp_path / "part-00000.parquet", [row])
    loaded = load(tmp_path, DataConfiguration(held_out=0))
    assert loaded.buckets[0].examples[0].captions == ("c", "f", "r")
    some = DataConfiguration(held_out=0, captions=("caption_raw",))
    assert load(tmp_path, some).buckets[0].examples[0].captions == ("r",)


def test_listed_sizes_are_the_only_buckets(tmp_path):
    pattern = shards.write_all(tmp_path)
    loaded = load(pattern, DataConfiguration(sizes=("48x16",)))
    assert [bucket.size for bucket in loaded.buckets] == [(48, 16)]
    assert loaded.skipped.counts == {"of another size": 120}


def test_native_sizes_lose_a_rim_and_their_boxes_but_are_not_scaled(tmp_path):
    image = Image.new("RGB", (37, 19), "white")
    image.putpixel((2, 1), (255, 0, 0))  # the first pixel that stays
    row = shards.row("A", "red", image={"bytes": shards.png(image), "path": None})
    shards.write(tmp_path / "a.parquet", [row | {"width": 37, "height": 19}])
    seen = []
    load(tmp_path, DataConfiguration(held_out=0), watch=lambda *pair: seen.append(pair))
    example, pixels = seen[0]
    assert pixels.shape == (16, 32, 3)
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert example.glyphs == ()


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (640, 480, (288, 224)),
        (480, 640, (224, 288)),
        (500, 490, (256, 256)),
        (9000, 100, (448, 144)),
    ],
)
def test_a_resolution_asks_for_the_nearest_aspect_ratio(width, height, expected):
    assert examples.bucket_size(width, height, 16, DataConfiguration(resolution=256)) == expected


@pytest.mark.parametrize("side", sizes.CLASSES)
def test_what_is_rendered_for_a_class_is_trained_on_as_it_is(side):
    asked = DataConfiguration(resolution=side)
    rendered = image_sizes.sizes(str(side))
    assert len(set(rendered)) == 9
    assert [examples.bucket_size(*size, 16, asked) for size in rendered] == list(rendered)


def encoded(image, kind, **options):
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def odd_pictures():
    """Pictures that decoders take for different pixels, by name."""
    clear = Image.new("RGBA", (32, 16), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 128), (0, 0, 16, 16))
    grey = Image.fromarray(np.full((16, 32), 0x7F80, np.uint16))
    half = Image.new("RGB", (16, 32), "white")
    half.paste((200, 0, 0), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "transparent": encoded(clear, "PNG"),
        "palette": encoded(clear.convert("P"), "PNG", transparency=0),
        "grey16": encoded(grey, "PNG"),
        "turned": encoded(half, "PNG", exif=exif),
        "avif": encoded(clear.convert("RGB"), "AVIF"),
    }


@pytest.mark.parametrize("name", list(odd_pictures()))
def test_the_trainer_sees_the_pixels_that_curation_measured(tmp_path, name):
    content = odd_pictures()[name]
    row = shards.row("A", "red", image={"bytes": content, "path": None})
    shards.write(tmp_path / "a.parquet", [row])
    seen = []
    load(tmp_path, DataConfiguration(held_out=0), watch=lambda *pair: seen.append(pair[1]))
    measured = decoding.decode(content, None).rgb
    assert np.array_equal(seen[0], measured)


def test_a_resolution_resizes_without_aliasing(tmp_path):
    """Stripes one pixel wide become grey, as for an eye from afar, and no moire."""
    stripes = np.zeros((96, 192, 3), np.uint8)
    stripes[:, ::2] = 255
    content = encoded(Image.fromarray(stripes), "PNG")
    row = shards.row("A", "red", image={"bytes": content, "path": None}, width=192, height=96)
    shards.write(tmp_path / "a.parquet", [row])
    seen = []
    asked = DataConfiguration(resolution=32, held_out=0)
    load(tmp_path, asked, watch=lambda *pair: seen.append(pair[1]))
    assert seen[0].shape == (32, 48, 3)
    assert np.abs(seen[0][:, 4:-4].astype(int) - 127).max() <= 8


def test_a_resolution_scales_pictures_to_their_bucket(tmp_path):
    shards.write_all(tmp_path)
    loaded = load(tmp_path, DataConfiguration(resolution=64, held_out=0.2))
    # ratios 2:1 and 3:1 at about 64 x 64 pixels, in whole tokens of 16 pixels
    assert [bucket.size for bucket in loaded.buckets] == [(80, 48), (112, 32)]


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"no \.parquet file matches"):
        load(tmp_path)
    pattern = shards.write_all(tmp_path)
    with pytest.raises(UsageError, match="nothing to train on: 180 of another size") as caught:
        load(pattern, DataConfiguration(sizes=("640x480",)))
    told = str(caught.value)
    assert "120 of 32x16, 60 of 48x16: data.sizes asks for 640x480 only" in told
    assert "render with --size 640x480" in told
    with pytest.raises(UsageError, match=r"data.memory_bytes is 1,000;"):
        load(pattern, DataConfiguration(memory_bytes=1000))
    path = tmp_path / "part-00000.parquet"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ShardError, match="part-00000"):
        load(pattern)


def test_the_digest_follows_examples_and_split(tmp_path):
    pattern = shards.write_all(tmp_path)
    first = load(pattern).digest
    assert load(pattern).digest == first
    assert load(pattern, DataConfiguration(held_out=0.3)).digest != first
    assert load(tmp_path / "part-00000.parquet").digest != first


@given(
    counts=st.lists(st.integers(1, 70), min_size=1, max_size=4).map(tuple),
    size=st.integers(1, 20),
    seed=st.integers(0, 2**63 - 1),
    number=st.integers(0, 5),
)
def test_an_epoch_shows_every_example_once_and_mixes_no_buckets(counts, size, seed, number):
    found = batches.epoch(counts, size, seed, number)
    shown = Counter((batch.bucket, index) for batch in found for index in batch.indices.tolist())
    assert shown == {(b, i): 1 for b, count in enumerate(counts) for i in range(count)}
    assert all(0 < len(batch.indices) <= size for batch in found)
    first = 1 + number * len(found)  # the 1-based step this epoch starts at
    for place, batch in enumerate(found):
        again = batches.at(counts, size, seed, first + place)
        assert again.bucket == batch.bucket
        assert np.array_equal(again.indices, batch.indices)


def test_epochs_and_seeds_differ():
    def order(seed, number):
        return np.concatenate([b.indices for b in batches.epoch((50,), 8, seed, number)]).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert batches.seed_for(1, "step", 2) != batches.seed_for(1, "noise", 2)
