"""The packed trainer beside diffusers' padded network."""

import json
from pathlib import Path

from benchmarks.results.section import Column, Section, Table, Tables, number, text


def take(out: Path) -> Tables:
    """Both comparisons."""
    rows = json.loads((out / "rows.json").read_text("utf-8"))
    return {"steps": [row | {"times": row["padded_s"] / row["packed_s"]} for row in rows]}


def gist(tables: Tables) -> str:
    """Both ratios."""
    ratios = (f"{row['times']:.1f} times ours at {row['padded_to']:,}" for row in tables["steps"])
    return f"a step of diffusers' padded network takes {', '.join(ratios)} tokens of text"


SECTION = Section(
    name="packing",
    title="A step of training, packed and padded",
    commands=("python -m benchmarks.packed_models --repeats 5 --threads 1 --json {out}/rows.json",),
    take=take,
    tables=(
        Table(
            "steps",
            (
                Column("network", text("network")),
                Column("diffusers pads text to", number("padded_to")),
                Column("ours, CPU-s a step", number("packed_s", ".2f")),
                Column("diffusers, CPU-s a step", number("padded_s", ".2f")),
                Column("times ours", number("times", ".2f")),
            ),
        ),
    ),
    reads="Forward and backward of the same Qwen-Image network (layers x width) over the same"
    " tokens, in turn, medians. 164 tokens is the batch's longest caption, 1,024 what"
    " published scripts pad to.",
    silent="A small network on a CPU, without optimiser and data. Nothing of GPUs: the trainer"
    " was never run on one.",
    gist=gist,
    packages=("torch", "diffusers"),
)
