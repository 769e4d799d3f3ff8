"""``beam signals``: what is measured, in which units, at what cost."""

import time
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from curation.configuration import loading
from curation.picture import decoding
from curation.picture.decoding import Picture
from curation.signals.discovery import discover
from curation.signals.row import Row
from curation.signals.signal import MissingModelError, Signal, ready

REPEATS = 5
MODEL_REPEATS = 2


def catalogue(config: str | None, cost: bool) -> list[dict[str, Any]]:
    """One row per column: signal, tier, version, unit, meaning, CPU ms per image or None."""
    rows = []
    sample = _synthetic_jpeg()
    for entry in discover(loading.load(config).signals):
        milliseconds = _cost(entry, sample) if cost else None
        for name, column in entry.columns.items():
            rows.append(
                {
                    "column": name,
                    "type": str(column.type),
                    "tier": entry.tier,
                    "signal": entry.name,
                    "version": entry.version,
                    "unit": column.unit,
                    "meaning": column.meaning,
                    "cpu_milliseconds": milliseconds,
                }
            )
    return rows


def as_text(rows: list[dict[str, Any]]) -> str:
    """A table for people; a signal's cost stands at its first column."""
    lines, last = [f"{'column':<16}{'tier':<7}{'CPU ms':>8}  unit: meaning"], None
    for row in rows:
        cost = row["cpu_milliseconds"]
        cost_text = "" if row["signal"] == last else "missing" if cost is None else f"{cost:.3f}"
        last = row["signal"]
        lines.append(
            f"{row['column']:<16}{row['tier']:<7}{cost_text:>8}  {row['unit']}: {row['meaning']}"
        )
    return "\n".join(lines)


def _cost(entry: Signal, sample: bytes) -> float | None:
    """Median CPU milliseconds on a 0.15 megapixel image; None when its model is not installed."""
    times = []
    for _ in range(MODEL_REPEATS if entry.tier == "model" else REPEATS):
        fresh, row = decoding.decode(sample), Row("", sample, {}, {})
        row.picture(entry.short_side)
        argument = _given(entry, fresh, row)
        try:
            measure = ready(entry)
        except MissingModelError:
            return None
        start = time.process_time()
        measure(argument)
        times.append((time.process_time() - start) * 1000)
    return float(np.median(times))


def _given(entry: Signal, fresh: Picture, row: Row) -> Any:
    if entry.tier == "derived":
        return dict.fromkeys(entry.reads, 0.5)
    return {"file": fresh.header, "pixel": fresh, "model": [row]}[entry.tier]


def _synthetic_jpeg() -> bytes:
    """A 480x320 image with smooth and rough parts, for timing only."""
    down, across = np.mgrid[0:320, 0:480].astype(np.float32)
    waves = np.sin(across / 7)[..., None] * np.cos(down / 11)[..., None]
    pixels = 128 + 90 * waves * np.array([1.0, 0.7, 0.4], np.float32)
    stream = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()
