"""Generating images beside diffusers' pipeline."""

import json
from pathlib import Path

from benchmarks.results.section import Column, Row, Section, Table, Tables, number


def take(out: Path) -> Tables:
    """One comparison."""
    return {"batches": [json.loads((out / "figures.json").read_text("utf-8"))]}


def gist(tables: Tables) -> str:
    """The ratio."""
    [row] = tables["batches"]
    return f"for a batch with guidance diffusers' pipeline takes {row['ratio']:.2f} times our time"


def _batch(row: Row) -> str:
    return f"{row['images']} of {row['side']} px, {row['steps']} steps"


SECTION = Section(
    name="generating",
    title="Generating with guidance",
    commands=("python -m benchmarks.sampling --repeats 5 --json {out}/figures.json",),
    take=take,
    tables=(
        Table(
            "batches",
            (
                Column("images", _batch),
                Column("ours, CPU-s", number("ours_cpu_s", ".2f")),
                Column("diffusers, CPU-s", number("diffusers_cpu_s", ".2f")),
                Column("times ours", number("ratio", ".2f")),
                Column("levels of 255 apart, at most", number("levels_apart")),
            ),
        ),
    ),
    reads="One random checkpoint of Qwen-Image's real classes, the same prompts of 8 to 500 tokens,"
    " seeds and guidance 4, in turn, medians; encoding and decoding are in the time, loading is"
    " not. Ours computes both branches of guidance in one pass without padding.",
    silent="A network of 4 layers on a CPU. Nothing of GPUs, where the engine was never run.",
    gist=gist,
    packages=("torch", "diffusers"),
)
