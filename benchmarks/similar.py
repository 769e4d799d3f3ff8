"""CPU time, memory and recall of the grouping ``similar`` over made vectors with planted copies.

``python -m benchmarks.similar --rows 1000000 --checked 20000``

A tenth of the vectors lie near another one, at cosines spread evenly from the threshold to 1; the
others lie around 3000 centres of unequal size, or (``--spread``) anywhere, where cells tell the
least. They go the way of a run: a summary for each unit of 10,000 rows, merged, concluded. For
``--checked`` of the rows the conclusion is held against comparing each with all. That comparison
and the making of vectors are left out of the time and the memory.
"""

import json
import resource
import subprocess
import sys
import time
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray

from curation.groupings.grouping import PASSED
from curation.groupings.similar import vectors
from curation.groupings.similar.grouping import Options, Similar
from curation.groupings.similar.vectors import Vectors

BAR_MINUTES, BAR_MEGABYTES, BAR_SHARE = 10.0, 2000.0, 0.99
UNIT, SIZE, CENTRES, BLOCK = 10_000, 256, 3000, 250
THRESHOLD = Options().threshold


def planted(unit: int, spread: bool) -> NDArray[np.float32]:
    """The vectors of a unit: (UNIT, SIZE)."""
    centres = np.random.default_rng(0).standard_normal((CENTRES, SIZE), np.float32)
    random = np.random.default_rng(unit + 1)
    made = random.standard_normal((UNIT, SIZE), np.float32)
    if not spread:
        made = 0.8 * made + centres[(random.random(UNIT) ** 2 * CENTRES).astype(np.int64)]
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    count = UNIT // 10
    cosines = random.uniform(THRESHOLD, 1, (count, 1)).astype(np.float32)
    aside = random.standard_normal((count, SIZE), np.float32)
    aside -= (aside * made[:count]).sum(axis=1, keepdims=True) * made[:count]
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    made[-count:] = cosines * made[:count] + np.sqrt(1 - cosines**2) * aside
    return made


def rows_of(unit: int, spread: bool) -> pa.Table:
    """A unit as the grouping reads it; ids rank in no order that has to do with the vectors."""
    first, random = unit * UNIT, np.random.default_rng(-unit % 2**32)
    ids = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"
           for number in range(first, first + UNIT)]  # fmt: skip
    flat = pa.array(planted(unit, spread).ravel())
    zeros, none = np.zeros(UNIT, np.int32), pa.nulls(UNIT, pa.string())
    return pa.table(
        {
            "id": ids,
            "appearance": pa.ListArray.from_arrays(np.arange(0, len(flat) + 1, SIZE), flat),
            "pixels": random.integers(50_000, 1_000_000, UNIT),
            **dict.fromkeys(("size", "caption_length", "input_bytes", PASSED), zeros),
            **dict.fromkeys(("exact_better", "near_better", "pair_better"), zeros),
            "synthetic": np.zeros(UNIT, np.bool_),
            "duplicate_of": none,
        }
    )


def first_similar(ranked: Vectors, checked: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each of these rows the first that is similar, by comparing with all before it, or -1."""
    best = np.full(len(checked), -1, np.int64)
    for low in range(0, len(ranked), 50_000):
        targets = ranked[low : low + 50_000].astype(np.float32).T
        for start in range(0, len(checked), BLOCK):
            rows = checked[start : start + BLOCK]
            if (best[start : start + BLOCK] >= 0).all():
                continue
            similar = ranked[rows].astype(np.float32) @ targets >= vectors.bound(THRESHOLD)
            first = similar.argmax(axis=1)
            hit = similar[np.arange(len(rows)), first] & (low + first < rows)
            own = best[start : start + BLOCK]
            own[hit & (own < 0)] = (low + first)[hit & (own < 0)]
    return best


def measure(count: int, checked: int, spread: bool) -> None:
    """In a process of its own: conclude, and print what it took and found."""
    from curation.groupings.similar import cells, grouping

    similar = Similar()
    spent, summary = 0.0, None
    for unit in range(count // UNIT):
        rows = rows_of(unit, spread)
        begin = time.process_time()
        own = similar.summary(str(unit), rows)
        summary = own if summary is None else similar.merge(summary, own)
        spent += time.process_time() - begin
    assert summary is not None
    begin = time.process_time()
    concluded = similar.conclude(summary)
    spent += time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    rank = similar._ranked(summary, grouping.ranking.content_halves(summary.column("id")))
    ranked = grouping._unpacked(summary.column("vector"), rank)
    ids = np.asarray(summary.column("id").to_pylist())[rank]
    others = dict(zip(*(of.to_pylist() for of in concluded.columns), strict=True))
    rows = np.sort(np.random.default_rng(1).choice(len(ids), min(checked, len(ids)), replace=False))
    first = first_similar(ranked, rows)
    beaten = [(ids[row], ids[best]) for row, best in zip(rows, first, strict=True) if best >= 0]
    figures = {
        "cpu": spent,
        "peak": peak,
        "similar": len(others),
        "pairs": len(beaten),
        "dropped": sum(own in others for own, _ in beaten),
        "same": sum(others.get(own) == best for own, best in beaten),
        "cells": cells.HELD,
    }
    print(json.dumps(figures))


def main(
    rows: Annotated[int, typer.Option(help="Vectors, by the ten thousand.")] = 1_000_000,
    checked: Annotated[int, typer.Option(help="Rows compared with all.")] = 20_000,
    spread: Annotated[bool, typer.Option(help="Vectors without centres.")] = False,
) -> None:
    """Print the figures.

    Example: python -m benchmarks.similar --rows 1000000 --checked 20000
    """
    call = f"from benchmarks.similar import measure as m; m({rows}, {checked}, {spread})"
    finished = subprocess.run(
        [sys.executable, "-c", call], check=True, stdout=subprocess.PIPE, text=True
    )
    figures = json.loads(finished.stdout)
    share = figures["dropped"] / max(1, figures["pairs"])
    print(
        f"{rows} vectors of {SIZE} numbers, cosine {THRESHOLD}: {figures['cpu'] / 60:.1f} CPU-min "
        f"(bar {BAR_MINUTES:.0f}), peak of the process {figures['peak']:.0f} MB "
        f"(bar {BAR_MEGABYTES:.0f}); {figures['similar']} rows similar to a better one"
    )
    print(
        f"of {checked} rows {figures['pairs']} have a better similar one by comparing with all; of "
        f"these {share:.4f} were told so (bar {BAR_SHARE}), "
        f"{figures['same'] / max(1, figures['pairs']):.4f} with the best of them"
    )
    if share < BAR_SHARE:
        raise SystemExit(f"under {BAR_SHARE}")


if __name__ == "__main__":
    typer.run(main)
