"""CPU seconds and bytes of the report over 100,000 rows.

``python -m benchmarks.report --units 200 --rows 500``

The columns are synthetic, those of ``benchmarks.judge``; 200 made photographs of 480x320 pixels
stand for all images, so that every thumbnail is a real one. The baseline in the same process:
pyarrow reads the same columns of the same files. ``--described`` adds what a run with models has:
domains, 1,000 categories by Zipf's law, weights, recaptions of 60 words, and rows retrieved for 10
queries.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from benchmarks import synthetic_runs
from benchmarks.judge import timed
from curation import shard
from curation.configuration.loading import resolved
from curation.output import column_files
from curation.output.groups import GroupColumns, Groups
from curation.output.layout import Layout
from curation.report import write_report
from curation.sources import plan
from curation.sources.sample import Part, Unit

BARS = 20.0, 10e6  # seconds and bytes, by issue 12
PHOTOGRAPHS = 200
DOMAINS, CATEGORIES = ("nature", "design", "people", "synthetic"), 1_000


def photograph(seed: int) -> bytes:
    """A JPEG with detail at all scales, as photographs have."""
    random = np.random.default_rng(seed)
    pixels = np.full((320, 480, 3), 128, np.float32)
    for side in (3, 6, 12, 24, 48, 96, 192):
        noise = random.normal(0, 110 / side**0.5, (side, side, 3)).astype(np.float32)
        pixels += cv2.resize(noise, (480, 320), interpolation=cv2.INTER_CUBIC)
    encoded = cv2.imencode(".jpg", pixels.clip(0, 255).astype(np.uint8))[1]
    return encoded.tobytes()


def give_images(work: Path, output: Path, names: list[str]) -> None:
    """Let every row of a made run be one of the photographs, under a name of its own."""
    measured, pictures = synthetic_runs.columns_of(output), work / "pictures"
    pictures.mkdir()
    contents = [photograph(seed) for seed in range(PHOTOGRAPHS)]
    for number, data in enumerate(contents):
        (work / f"{number}.jpg").write_bytes(data)
    row = 0
    for name in names:
        table = column_files.read(measured.base_path(name))
        keys = table.column("key").to_pylist()
        uris, ids = [str(pictures / key) for key in keys], []
        for uri in uris:
            os.link(work / f"{row % PHOTOGRAPHS}.jpg", uri)
            ids.append(shard.content_id(contents[row % PHOTOGRAPHS]))
            row += 1
        for column, values in (("uri", uris), ("id", ids)):
            place = table.schema.get_field_index(column)
            table = table.set_column(place, table.schema.field(place), pa.array(values))
        column_files.write(measured.base_path(name), table)
        parts = tuple(Part(uri, 1, key) for uri, key in zip(uris, keys, strict=True))
        plan.write_unit(str(output / "plan"), Unit(name, "files", parts))


def describe(output: Path, names: list[str], run: dict[str, Any]) -> dict[str, Any]:
    """Give every row of a made run what models and groupings say; the run with that in it."""
    measured, random = synthetic_runs.columns_of(output), np.random.default_rng(0)
    weights = {"mix": GroupColumns("mix-000000000000", ("mix_weight", "token_weight"))}
    groups = Groups(Layout(str(output)), Groups.of_run(str(output), run).groupings | weights)
    caption = " ".join(["a few words of a caption"] * 10)
    for name in names:
        table = column_files.read(measured.base_path(name))
        count = table.num_rows
        cut = random.zipf(1.3, count) % CATEGORIES
        said = [{"text": caption, "language": "en", "origin": "made", "stage": None}]
        columns = {
            "domain": pa.array([DOMAINS[of % len(DOMAINS)] for of in cut]),
            "cut": pa.array([f"category {of}" for of in cut]),
            "node_confidence": pa.array(random.random(count), pa.float32()),
            "retrieved_by": pa.array([f"query {of}" if of % 100 == 7 else None for of in cut]),
            "recaption_problem": pa.array(["none"] * count),
            "caption_recaption": pa.array([said] * count, shard.CAPTIONS),
            "caption_fused": pa.array([said] * count, shard.CAPTIONS),
        }
        for column, values in columns.items():
            table = table.append_column(column, values)
        column_files.write(measured.base_path(name), table)
        factors = pa.array(random.exponential(1, count), pa.float32())
        own = dict.fromkeys(weights["mix"].columns, factors)
        column_files.write(groups.path("mix", name), pa.table(own))
    targets = {"mix": {"targets": {"domain": dict.fromkeys(DOMAINS, 1 / len(DOMAINS))}}}
    configuration = run["configuration"] | {"settings": targets}
    return run | {"groups": groups.as_json(), "configuration": configuration}


def main(
    units: Annotated[int, typer.Option(help="Signals files.")] = 200,
    rows: Annotated[int, typer.Option(help="Rows in each of them.")] = 500,
    repeats: int = 3,
    described: Annotated[bool, typer.Option(help="With what models say of each row.")] = False,
) -> None:
    """Print the figures.

    Example: python -m benchmarks.report --units 200 --rows 500
    """
    with tempfile.TemporaryDirectory() as name:
        work, output = Path(name), Path(name) / "out"
        _, pipeline = synthetic_runs.pipeline(work, 0.05)
        measured = synthetic_runs.columns_of(output)
        names = synthetic_runs.write_signals(output, units, rows)
        synthetic_runs.finish(output, names, pipeline)
        give_images(work, output, names)
        layout = Layout(str(output))
        run = json.loads(Path(layout.run).read_text())
        run |= {"configuration": resolved(pipeline)}
        Path(layout.run).write_text(json.dumps(describe(output, names, run) if described else run))

        def baseline() -> None:
            for unit in names:
                pq.read_table(measured.base_path(unit))
                pq.read_table(layout.ledger(unit))

        plain = timed(baseline, repeats)
        cpu, wall = timed(lambda: write_report(str(output)), repeats)
        size = Path(layout.report).stat().st_size
        images = Path(layout.report).read_text().count("<img ")
    over = "" if cpu <= BARS[0] and size <= BARS[1] else "   over the bar"
    print(f"{units * rows:,} rows in {units} units, {images} thumbnails in the page")
    print(f"report {cpu:6.2f} CPU-s {wall:6.2f} s, {size / 1e6:.2f} MB{over}")
    print(f"reading the columns {plain[0]:.2f} CPU-s: {cpu / plain[0]:.1f} times that")


if __name__ == "__main__":
    typer.run(main)
