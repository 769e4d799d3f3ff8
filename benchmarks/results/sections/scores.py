"""Rows of what ``python -m infer.evaluation`` leaves: shared by the sections of our models."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results.section import Column, Row, Tables, text

WORDS = {  # figures of exact_edits, whose names are followed by the operation and the reader
    "unchanged_psnr": "what was to stay, PSNR in dB",
    "unchanged_shift": "what was to stay, shift in pixels",
    "unchanged_still": "what was to stay did not move",
    "gain": "nearer to the true result, in dB",
    "text": "text is right",
    "recoloured": "recoloured text is right",
    "colour_difference": "its colour, distance in CIELAB",
}
NOISE = 1e-6  # what is smaller is the rounding of float32


def metrics(folder: Path, model: str, benchmark: str, names: Sequence[str] = ()) -> list[Row]:
    """The metrics of a result, or those of these beginnings, with what they are of."""
    result = json.loads((folder / "result.json").read_text("utf-8"))
    rows: list[Row] = []
    for name, metric in result["metrics"].items():
        if not names or name.startswith(tuple(names)):
            kept = {key: metric.get(key) for key in ("value", "low", "high", "n", "ceiling")}
            rows.append({"model": model, "benchmark": benchmark, "metric": name, **kept})
    return rows


def exact(tables: Tables) -> str:
    """The share of images in which all is right, of each model."""
    rows = [row for row in tables["scores"] if row["metric"] == "exact"]
    shares = (f"{row['model']} {100 * row['value']:.1f} % of {row['n']}" for row in rows)
    return f"held-out images right in every cell: {', '.join(shares)}"


def _figure(row: Row) -> str:
    """What a figure is of, in words where there are any, and its name."""
    name = row["metric"]
    start = name.split(",")[0].split(" ")[0]
    return f"{WORDS[start]}{name[len(start) :]} (`{start}`)" if start in WORDS else name


def _rounded(value: float) -> str:
    return f"{0 if abs(value) < NOISE else value:.3g}"


def _value(row: Row) -> str:
    if row["value"] is None:
        return "–"
    interval = ""
    if row["low"] is not None:
        interval = f" ({_rounded(row['low'])} to {_rounded(row['high'])})"
    return f"{_rounded(row['value'])}{interval}"


COLUMNS = (
    Column("model", text("model")),
    Column("benchmark", lambda row: f"`{row['benchmark']}`"),
    Column("figure", _figure),
    Column("value (95 %)", _value),
    Column("prompts", text("n")),
    Column("ceiling", lambda row: "–" if row["ceiling"] is None else _rounded(row["ceiling"])),
)
