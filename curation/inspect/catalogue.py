"""``beam signals``: what is measured, in which units, at what cost."""

import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from curation.configuration import loading
from curation.networks.weights import MissingModelError
from curation.output import input_columns
from curation.picture import decoding
from curation.picture.decoding import Picture
from curation.signals import captions, signal
from curation.signals.captions import CaptionSignal
from curation.signals.discovery import discover
from curation.signals.pair import Pair
from curation.signals.row import Row
from curation.signals.signal import Signal, ready

REPEATS = 5
MODEL_REPEATS = 2
INSTRUCTION = ("Make the waves slower",)
CAPTIONS = {"caption_raw": ["Waves in three colours"]}  # of the image that is timed


def catalogue(config: str | None, cost: bool) -> list[dict[str, Any]]:
    """One row per column: signal, tier, version, unit, meaning, CPU ms or None.

    What they cost is for an image, of tier ``caption`` for one of its captions.
    """
    rows: list[dict[str, Any]] = []
    sample = _synthetic_jpeg()
    modules = [module for pipeline in loading.load_all(config) for module in pipeline.signals]
    signals = discover(tuple(dict.fromkeys(modules)))
    costs = _costs(signals, sample) if cost else {}
    for entry in signals:
        rows += _listed(entry, entry.tier, costs.get(entry.name))
    for of_text in captions.discovered().values():
        rows += _listed(of_text, "caption", _cost_of_text(of_text) if cost else None)
    return rows


def _listed(
    entry: Signal | CaptionSignal, tier: str, milliseconds: float | None
) -> Iterator[dict[str, Any]]:
    for name, column in entry.columns.items():
        yield {
            "column": name,
            "type": str(column.type),
            "tier": tier,
            "signal": entry.name,
            "version": entry.version,
            "unit": column.unit,
            "meaning": column.meaning,
            "cpu_milliseconds": milliseconds,
        }


def as_text(rows: list[dict[str, Any]]) -> str:
    """A table for people; a signal's cost stands at its first column."""
    width = max((len(row["column"]) for row in rows), default=6) + 2
    lines, last = [f"{'column':<{width}}{'tier':<8}{'CPU ms':>8}  unit: meaning"], None
    for row in rows:
        cost = row["cpu_milliseconds"]
        cost_text = "" if row["signal"] == last else "missing" if cost is None else f"{cost:.3f}"
        last = row["signal"]
        said = f"{row['unit']}: {row['meaning']}"
        lines.append(f"{row['column']:<{width}}{row['tier']:<8}{cost_text:>8}  {said}")
    return "\n".join(lines)


def _cost_of_text(entry: CaptionSignal) -> float | None:
    """Median CPU milliseconds for a caption; None when what it needs is not installed."""
    try:
        captions.check(entry, entry.settings())
    except MissingModelError:
        return None
    measure, times = captions.ready(entry), []
    for _ in range(REPEATS):
        start = time.process_time()
        measure(*CAPTIONS["caption_raw"])
        times.append((time.process_time() - start) * 1000)
    return float(np.median(times))


def _costs(signals: Sequence[Signal], sample: bytes) -> dict[str, float | None]:
    """CPU milliseconds by signal; what others read of a model is what it says of the sample."""
    costs: dict[str, float | None] = {}
    known: dict[str, Any] = {signal.SYNTHETIC: False}
    owner = {column: entry for entry in signals for column in entry.columns}

    def measure(entry: Signal) -> None:
        if entry.name in costs:
            return
        costs[entry.name] = None
        for name in entry.reads:
            if name in owner:
                measure(owner[name])
        costs[entry.name] = _cost(entry, sample, known)

    for entry in signals:
        measure(entry)
    return costs


def _cost(entry: Signal, sample: bytes, known: dict[str, Any]) -> float | None:
    """Median CPU milliseconds on a 0.15 megapixel image; None when its model is not installed.

    ``known`` columns are added to.
    """
    times = []
    for _ in range(MODEL_REPEATS if entry.tier == "model" else REPEATS):
        fresh, row = decoding.decode(sample), Row("", sample, CAPTIONS, known)
        row.picture(entry.short_side)
        if not known.keys() >= {*entry.reads} - {signal.CAPTIONS}:
            return None
        argument = _given(entry, fresh, row)
        try:
            measure = ready(entry)
        except MissingModelError:
            return None
        start = time.process_time()
        measured = measure(argument)
        times.append((time.process_time() - start) * 1000)
        stored = measured[0] if entry.tier == "model" else measured
        for name, column in entry.columns.items():  # as others read it from a file
            known[name] = pa.array([stored[name]], column.type).to_pylist()[0]
            known[input_columns.column(name)] = [known[name]]  # of pairs of the image with itself
    return float(np.median(times))


def _given(entry: Signal, fresh: Picture, row: Row) -> Any:
    if entry.tier == "derived":
        return {name: row.columns[name] for name in entry.reads}
    if entry.tier == "pair":
        return Pair(fresh, [fresh], INSTRUCTION)
    return {"file": fresh.header, "pixel": fresh, "model": [row]}[entry.tier]


def _synthetic_jpeg() -> bytes:
    """A 480x320 image with smooth and rough parts, for timing only."""
    down, across = np.mgrid[0:320, 0:480].astype(np.float32)
    waves = np.sin(across / 7)[..., None] * np.cos(down / 11)[..., None]
    pixels = 128 + 90 * waves * np.array([1.0, 0.7, 0.4], np.float32)
    stream = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()
