"""Shards -> rows -> examples of equal size -> latents, and who is held out."""

from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from making import training_shards as shards
from making.old_shards import write_version_1
from making.training_data import configuration, load, shown, trained
from PIL import Image

from curation import progress, shard
from curation.failures.errors import UsageError
from curation.picture import decoding, sizes
from curation.shard import ShardError
from synthesis import image_sizes
from train.configuration import Configuration, DataConfiguration
from train.data import examples, loading
from train.data.loading import Sources


def test_images_become_latents_of_their_size(tmp_path):
    loaded = load(shards.write_all(tmp_path), held_out=0.2)
    assert loaded.counts == {(32, 16): 73, (48, 16): 44}
    for bucket in loaded.held_out:
        assert bucket.latents.shape == (len(bucket.examples), 8, 2, bucket.size[0] // 8)
        for example, latents in zip(bucket.examples[:5], bucket.latents, strict=False):
            text, colour = example.text, example.captions[0].split()[4]
            image = np.asarray(shards.draw(text, colour, bucket.size[0] // 16), np.float32)
            pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1
            assert torch.allclose(loaded.autoencoder.encode(pixels)[0], latents, atol=1e-4)
    assert sum(len(bucket.examples) for bucket in loaded.held_out) + 117 == 180
    for latents, caption in trained(loaded):
        text, colour = caption.split('"')[1], caption.split()[4]
        image = np.asarray(shards.draw(text, colour, latents.shape[2] // 2), np.float32)
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1
        assert torch.allclose(loaded.autoencoder.encode(pixels)[0], latents, atol=1e-4)
    assert not loaded.skipped.counts


def test_what_takes_long_is_said_first_and_shown_while_it_lasts(tmp_path, monkeypatch, capsys):
    @contextmanager
    def repeated(write, seconds):
        yield
        write()  # as if each took longer than the seconds between two lines

    monkeypatch.setattr(progress, "repeated", repeated)
    pattern, settings = shards.write_all(tmp_path, 1500), configuration(held_out=0.2)
    loaded = loading.load(Sources(str(pattern), tell=progress.say), settings)
    trained(loaded)
    images, judged = (
        sum(loaded.counts.values()),
        sum(len(each.examples) for each in loaded.held_out),
    )
    assert images > 1024
    assert capsys.readouterr().err.splitlines() == [
        f"indexing {images + judged:,} rows in 2 files: {pattern}",
        f"rows indexed: {images + judged} of {images + judged} (100 %)",
        "fitting the autoencoder on 1,024 images",
        "images read: 1024 of 1024 (100 %)",
        "images encoded: 1024 of 1024 (100 %)",
        f"reading and encoding {judged:,} images for evaluations",
        f"images encoded: {judged} of {judged} (100 %)",
        f"reading and encoding {images - 1024:,} images ahead",
        f"images encoded: {images - 1024} of {images - 1024} (100 %)",
    ]


def test_no_text_is_both_trained_on_and_held_out(tmp_path):
    loaded = load(shards.write_all(tmp_path, 400), held_out=0.2)
    learnt = {caption.split('"')[1] for _, caption in trained(loaded)}
    held = {example.text for bucket in loaded.held_out for example in bucket.examples}
    assert not learnt & held
    assert 0.1 < len(held) / len(held | learnt) < 0.3
    assert {example.text for example, _ in shown(tmp_path, held_out=0.2)} == learnt
    assert not load(tmp_path, held_out=0).held_out


def test_only_so_many_images_as_are_judged_are_held_in_memory(tmp_path):
    pattern = shards.write_all(tmp_path)
    loaded = load(pattern, held_out=0.2, evaluation={"held_out": 10})
    assert sum(len(bucket.examples) for bucket in loaded.held_out) == 10
    assert sum(loaded.counts.values()) == 117
    assert loaded.shown is loaded.held_out
    nothing = load(pattern, held_out=0, evaluation={"images": 7})
    assert sum(len(bucket.examples) for bucket in nothing.shown) == 7


def test_what_shows_no_text_is_held_out_by_its_caption(tmp_path):
    held = [examples.is_held_out(f"photo {n}", 0.5) for n in range(200)]
    assert 60 < sum(held) < 140
    assert examples.is_held_out("x", 0.0) is False
    rows = [
        shards.row("A", "red", text_boxes=None, caption_recaption=[{"text": f"photo {n}"}])
        for n in range(40)
    ]
    shards.write(tmp_path / "a.parquet", rows)
    learnt = {caption for _, caption in trained(load(tmp_path, held_out=0.5))}
    assert learnt == {f"photo {n}" for n in range(40) if not held[n]}


def test_rows_that_cannot_be_trained_on_are_counted(tmp_path):
    rows = [
        *shards.rows(30),
        shards.row("A", "red", caption_recaption=None),
        shards.row("A", "red", caption_recaption=[], caption_raw=[]),
        shards.row("A", "red", image={"bytes": b"no image", "path": None}, key="no-image"),
        shards.row("A", "red", width=8, height=8),
        shards.row("AE", "red", width=900, height=600, key="less"),  # than its row says
        shards.row("AE", "red", image={"bytes": b"", "path": None}, key="empty"),
        shards.row("L", "blue", caption_recaption=None, caption_raw=[{"text": "an L"}]),
    ]
    shards.write(tmp_path / "part-00000.parquet", rows)
    loaded = load(tmp_path, held_out=0)
    trained(loaded)
    counts = {"without a caption": 2, "unreadable": 3, "of another size": 1}
    assert loaded.skipped.counts == counts
    assert [(bad.shard, bad.key, bad.reason) for bad in loaded.skipped.unreadable] == [
        ("part-00000.parquet", "no-image", "not-a-picture"),
        ("part-00000.parquet", "less", "corrupt"),
        ("part-00000.parquet", "empty", "empty"),
    ]
    told = "\n".join(loaded.skipped.lines(DataConfiguration()))
    assert "3 unreadable (part-00000.parquet: no-image: not-a-picture" in told
    assert "an L" in {caption for _, caption in trained(loaded)}


def test_a_strangers_row_without_an_image_does_not_end_training(tmp_path):
    rows = [*shards.rows(5), shards.row("A", "red", image=None, key="none")]
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    pq.write_table(table, tmp_path / "a.parquet")  # our own writer would refuse it
    loaded = load(tmp_path, held_out=0)
    assert len(trained(loaded)) == 6  # another image takes its place
    assert [bad.key for bad in loaded.skipped.unreadable] == ["none"]


def test_shards_of_version_1_are_trained_on_and_of_a_later_one_refused(tmp_path):
    table = pa.Table.from_pylist(shards.rows(20), schema=shard.schema())
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
    shards.write(tmp_path / "new" / "a.parquet", shards.rows(20))
    write_version_1(tmp_path / "old" / "a.parquet", table)
    old, new = (load(tmp_path / name, weight="weight") for name in ("old", "new"))
    assert old.digest == new.digest
    assert trained(old)[0][1] == trained(new)[0][1]
    later = table.replace_schema_metadata({"inkstone_schema": "4"})
    pq.write_table(later, tmp_path / "old" / "b.parquet")
    with pytest.raises(shard.ShardError, match=r"b\.parquet: a shard of schema version 4"):
        load(tmp_path / "old")


def test_listed_sizes_are_the_only_ones(tmp_path):
    loaded = load(shards.write_all(tmp_path), sizes=("48x16",), held_out=0)
    assert loaded.counts == {(48, 16): 60}
    assert loaded.skipped.counts == {"of another size": 120}


def test_native_sizes_lose_a_rim_and_their_boxes_but_are_not_scaled(tmp_path):
    image = Image.new("RGB", (37, 19), "white")
    image.putpixel((2, 1), (255, 0, 0))  # the first pixel that stays
    row = shards.row("A", "red", image={"bytes": shards.png(image), "path": None})
    shards.write(tmp_path / "a.parquet", [row | {"width": 37, "height": 19}])
    example, pixels = shown(tmp_path, held_out=0)[0]
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
    assert examples.target_size(width, height, 16, DataConfiguration(resolution=256)) == expected


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (640, 640, (640, 640)),  # what is only of 640p is not lost, and not enlarged
        (1327, 1327, (640, 640)),
        (1328, 1328, (1328, 1328)),
        (4000, 4000, (1328, 1328)),
        (1664, 928, (1664, 928)),
        (300, 300, (640, 640)),  # the smallest, as if it were alone
    ],
)
def test_of_several_resolutions_the_largest_that_an_image_fills(width, height, expected):
    both = DataConfiguration(resolution=(1328, 640))
    size = examples.target_size(width, height, 16, both)
    assert size == expected
    alone = {
        examples.target_size(width, height, 16, DataConfiguration(resolution=of))
        for of in (640, 1328)
    }
    assert size in alone


def test_640p_and_1328p_are_in_one_run_each_in_batches_of_its_own(tmp_path):
    for name, side in (("a", 64), ("b", 160)):
        image = {"bytes": shards.png(Image.new("RGB", (side, side), "white")), "path": None}
        row = shards.row(name.upper(), "red", image=image) | {"width": side, "height": side}
        shards.write(tmp_path / f"{name}.parquet", [row])
    assert not load(tmp_path, resolution=[64, 128], held_out=0).skipped.counts
    pixels = (of for _, of in shown(tmp_path, resolution=[64, 128], held_out=0))
    assert sorted(of.shape[:2] for of in pixels) == [(64, 64), (128, 128)]


@pytest.mark.parametrize("side", sizes.CLASSES)
def test_what_is_rendered_for_a_class_is_trained_on_as_it_is(side):
    asked = DataConfiguration(resolution=side)
    rendered = image_sizes.sizes(str(side))
    assert len(set(rendered)) == 9
    assert [examples.target_size(*size, 16, asked) for size in rendered] == list(rendered)


def encoded(image, kind, **options):
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def odd_images():
    """Images that decoders take for different pixels, by name."""
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


@pytest.mark.parametrize("name", list(odd_images()))
def test_the_trainer_sees_the_pixels_that_curation_measured(tmp_path, name):
    content = odd_images()[name]
    row = shards.row("A", "red", image={"bytes": content, "path": None})
    shards.write(tmp_path / "a.parquet", [row])
    measured = decoding.decode(content, None).rgb
    assert np.array_equal(shown(tmp_path, held_out=0)[0][1], measured)


def test_a_resolution_resizes_without_aliasing(tmp_path):
    """Stripes one pixel wide become grey, as for an eye from afar, and no moire."""
    stripes = np.zeros((96, 192, 3), np.uint8)
    stripes[:, ::2] = 255
    content = encoded(Image.fromarray(stripes), "PNG")
    row = shards.row("A", "red", image={"bytes": content, "path": None}, width=192, height=96)
    shards.write(tmp_path / "a.parquet", [row])
    pixels = shown(tmp_path, resolution=32, held_out=0)[0][1]
    assert pixels.shape == (32, 48, 3)
    assert np.abs(pixels[:, 4:-4].astype(int) - 127).max() <= 8


def test_a_resolution_scales_images_to_their_bucket(tmp_path):
    shards.write_all(tmp_path)
    loaded = load(tmp_path, resolution=64, held_out=0)
    # ratios 16:9 and 3:1 at about 64 x 64 pixels, in whole tokens of 16 pixels
    assert loaded.counts == {(80, 48): 120, (112, 32): 60}


def test_images_are_scaled_to_the_nearest_listed_size_with_their_boxes(tmp_path):
    large = shards.draw("AE", "red").resize((256, 128))
    row = shards.row("AE", "red", image={"bytes": shards.png(large), "path": None})
    quads = [{**box, "quad": [8 * at for at in box["quad"]]} for box in row["text_boxes"]]
    rows = [
        row | {"width": 256, "height": 128, "text_boxes": quads},
        shards.row("AEH", "red", 3, width=48),  # cropped to the ratio 2:1
    ]
    shards.write(tmp_path / "a.parquet", rows)
    asked = {"sizes": ("32x16", "16x48"), "resize": True, "held_out": 0}
    assert load(tmp_path, **asked).counts == {(32, 16): 2}
    (first, pixels), (second, cropped) = shown(tmp_path, **asked)
    assert pixels.shape == cropped.shape == (16, 32, 3)
    assert first.glyphs[1] == examples.Glyph("E", (16, 0, 32, 16))
    assert second.glyphs == ()
    plain = np.asarray(shards.draw("AE", "red"), int)
    assert np.abs(pixels - plain).mean() < 8
    with pytest.raises(UsageError, match=r"data\.sizes: 30x16: expected multiples of 16 pixels"):
        load(tmp_path, sizes=("30x16",), resize=True)


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"no \.parquet file matches"):
        load(tmp_path)
    pattern = shards.write_all(tmp_path)
    with pytest.raises(UsageError, match="nothing to train on: 180 of another size") as caught:
        load(pattern, sizes=("640x480",))
    told = str(caught.value)
    assert "120 of 32x16, 60 of 48x16: data.sizes asks for 640x480 only" in told
    assert "render with --size 640x480" in told
    with pytest.raises(UsageError, match=r"data.memory_bytes is 1,000; two batches of 16 images"):
        load(pattern, memory_bytes=1000)
    path = tmp_path / "part-00000.parquet"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ShardError, match="part-00000"):
        load(pattern)


def test_the_digest_follows_rows_and_split(tmp_path):
    pattern = shards.write_all(tmp_path)
    first = load(pattern).digest
    assert load(pattern).digest == first
    assert load(pattern, held_out=0.3).digest != first
    assert load(tmp_path / "part-00000.parquet").digest != first


def test_other_shards_can_be_judged_on_and_the_same_texts_are_held_out(tmp_path):
    shards.write_all(tmp_path / "clean")
    spoilt = shards.rows(60)
    for row in spoilt:
        row["image"] = {"bytes": shards.png(Image.new("RGB", (32, 16))), "path": None}
    shards.write(tmp_path / "raw" / "a.parquet", spoilt)
    seen = []

    def watch(example, pixels):
        seen.append(pixels.max())
        return True

    asked = Sources(str(tmp_path / "raw"), watch=watch, judged_on=str(tmp_path / "clean"))
    loaded = loading.load(asked, configuration(held_out=0.2))
    assert set(seen) == {255}  # templates are made of what is judged on
    own = load(tmp_path / "clean", held_out=0.2).held_out
    assert [bucket.examples for bucket in loaded.held_out] == [bucket.examples for bucket in own]
    held = {example.text for bucket in own for example in bucket.examples}
    learnt = {caption.split('"')[1] for _, caption in trained(loaded)}
    assert not learnt & held
    with pytest.raises(UsageError, match=r"--evaluate-on .*: none of its images are held out"):
        loading.load(asked, configuration(held_out=0))


def test_what_two_phases_take_of_the_same_shards_counts_once_and_is_told_apart(tmp_path):
    shards.write(tmp_path / "a.parquet", shards.rows(20) + shards.rows(10, columns=3, seed=1))
    wide = {"sources": [{"where": {"width": {"min": 40}}}]}
    settings = configuration(held_out=0.1).model_dump() | {"phases": [{"steps": 1}, wide]}
    run = Configuration.model_validate(settings)
    loaded = loading.load(Sources(str(tmp_path)), run)
    judged = sum(len(bucket.examples) for bucket in load(tmp_path, held_out=0.1).held_out)
    assert sum(loaded.counts.values()) == loaded.seen.images == 30 - judged
    assert list(loaded.counts) == [(48, 16), (32, 16)]  # the last phase's first
    said = [line for line in loaded.said if line.startswith("source/1: ")]
    assert said[0].startswith(
        f"source/1: phases[1].sources[0]: --data {tmp_path}: {loaded.counts[48, 16]} images"
    )
    assert said[1] == "source/1: skipped: 20 outside data.where (of width; a null is outside, too)"


def test_where_all_is_held_out_the_remedy_is_said(tmp_path):
    same = [shards.row("A", "red", caption_recaption=[{"text": "the same"}]) for _ in range(5)]
    shards.write(tmp_path / "a.parquet", same)
    with pytest.raises(UsageError, match=r"all 5 .* held out; set data\.held_out: 0"):
        load(tmp_path, held_out=0.9)
