"""CPU of every model and grouping of a finished run, over rows that it looked at; and multiplied.

    python -m benchmarks.stage_costs runs/threads      # of benchmarks.seven_stages --keep runs

A model is loaded, and asked about image after image, decoded before; the median is what an image
costs, since other work on the machine disturbs a few. Decoding for models is a line of its own. A
grouping sums up the rows of all units, and gives them their columns.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.seven_stages import ROOT
from curation import sources
from curation.configuration import loading
from curation.configuration.loading import Pipeline
from curation.groupings.duplicates.grouping import Duplicates
from curation.groupings.grouping import Grouping, concluded
from curation.judging.verdicts import Judge
from curation.measuring import choosing, models
from curation.measuring.chosen import Chosen
from curation.output.layout import Layout
from curation.output.measured import CONTENT, LOOKED
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Signal, ready
from curation.sources import plan

MOST, WARM = 32, 4  # rows that a model is asked about; before, while it loads what it loads late
# Of all images of a crawl, ours: those that pass the cheap rules of S1 and S2, those of S5 (sharp,
# 640 x 640 pixels and more), and S5.
FUNNEL = {"s1": 0.5, "s5": 0.15, "s6": 0.12, "s7": 0.12}
DECODE, ALL = "read and decode for models", 1.0
# Quoted: vLLM 0.7.2 on an H100, Qwen2.5-VL-7B, 128 new tokens, 640 x 480, Red Hat 2025.
CAPTIONS_PER_SECOND = 3.0


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds (median, mean) of what an image costs that reaches it, of ``images`` timed;
    ``share`` of all images do.
    """

    name: str
    stage: str
    median: float
    mean: float
    images: int
    share: float


def costs(output: Path, reached: Mapping[str, float], kept: float) -> list[Cost]:
    """What each model and grouping of ``curate`` costs, in the order of the run. ``reached`` are
    shares of images by stage; where a stage is not named, it is ``kept``, as for models that look
    at every kept row, whatever stage asks for them.
    """
    pipeline = loading.load(str(ROOT / "pipelines.yaml"), "curate")
    chosen, layout = choosing.chosen(pipeline), Layout(str(output))
    stages = [*(stage.name for stage in pipeline.stages), "kept"]
    of_kept, listed, decoding = chosen.of_kept(), [], list[float]()
    for name, (place, _) in sorted(chosen.models.items(), key=lambda of: of[1]):
        entry = next(of for of in chosen.signals if of.name == name)
        spent, decoded = _timed(layout, chosen, entry)
        decoding += decoded
        share = kept if name in of_kept else reached.get(stages[place], kept)
        listed.append(_cost(name, stages[place], spent, share))
    listed.append(_cost(DECODE, "", decoding, max([kept, *reached.values()])))
    for grouping in chosen.groupings:
        if not isinstance(grouping, Duplicates):
            listed.append(_grouping(layout, pipeline, chosen, grouping))
    return listed


def _cost(name: str, stage: str, spent: Sequence[float], share: float) -> Cost:
    if not spent:
        return Cost(name, stage, 0.0, 0.0, 0, share)
    return Cost(name, stage, statistics.median(spent), statistics.mean(spent), len(spent), share)


def _timed(layout: Layout, chosen: Chosen, entry: Signal) -> tuple[list[float], list[float]]:
    """CPU ms of an image by a model, and of its decoding."""
    measure = ready(entry, chosen.settings_of(entry))
    asked, decoded = list[float](), list[float]()
    for row in _rows(layout, chosen, entry):
        start = time.process_time()
        row.picture(entry.short_side)
        middle = time.process_time()
        measure([row])
        asked.append(1000 * (time.process_time() - middle))
        decoded.append(1000 * (middle - start))
    return asked[WARM:], decoded[WARM:]


def _rows(layout: Layout, chosen: Chosen, entry: Signal) -> Iterator[Row]:
    """Rows that a model looked at, of all units in turn."""
    measured, left = chosen.measured(layout), MOST + WARM
    names = [name for name in entry.reads if name != CAPTIONS]
    units = plan.read_names(layout.root)
    each = max(2, left // max(1, len(units) // 2))
    for unit in units:
        table = measured.read(unit, ["uri", *CONTENT, *names, LOOKED + entry.name])
        base = table.filter(table.column(LOOKED + entry.name)).slice(0, min(left, each))
        row_of = {uri: row for row, uri in enumerate(base.column("uri").to_pylist())}
        read = partial(sources.read, plan.read_unit(layout.plan(unit)))
        for batch in models._batches(base, row_of, lambda uris, of=read: of(only=uris)):
            for number, row in batch.items():
                row.columns = {name: base.column(name)[number].as_py() for name in names}
                yield row
        left -= base.num_rows
        if left <= 0:
            return


def _grouping(layout: Layout, pipeline: Pipeline, chosen: Chosen, grouping: Grouping) -> Cost:
    """CPU ms of a row: summing up, merging, and giving columns."""
    judge = Judge(layout.root, pipeline, chosen)
    tables = {unit: judge.rows_of(unit, grouping, {}) for unit in plan.read_names(layout.root)}
    rows = sum(table.num_rows for table in tables.values())
    start = time.process_time()
    whole = None
    for unit, table in tables.items():
        summary = grouping.summary(unit, table)
        whole = summary if whole is None else grouping.merge(whole, summary)
    assert whole is not None
    whole = concluded(grouping, whole)
    for unit, table in tables.items():
        grouping.measure(unit, table, whole)
    each = 1000 * (time.process_time() - start) / max(1, rows)
    return Cost(grouping.name, "grouping", each, each, rows, ALL)


def show(listed: Sequence[Cost], sizes: Sequence[float], core_hour: float) -> None:
    """Print what each costs, and core-hours at each size."""
    print("| stage | model or grouping | CPU-ms, median | mean | timed | share of images |", end="")
    print(" core-hours at " + " | ".join(f"{size:.0e}" for size in sizes) + " |")
    print("|---|---|---|---|---|---|" + "---|" * len(sizes))
    for of in listed:
        line = f"| {of.stage} | {of.name} | {of.median:.2f} | {of.mean:.2f} | {of.images} "
        print(f"{line}| {of.share:.0%} | {_hours([of], sizes)} |")
    print(f"| | all of these | | | | | {_hours(listed, sizes)} |")
    prices = " | ".join(f"{_sum(listed, size) * core_hour:,.0f} US$" for size in sizes)
    print(f"| | at {core_hour} US$ a core-hour | | | | | {prices} |")
    share = max((of.share for of in listed if of.name == "recaption"), default=0.0)
    gpu = " | ".join(f"{share * size / CAPTIONS_PER_SECOND / 3600:,.0f}" for size in sizes)
    quoted = "captions of 128 tokens by a model of 7B: H100-hours"
    print(f"| quoted | {quoted} | | | | {share:.0%} | {gpu} |")


def _sum(listed: Sequence[Cost], size: float) -> float:
    return sum(of.mean * of.share for of in listed) * size / 3.6e6


def _hours(listed: Sequence[Cost], sizes: Sequence[float]) -> str:
    return " | ".join(f"{_sum(listed, size):,.1f}" for size in sizes)


def main(
    output: Path,
    kept: Annotated[float, typer.Option(help="Share that passes S2 and is kept.")] = 0.4,
) -> None:
    """Print the table.

    Example: python -m benchmarks.stage_costs runs/threads
    """
    show(costs(output, FUNNEL, kept), (1e6, 1e8, 1e9), 0.056)


if __name__ == "__main__":
    typer.run(main)
