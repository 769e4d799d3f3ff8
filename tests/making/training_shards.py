"""Small shards to train on, drawn with Pillow: strings of two glyphs in cells of 16x16 pixels."""

import io
import random

import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont

from curation import shard

GLYPHS = "AEHLOT27"
COLOURS = {"red": (200, 20, 20), "blue": (20, 40, 200)}
CELL = 16

TINY = """
steps: 40
batch: 16
precision: fp32
ema: {decay: 0.9}
log_every: 5
data: {sizes: [], held_out: 0.2}
autoencoder: {channels: 8}
text_encoder: {width: 16}
model: {layers: 1, heads: 1, head_width: 16, rope_axes: [4, 6, 6], patch: 2}
optimiser: {muon_learning_rate: 0.02, learning_rate: 0.005, warmup: 2, decay: 0.3}
evaluation: {gradients: true, every: 20, images: 8, steps: 2, grid: 4}
checkpoint: {every: 7}
"""


def caption(text, colour):
    return f'The text "{text}" in {colour} on a white background.'


def draw(text, colour, columns=2):
    """An RGB image of ``columns`` cells, the text from the left edge."""
    image = Image.new("RGB", (columns * CELL, CELL), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for place, glyph in enumerate(text):
        pen.text((place * CELL + 8, 8), glyph, fill=COLOURS[colour], font=font, anchor="mm")
    return image


def png(image):
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def quad(left, top, right, bottom):
    return [left, top, right, top, right, bottom, left, bottom]


def row(text, colour, columns=2, **changes):
    """One row of a shard, as the renderer's style ``strings`` writes it."""
    data = png(draw(text, colour, columns))
    boxes = [{"text": text, "quad": quad(0, 0, len(text) * CELL, CELL), "level": "line"}]
    boxes += [
        {"text": glyph, "quad": quad(n * CELL, 0, (n + 1) * CELL, CELL), "level": "glyph"}
        for n, glyph in enumerate(text)
    ]
    found = dict.fromkeys(shard.schema().names)
    found |= {
        "id": shard.content_id(data + text.encode()),
        "image": {"bytes": data, "path": None},
        "key": f"{text}-{colour}",
        "width": columns * CELL,
        "height": CELL,
        "format": "PNG",
        "caption_recaption": [{"text": caption(text, colour), "language": "en"}],
        "text_boxes": boxes,
        "synthetic": True,
    }
    return found | changes


def rows(count, columns=2, seed=0):
    """``count`` random rows; the same for the same seed."""
    chance = random.Random(seed)
    return [
        row(
            "".join(chance.choices(GLYPHS, k=chance.randint(1, columns))),
            chance.choice(list(COLOURS)),
            columns,
        )
        for _ in range(count)
    ]


def write(path, found):
    """Write rows as one shard."""
    table = pa.Table.from_pylist(found, schema=shard.schema())
    shard.write(str(path), table.to_batches(), shard.schema())
    return path


def write_all(folder, count=120):
    """Two shards of two sizes (32x16 and 48x16 pixels) below ``folder``; returns their glob."""
    write(folder / "part-00000.parquet", rows(count))
    write(folder / "part-00001.parquet", rows(count // 2, columns=3, seed=1))
    return str(folder / "part-*.parquet")
