"""Folders that look like finished runs over a million images, without any image."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.from_tests import DUPLICATES, pipeline_text
from curation.configuration import loading
from curation.configuration.loading import Pipeline
from curation.groupings.duplicates import near
from curation.judging import ledger, recording, verdicts
from curation.judging import units as judged_units
from curation.measuring import choosing, measure
from curation.measuring.chosen import Chosen
from curation.output import column_files
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.signals import discovery

SHARED, CLOSE = 0.03, 0.03  # of the rows: the same hash as another, up to 4 bits off another's
FIRST_STAGE = {"size": {"min": 2000}, "short_side": {"min": 256}, **DUPLICATES}
OTHERS = {
    "luma": {"min": 0.05, "max": 0.95},
    "overexposure": {"max": 0.97},
    "oversaturated": {"max": 0.97},
    "entropy": {"min": 0.05},
    "texture": {"max": 3.4},
}


def hashes(count: int, seed: int = 0) -> NDArray[np.uint64]:
    """(count,) random 64-bit hashes, some shared and some close, in random order."""
    random = np.random.default_rng(seed)
    same, close = int(count * SHARED), int(count * CLOSE)
    own = random.integers(0, 2**64, count - same - close, np.uint64)
    flips = np.uint64(1) << random.integers(0, 64, (close, 4)).astype(np.uint64)
    moved = random.choice(own, close) ^ np.bitwise_or.reduce(flips, axis=1)
    numbers = np.concatenate([own, random.choice(own, same), moved])
    return random.permutation(numbers)


def config_text(clarity: float) -> str:
    """A configuration with this bound; every column but NSFW is ruled."""
    second = {"rotation": {"max": 0}, "clarity": {"min": clarity}, **OTHERS}
    return pipeline_text(
        {"s1": FIRST_STAGE, "s2": second},
        top=["quotas: {synthetic: {by: synthetic, share: {true: 0.05}, since: s2}}"],
        quarantine_limit=0.5,
    )


def pipeline(work: Path, clarity: float) -> tuple[str, Pipeline]:
    """A configuration with this bound, as (path, pipeline)."""
    path = work / f"clarity-{clarity}.yaml"
    path.write_text(config_text(clarity))
    return str(path), loading.load(str(path), "curate")


def signals_table(numbers: NDArray[np.uint64], first: int) -> pa.Table:
    """Measured rows with these perceptual hashes; ``first`` numbers the first of them."""
    random = np.random.default_rng(first)
    count = len(numbers)
    spread = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(first, first + count)]
    ids = [f"{digits:016x}{number:016x}" for number, digits in enumerate(spread, first)]
    made: dict[str, Any] = {
        "uri": [f"pictures/{number:09}.jpg" for number in range(first, first + count)],
        "key": [f"{number:09}.jpg" for number in range(first, first + count)],
        "id": ids,
        "size": random.integers(1000, 200_000, count),
        "synthetic": np.zeros(count, bool),
        "input_bytes": np.zeros(count, np.int64),
        "source_digest": ["0" * 16] * count,
        "caption_length": random.integers(0, 200, count),
        "captions_digest": random.integers(1, 2**64, count, dtype=np.uint64),
        "captions_raw": np.ones(count, np.int32),
        "captions_recaption": np.zeros(count, np.int32),
        "captions_fused": np.zeros(count, np.int32),
        "phash": numbers,
        "rotation": np.where(random.random(count) < 0.02, 90, 0),
        "short_side": random.integers(200, 1000, count),
        "pixels": random.integers(50_000, 1_000_000, count),
    }
    arrays = []
    for field in measure.schema(discovery.discover()):
        if field.name in made:
            values = made[field.name]
        elif pa.types.is_floating(field.type):
            values = random.random(count) * (4 if field.name in ("texture", "entropy") else 1)
        else:
            values = [None] * count
        arrays.append(pa.array(values).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=measure.schema(discovery.discover()))


def columns_of(output: Path) -> Measured:
    """Where a run of the shipped signals has its columns."""
    signals = Chosen(tuple(discovery.discover()), {}, ())
    return signals.measured(Layout(str(output)))


def write_signals(output: Path, units: int, rows: int) -> list[str]:
    """``units`` signals files of ``rows`` rows each, and their names."""
    measured, names = columns_of(output), [f"{number:016x}" for number in range(units)]
    numbers = hashes(units * rows)
    for place, name in enumerate(names):
        own = numbers[place * rows : (place + 1) * rows]
        column_files.write(measured.base_path(name), signals_table(own, place * rows))
    return names


def finish(output: Path, units: list[str], bounds: Pipeline) -> None:
    """Near-duplicate edges, ledger and run.json, as a run with these bounds would leave them."""
    layout, measured = Layout(str(output)), columns_of(output)
    numbers = column_files.read_all([measured.base_path(unit) for unit in units], ("phash",))
    edges = near.join(numbers.column("phash").to_numpy(), 4)
    table = pa.table({"a": edges[:, 0], "b": edges[:, 1]})
    column_files.write(layout.near(0, 1), table)
    judge, counts = verdicts.Judge(str(output), bounds, choosing.chosen(bounds)), ledger.Counts()
    winners = judged_units.winners(judge, units, lambda _: edges)
    for unit, decision in judged_units.decisions(judge, units, winners):
        counts.add(recording.record(judge, unit, decision))
    run = {"pipeline": "curate", "counts": counts.as_json(), "signals": measured.as_json()}
    run |= {"groups": judge.groups.as_json(), "configuration": loading.resolved(bounds)}
    Path(layout.run).write_text(json.dumps(run))
