"""What grows with the number of images."""

import json
from pathlib import Path

from benchmarks.results.section import Column, Row, Section, Table, Tables, number, text


def take(out: Path) -> Tables:
    """By step: what an image costs beyond the start, and memory of both runs."""
    small, large = json.loads((out / "runs.json").read_text("utf-8"))
    more = large["count"] - small["count"]
    rows: list[Row] = []
    for step, seconds in large["cpu"].items():
        row = {"step": step, "ms": 1000 * (seconds - small["cpu"][step]) / more}
        peaks = {"small_mb": small["peak"][step], "large_mb": large["peak"][step]}
        rows.append(row | peaks | {"small": small["count"], "large": large["count"]})
    return {"steps": rows}


def gist(tables: Tables) -> str:
    """All steps together."""
    rows = tables["steps"]
    most = max(row["large_mb"] for row in rows)
    return (
        f"{sum(row['ms'] for row in rows):.1f} CPU-ms an image from listing to shards;"
        f" at most {most:.0f} MB at {rows[0]['large']:,} images"
    )


SECTION = Section(
    name="scale",
    title="Ten times as many images",
    commands=(
        "python -m benchmarks.scale --data {data}/photos --count 300 --workers 1"
        " --json {out}/runs.json",
    ),
    take=take,
    tables=(
        Table(
            "steps",
            (
                Column("step of `beam run`", text("step")),
                Column("CPU-ms an image, beyond start-up", number("ms", ".3f")),
                Column("images", lambda row: f"{row['small']:,} and {row['large']:,}"),
                Column(
                    "peak memory, MB",
                    lambda row: f"{row['small_mb']:.0f} and {row['large_mb']:.0f}",
                ),
            ),
        ),
    ),
    reads="The same photographs, so many and ten times as many, through S1 and S2 by pixels:"
    " time per image is the difference of both runs.",
    silent="Nothing larger than one machine was run; [scale](scale.md) multiplies such figures"
    " and says what that assumes.",
    gist=gist,
    packages=("apache-beam", "pyarrow"),
)
