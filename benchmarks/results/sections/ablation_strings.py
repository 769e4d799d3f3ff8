"""What curation, captions and positions are worth to the demo's model."""

import json
from pathlib import Path
from statistics import mean

from benchmarks import seeds
from benchmarks.results.section import Column, Row, Section, Table, Tables, number, text


def take(out: Path) -> Tables:
    """A row for each arm: means of the seeds, each with Student's half-width."""
    runs = json.loads((out / "runs.json").read_text("utf-8"))
    first = runs[0]["arm"]
    base = {run["seed"]: run["accuracy"] for run in runs if run["arm"] == first}
    rows: list[Row] = []
    for arm in dict.fromkeys(run["arm"] for run in runs):
        own = [run for run in runs if run["arm"] == arm]
        row = {"arm": arm, "seeds": len(own), "steps": own[0]["steps"]}
        row["cpu_seconds"] = mean(run["cpu_seconds"] for run in own)
        exact = [100 * run["accuracy"] for run in own]
        row |= {"exact": seeds.interval(exact), "loss": seeds.interval([r["loss"] for r in own], 4)}
        gains = [100 * (run["accuracy"] - base[run["seed"]]) for run in own]
        rows.append(row | {"gain": "" if arm == first else seeds.interval(gains)})
    return {"arms": rows}


def gist(tables: Tables) -> str:
    """What each arm comes to beside the first."""
    first, *rest = tables["arms"]
    others = ", ".join(f"{row['arm']} {row['exact']}" for row in rest)
    return f"per cent exact at equal CPU time: {first['arm']} {first['exact']}; {others}"


ARMS = (
    Column("arm", text("arm")),
    Column("seeds", text("seeds")),
    Column("steps", text("steps")),
    Column("CPU-s of a run", number("cpu_seconds", ".0f")),
    Column("held-out strings exact, %", text("exact")),
    Column("less the first arm", text("gain")),
    Column("held-out loss", text("loss")),
)
SECTION = Section(
    name="ablation_strings",
    title="Strings of one line",
    commands=("python -m benchmarks.ablations --out {out} --group strings --seeds 3 --threads 1",),
    take=take,
    tables=(Table("arms", ARMS),),
    reads="All arms take the CPU time of the first, at a budget at which that is not yet done."
    " `±` is half of the 95 % interval of a mean over seeds (Student); differences are seed"
    " by seed.",
    silent="One small model, one font, a fixed layout, damage that we planted: the direction may"
    " carry over, the size does not.",
    gist=gist,
    packages=("torch",),
)
