"""Rows of what ``python -m infer.evaluation`` leaves: shared by the sections of our models."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results.section import Column, Row, Tables, text


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


def _value(row: Row) -> str:
    if row["value"] is None:
        return "–"
    interval = ""
    if row["low"] is not None:
        interval = f" ({row['low']:.3g} to {row['high']:.3g})"
    return f"{row['value']:.3g}{interval}"


COLUMNS = (
    Column("model", text("model")),
    Column("benchmark", lambda row: f"`{row['benchmark']}`"),
    Column("figure", text("metric")),
    Column("value (95 %)", _value),
    Column("prompts", text("n")),
    Column("ceiling", lambda row: "–" if row["ceiling"] is None else f"{row['ceiling']:.3g}"),
)
