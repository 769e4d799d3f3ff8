"""``make demo``: raw images to a trained model that writes, every step by its public command.

Each step is the command a user would type. A finished step leaves ``demo/steps/<name>.json`` with
its time and its printed result, and is not run again while its command stays the same; a step
killed half-way goes on where it stopped, because the commands themselves do.
"""

import json
import resource
import shlex
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from curation.failures import commands
from curation.output import finished
from curation.report.summary import funnel
from curation.storage import ownership, user_paths
from examples import damaged_strings
from examples.demo_steps import DEMO, RAW, Step, curated, steps

app = commands.application()
PROMPTS = 16
ENOUGH = 0.9  # of held-out strings: how soon they are reached says what the data is worth


def run_step(step: Step) -> dict[str, Any]:
    """Run a step unless it is finished; returns its record."""
    path = DEMO / "steps" / f"{step.name}.json"
    if path.exists():
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if record["command"] == step.command:
            print(f"== {step.heading}: done before", flush=True)
            return record
    shown = shlex.join(["python", *step.command[1:]])
    print(f"== {step.heading}\n   $ {shown}", flush=True)
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
    """The first captions that the trainer held out: no image of their texts was trained on."""
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

    Example: python -m examples.demo --input my-images/
    """
    with ownership.held(str(DEMO), "demo"):
        _run(collection)


def _run(collection: Path | None) -> None:
    records = {}
    for step in steps(collection):
        if step.name == "infer":
            _choose_prompts()
        records[step.name] = run_step(step)
        if step.name in ("curate", "curate-strings"):
            output = step.command[step.command.index("--output") + 1]
            keep = finished.read_run(output)["configuration"]["keep"]
            print(funnel(records[step.name]["result"], keep))
        if step.name == "curate-strings":
            print(damaged_strings.table(damaged_strings.caught(DEMO / "strings-curated")))
    summary = _summary(records, curated(collection))
    (DEMO / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    print(_farewell(summary))


def _summary(records: dict[str, dict[str, Any]], collection: Path) -> dict[str, Any]:
    run = json.loads((collection / "run.json").read_text("utf-8"))
    counts = run["counts"]
    on_curated = _learnt(DEMO / "train", records["train"])
    return {
        "report": str(collection / "report.html"),
        "card": str(Path(records["train"]["result"]["checkpoint"]) / "README.md"),
        "funnel": counts["stages"],
        "ledger": {name: counts[name] for name in ("in", "kept", "dropped", "quarantined")},
        "held_out_accuracy": on_curated["held_out_accuracy"],
        "trained_on": {"curated": on_curated, "raw": _learnt(DEMO / RAW, records[RAW])},
        "steps": {
            name: {"wall_seconds": record["wall_seconds"], "cpu_seconds": record["cpu_seconds"]}
            for name, record in records.items()
        },
    }


def _learnt(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """What a training run came to, and by which evaluation it had learnt ``ENOUGH``."""
    lines = (folder / "evaluations.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    enough = [row["step"] for row in rows if (row["held_out_accuracy"] or 0) >= ENOUGH]
    result = record["result"] or {}
    seen = json.loads((Path(result["checkpoint"]) / "trained_on.json").read_text("utf-8"))
    names = ("step", "held_out_accuracy", "held_out_loss", "held_out_images")
    return {
        "images": seen["images"],
        **{name: result.get(name) for name in names},
        "steps_to_90_percent": enough[0] if enough else None,
    }


def _farewell(summary: dict[str, Any]) -> str:
    ledger = summary["ledger"]
    wall = sum(step["wall_seconds"] for step in summary["steps"].values())
    parts = " + ".join(f"{name} {ledger[name]}" for name in ("kept", "dropped", "quarantined"))
    return f"""
in {ledger["in"]} = {parts}

The same strings, {summary["trained_on"]["raw"]["step"]} steps, judged on held-out clean ones:
{_comparison(summary["trained_on"])}
(one font, fixed layout, unseen strings of seen glyphs); {wall:.0f} s in all

Open these:
  {summary["report"]:<39}what was kept, dropped and quarantined, and why
  {DEMO}/text-en/contact_sheet.png         rendered English
  {DEMO}/text-zh/contact_sheet.png         rendered Chinese
  {DEMO}/strings-curated/report.html       what was kept of the strings
  {DEMO}/dataset/README.md                 the card of that data set
  {summary["card"]:<39}the card of the model
  {DEMO}/generated.png                     prompts the model never saw
  {DEMO}/summary.json                      the figures"""


def _comparison(trained_on: dict[str, dict[str, Any]]) -> str:
    """A line for each training run: how well it writes, and how soon it did."""
    lines = ["trained on   images   right in every character   loss   90 % right by step"]
    for name, run in trained_on.items():
        accuracy, loss = run["held_out_accuracy"], run["held_out_loss"]
        exact = "not judged" if accuracy is None else f"{100 * accuracy:.1f} %"
        soon = run["steps_to_90_percent"] or "never"
        lines.append(f"{name:<10}{run['images']:>9,}{exact:>26}{loss:>8.4f}{soon:>20}")
    return "\n".join(lines)


if __name__ == "__main__":
    commands.main("demo", app)
