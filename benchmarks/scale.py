"""What a million, a hundred million and a billion images cost, from runs measured here.

    python -m benchmarks.seven_stages --no-spark --no-processes --keep runs
    python -m benchmarks.scale --data ../shared/data/photos --curated runs/threads

Runs ``beam run`` over ``--count`` real photographs and over ten times as many, takes CPU seconds by
step, peak memory and the bytes of every folder of the output, and multiplies. What grows with the
number of images is the difference of the two runs; what does not is the start-up. Of ``--curated``,
a finished run of all seven stages, every model and grouping is timed over rows that it looked at
(``benchmarks.stage_costs``), and multiplied by the shares of a funnel that are options. The prices
are assumptions, too. ``docs/scale.md`` discusses the tables.
"""

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import stage_costs
from benchmarks.curation import CONFIG, beam_run, replicate

SIZES = (1e6, 1e8, 1e9)
FOLDERS = ("plan", "signals", "ledger", "groups", "near", "shards")
STEPS = ("plan", "measure", "judge", "shards", "report")


@dataclass(frozen=True)
class Measured:
    """One run: images, input bytes, CPU seconds by step, bytes by folder, peak memory in MB."""

    count: int
    input_bytes: int
    cpu: dict[str, float]
    peak: dict[str, float]
    stored: dict[str, int]
    peak_memory: float


def measured(folder: Path, output: Path, config: Path, workers: int) -> Measured:
    """Run the pipeline over a folder and read what it left."""
    _, peak = beam_run(folder, output, config, workers)
    run = json.loads((output / "run.json").read_text())
    sizes = [path.stat().st_size for path in folder.rglob("*.jpg")]
    stored = {
        name: sum(path.stat().st_size for path in (output / name).rglob("*") if path.is_file())
        for name in FOLDERS
    }
    cpu = {name: run["steps"][name]["cpu_seconds"] for name in STEPS}
    peaks = {name: run["steps"][name]["peak_memory_bytes"] / 1e6 for name in STEPS}
    return Measured(run["counts"]["in"], sum(sizes), cpu, peaks, stored, peak)


def main(
    data: Annotated[Path, typer.Option(help="Folder of JPEG photographs.")] = Path(
        "../shared/data/photos"
    ),
    count: Annotated[int, typer.Option(help="Images of the smaller run; 0: none.")] = 1000,
    curated: Annotated[Path | None, typer.Option(help="Output of `beam run curate`.")] = None,
    kept: Annotated[float, typer.Option(help="Share that passes S2 and is kept.")] = 0.4,
    workers: int = 2,
    core_hour: Annotated[float, typer.Option(help="Price of a core hour, US dollars.")] = 0.056,
    terabyte_month: Annotated[float, typer.Option(help="Price of 1 TB a month.")] = 20.0,
    json_path: Annotated[Path | None, typer.Option("--json", help="File for both runs.")] = None,
) -> None:
    """Print the tables.

    Example: python -m benchmarks.scale --data photos/ --count 1000
    """
    if curated:
        stage_costs.show(stage_costs.costs(curated, stage_costs.FUNNEL, kept), SIZES, core_hour)
    if not count:
        return
    suffixes = (".jpg", ".jpeg")
    sources = [
        path.read_bytes() for path in sorted(data.iterdir()) if path.suffix.lower() in suffixes
    ]
    if not sources:
        raise typer.BadParameter(f"{data}: no JPEG photographs")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        config = work / "pipelines.yaml"
        config.write_text(CONFIG)
        runs = []
        for number in (count, 10 * count):
            replicate(sources, work / "in", number)
            runs.append(measured(work / "in", work / "out", config, workers))
            shutil.rmtree(work / "in")
            shutil.rmtree(work / "out")
    if json_path:
        json_path.write_text(json.dumps([asdict(run) for run in runs], indent=1))
    small, large = runs
    more = large.count - small.count
    milliseconds = {name: (large.cpu[name] - small.cpu[name]) * 1000 / more for name in STEPS}
    stored = {name: (large.stored[name] - small.stored[name]) / more for name in FOLDERS}
    print("| step | CPU-ms per image | peak MB at " + " | peak MB at ".join(_numbers(runs)) + " |")
    print("|---|---|---|---|")
    for step in STEPS:
        peaks = " | ".join(f"{run.peak[step]:.0f}" for run in runs)
        print(f"| {step} | {milliseconds[step]:.3f} | {peaks} |")
    print(f"\nall processes: {small.peak_memory:.0f} and {large.peak_memory:.0f} MB")
    print(f"input {large.input_bytes / large.count:.0f} bytes per image; output per image:")
    print(", ".join(f"{folder} {size:.0f}" for folder, size in stored.items()))
    total = sum(milliseconds.values())
    print("\n| images | core-hours | US$ | shards, TB | US$ a month | all else, GB |")
    print("|---|---|---|---|---|---|")
    for images in SIZES:
        hours = images * total / 3.6e6
        shards = images * stored["shards"] / 1e12
        other = images * sum(size for name, size in stored.items() if name != "shards") / 1e9
        print(
            f"| {images:.0e} | {hours:,.1f} | {hours * core_hour:,.2f} | {shards:,.2f} "
            f"| {shards * terabyte_month:,.2f} | {other:,.1f} |"
        )


def _numbers(runs: list[Measured]) -> list[str]:
    return [f"{run.count:,}" for run in runs]


if __name__ == "__main__":
    typer.run(main)
