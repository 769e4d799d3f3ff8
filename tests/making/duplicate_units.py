"""Units of measured rows for tests, many of them duplicates; no image was measured."""

import hashlib

import numpy as np
import pyarrow as pa

from curation.measuring import measure
from curation.picture.perceptual_hash import MIRRORED
from curation.signals import discovery

UNITS, ROWS = 9, 40


def units_of_duplicates(random: np.random.Generator) -> list[pa.Table]:
    """``UNITS`` units of ``ROWS`` rows, of no format, PNG or JPEG."""
    parts = np.split(hashes(random), UNITS)
    return [with_formats(table(part, random), random) for part in parts]


def hashes(random: np.random.Generator) -> np.ndarray:
    """Some alone, some shared by many rows, some in clusters a few bits wide or mirrored."""
    pool = random.integers(0, 2**64, 60, dtype=np.uint64)
    bits = np.uint64(1) << random.integers(0, 64, (240, 2)).astype(np.uint64)
    close = random.choice(pool[:6], 240) ^ np.bitwise_or.reduce(bits, axis=1)
    close[::3] ^= MIRRORED
    return random.choice(np.concatenate([pool, close, np.repeat(pool[:1], 60)]), UNITS * ROWS)


def table(numbers: np.ndarray, random: np.random.Generator) -> pa.Table:
    """Measured rows: a content belongs to one hash, several rows may have it."""
    count = len(numbers)
    content = [f"{number}-{random.integers(0, 3)}" for number in numbers.tolist()]
    broken = random.random(count) < 0.1
    made = {
        "uri": [f"in/{number:06}.jpg" for number in random.permutation(100_000)[:count]],
        "key": [f"{number:02}.jpg" for number in random.integers(0, 20, count)],
        "id": [hashlib.sha256(text.encode()).hexdigest()[:32] for text in content],
        "size": random.integers(1000, 2000, count),
        "source_digest": ["0" * 16] * count,
        "caption_length": random.integers(0, 2, count),
        "captions_digest": random.integers(0, 3, count),
        "captions_raw": numbers.astype(np.int64) % 3,
        "captions_recaption": np.zeros(count, np.int32),
        "captions_fused": np.zeros(count, np.int32),
        "short_side": random.integers(200, 500, count),
        "pixels": random.integers(1, 3, count),
        "clarity": random.random(count),
        "luma": random.random(count),
        "synthetic": np.zeros(count, bool),
        "input_bytes": np.zeros(count, np.int64),
    }
    schema, arrays = measure.schema(discovery.discover()), []
    for field in schema:
        if field.name == "phash":
            arrays.append(pa.array(numbers, pa.uint64(), mask=broken))
        elif field.name == "reason":
            arrays.append(pa.array(["truncated" if one else None for one in broken], pa.string()))
        else:
            arrays.append(pa.array(made.get(field.name, [None] * count)).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def with_formats(unit: pa.Table, random: np.random.Generator) -> pa.Table:
    """The same rows, most of them of one of two formats."""
    place = unit.schema.get_field_index("format")
    names = [(None, "PNG", "JPEG")[number] for number in random.choice(3, unit.num_rows)]
    return unit.set_column(place, unit.schema.field(place), pa.array(names, pa.string()))
