"""How often the intervals of ``beam plan`` hold the truth, on the stored columns of a finished run.

``python -m benchmarks.intervals --output OUT --sample 300``, after ``beam run`` over files into OUT

The truth is what the run's ledger says of all rows. Samples are drawn as ``beam plan`` draws them,
one for each seed, and nothing is measured again.
"""

from typing import Annotated

import numpy as np
import typer

from curation.inspect import forecast, intervals
from curation.inspect.intervals import Design, Flags
from curation.output import finished
from curation.output.layout import Layout
from curation.report import outcome
from curation.sources import plan, sampling

PROMISED = 0.95
ALL = 10**12


def outcomes(output: str, rows: forecast.Rows) -> dict[str, Flags]:
    """Which of all rows are kept, quarantined, pass a stage or are stopped by a rule: (N,) each."""
    run = finished.read_run(output)
    stages = [*outcome.stages(run)]
    hits = {name: rows.among("verdict", name) for name in ("kept", "quarantined")}
    for number, stage in enumerate(stages):
        hits[f"{stage} passed"] = forecast.passed(rows, stages, number)
    for bound in outcome.bounds(run):
        hits[f"{bound.stage} {bound.rule}"] = forecast.stopped(rows, bound)
    return hits


def main(
    output: Annotated[str, typer.Option(help="A finished run over files.")],
    sample: Annotated[int, typer.Option(help="Rows in each sample.")] = 300,
    seeds: Annotated[int, typer.Option(help="Samples.")] = 200,
) -> None:
    """Print by rule the true share, and in how many samples the interval holds it.

    Example: python -m benchmarks.intervals --output demo/curated --sample 300
    """
    units = [plan.read_unit(Layout(output).plan(name)) for name in plan.read_names(output)]
    whole = sampling.draw(units, ALL, 0, 512)
    hits = outcomes(output, forecast.read(output, whole.strata, []))
    read = outcome.read_units(output, ("uri",), ("verdict",))
    uris = (uri for unit in read for uri in unit.signals.column("uri").to_pylist())
    row_of = {uri: row for row, uri in enumerate(uris)}
    held = dict.fromkeys(hits, 0)
    for seed in range(seeds):
        drawn = sampling.draw(units, sample, seed, 512)
        rows = np.array([row_of[part.path] for unit in drawn.units for part in unit.parts])
        places = np.zeros(len(rows), np.int64)
        estimates = intervals.shares(
            {name: flags[rows] for name, flags in hits.items()},
            Design(drawn.strata, places, places),
        )
        for name, flags in hits.items():
            held[name] += bool(estimates[name].low <= flags.mean() <= estimates[name].high)
    for name, flags in hits.items():
        print(f"{name:<28}{100 * flags.mean():8.2f} % of rows{held[name]:6} of {seeds}")
    counts = list(held.values())
    print(f"held {np.mean(counts) / seeds:.3f} on average, at least {min(counts)} of {seeds}")
    if np.mean(counts) < PROMISED * seeds:
        raise SystemExit(f"under {PROMISED}")


if __name__ == "__main__":
    typer.run(main)
