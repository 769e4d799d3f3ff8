"""``make demo``: raw pictures to a trained model that writes, every step by its public command.

Each step is the command a user would type. A finished step leaves ``demo/steps/<name>.json`` with
its time and its printed result, and is not run again while its command stays the same; a step
killed half-way goes on where it stopped, because the commands themselves do.
"""

import json
import resource
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from curation.failures import commands
from curation.report.summary import funnel
from curation.storage import ownership, user_paths

app = commands.application()
DEMO = Path("demo")
PROMPTS = 16
PYTHON = [sys.executable, "-m"]


@dataclass(frozen=True)
class Step:
    """A command and the heading it is announced under; its last line on stdout is JSON."""

    name: str
    heading: str
    command: list[str]


def steps(collection: Path | None) -> list[Step]:
    """The whole way, in order."""
    render = [*PYTHON, "synthesis.render", "--workers", "2", "--json", "--seed", "1"]
    documents = [DEMO / "documents-en", DEMO / "documents-zh"]
    found: list[Step] = []
    if collection is None:
        for folder in documents:
            language = folder.name[-2:]
            options = ["--lang", language, "--n", "40", "--size", "512x512", "--out", str(folder)]
            found.append(Step(folder.name, f"draw {language} documents", [*render, *options]))
        told = [argument for folder in documents for argument in ("--documents", str(folder))]
        gather = [*PYTHON, "examples.gather", "--out", str(DEMO / "raw"), *told]
        found.append(Step("gather", "gather a raw collection", gather))
    raw = str(collection or DEMO / "raw")
    curate = [*PYTHON, "curation.command", "run", "curate", "--input", raw, "--json"]
    strings = ["--mode", "strings", "--size", "64x32", "--n", "8192"]
    shards = DEMO / "strings-en"
    train = [*PYTHON, "train", "--preset", "demo", "--data", str(shards / "part-*.parquet")]
    infer = [*PYTHON, "infer", "--prompts", str(DEMO / "prompts.txt"), "-o", str(DEMO / "drawn")]
    infer += ["--columns", "4", "--batch-size", "16"]
    return [
        *found,
        Step("curate", "curate it: S1 and S2", [*curate, "--output", str(DEMO / "curated")]),
        Step(
            "gate",
            "check the shards against what was promised",
            [*PYTHON, "curation.command", "gate", "--output", str(DEMO / "curated"), "--json"],
        ),
        Step(
            "text-en", "render English text images",
            [*render, "--lang", "en", "--n", "64", "--out", str(DEMO / "text-en")],
        ),
        Step(
            "text-zh", "render Chinese text images",
            [*render, "--lang", "zh", "--n", "64", "--out", str(DEMO / "text-zh")],
        ),
        Step(
            "strings", "render the strings to learn",
            [*render, "--lang", "en", *strings, "--out", str(shards)],
        ),
        Step("train", "train from scratch", [*train, "--out", str(DEMO / "train"), "--json"]),
        Step(
            "infer", "draw prompts it never saw",
            [*infer, "--checkpoint", str(DEMO / "train"), "--sheet", str(DEMO / "drawn.png"),
             "--json"],
        ),
    ]  # fmt: skip


def run_step(step: Step) -> dict[str, Any]:
    """Run a step unless it is finished; returns its record."""
    path = DEMO / "steps" / f"{step.name}.json"
    if path.exists():
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if record["command"] == step.command:
            print(f"== {step.heading}: done before", flush=True)
            return record
    told = shlex.join(["python", *step.command[1:]])
    print(f"== {step.heading}\n   $ {told}", flush=True)
    wall, cpu = time.perf_counter(), _cpu_of_children()
    finished = subprocess.run(step.command, stdout=subprocess.PIPE, text=True, check=False)
    if finished.returncode:
        print(f"== {step.heading}: exit code {finished.returncode}; make demo goes on from here")
        raise typer.Exit(finished.returncode)
    record = {
        "command": step.command,
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(_cpu_of_children() - cpu, 1),
        "result": _last_json(finished.stdout),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    partial.replace(path)
    return record


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _last_json(text: str) -> Any:
    """The JSON document a command printed, alone or as its last line."""
    for candidate in (text, text.strip().rsplit("\n", 1)[-1]):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return None


def _choose_prompts() -> None:
    """The first captions that the trainer held out: no picture of their texts was trained on."""
    held_out = (DEMO / "train" / "held_out_captions.txt").read_text("utf-8").splitlines()
    (DEMO / "prompts.txt").write_text("\n".join(held_out[:PROMPTS]) + "\n", "utf-8")


@app.command()
def main(
    collection: Annotated[
        Path | None,
        typer.Option(
            "--input", help="Your own folder instead of the gathered one.", parser=user_paths.path
        ),
    ] = None,
) -> None:
    """Run the demo, or what is left of it.

    Example: python -m examples.demo --input my-pictures/
    """
    with ownership.held(str(DEMO), "demo"):
        _run(collection)


def _run(collection: Path | None) -> None:
    records = {}
    for step in steps(collection):
        if step.name == "infer":
            _choose_prompts()
        records[step.name] = run_step(step)
        if step.name == "curate":
            print(funnel(records[step.name]["result"]))
    run = json.loads((DEMO / "curated" / "run.json").read_text("utf-8"))
    counts = run["counts"]
    summary = {
        "funnel": counts["stages"],
        "ledger": {name: counts[name] for name in ("in", "kept", "dropped", "quarantined")},
        "held_out_accuracy": (records["train"]["result"] or {}).get("held_out_accuracy"),
        "steps": {
            name: {"wall_seconds": record["wall_seconds"], "cpu_seconds": record["cpu_seconds"]}
            for name, record in records.items()
        },
    }
    (DEMO / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    print(_farewell(summary))


def _farewell(summary: dict[str, Any]) -> str:
    ledger = summary["ledger"]
    wall = sum(step["wall_seconds"] for step in summary["steps"].values())
    parts = " + ".join(f"{name} {ledger[name]}" for name in ("kept", "dropped", "quarantined"))
    return f"""
in {ledger["in"]} = {parts}
held-out strings drawn exactly: {summary["held_out_accuracy"]}
(one font, fixed layout, unseen strings of seen glyphs); {wall:.0f} s in all

Open these:
  {DEMO}/curated/report.html           what was kept, dropped and quarantined, and why
  {DEMO}/text-en/contact_sheet.png     rendered English
  {DEMO}/text-zh/contact_sheet.png     rendered Chinese
  {DEMO}/drawn.png                     prompts the model never saw
  {DEMO}/summary.json                  the figures"""


if __name__ == "__main__":
    commands.main("demo", app)
