"""Curation's own benchmark: what a small model learns of what each curation keeps."""

import json
from pathlib import Path
from statistics import mean

from benchmarks import seeds
from benchmarks.results.section import Column, Row, Section, Table, Tables, number, share, text

_RAW = "raw"


def take(out: Path) -> Tables:
    """A row for each entry: what it kept of planted and clean images, and its trainings."""
    entries = json.loads((out / "results.json").read_text("utf-8"))["entries"]
    raw = {run["seed"]: run["accuracy"] for run in entries.get(_RAW, {}).get("runs", ())}
    return {"entries": [_row(name, of, raw) for name, of in entries.items()]}


def _row(name: str, of: Row, raw: dict[int, float]) -> Row:
    planted = [counts for stage, counts in of["kept_by_stage"].items() if stage]
    clean = of["kept_by_stage"][""]
    row = {"entry": name, "images": of["images"], "cpu_seconds": of["cpu_seconds"]}
    row |= {"planted_kept": sum(kept for kept, _ in planted)}
    row |= {"planted": sum(total for _, total in planted)}
    row |= {"clean_lost": clean[1] - clean[0], "clean": clean[1]}
    if runs := of["runs"]:
        gains = [100 * (run["accuracy"] - raw[run["seed"]]) for run in runs if run["seed"] in raw]
        row |= {"exact": seeds.interval([100 * run["accuracy"] for run in runs])}
        row |= {"loss": seeds.interval([run["loss"] for run in runs], 4)}
        row |= {"gain": seeds.interval(gains) if gains and name != _RAW else ""}
        row |= {"training_seconds": mean(run["cpu_seconds"] for run in runs)}
    return row


def gist(tables: Tables) -> str:
    """What each entry comes to."""
    said = (f"{row['entry']} {row['exact']}" for row in tables["entries"] if "exact" in row)
    return f"per cent of held-out strings exact after as many steps: {', '.join(said)}"


def _optional(key: str) -> Column:
    headings = {"exact": "held-out strings exact, %", "gain": "less raw", "loss": "held-out loss"}
    return Column(headings[key], lambda row: str(row.get(key) or "–"))


SECTION = Section(
    name="curation_bench",
    title="Entries of curation's own benchmark",
    commands=("python -m benchmarks.curation_bench --out {out} --seeds 3 --threads 1",),
    take=take,
    tables=(
        Table(
            "entries",
            (
                Column("entry", text("entry")),
                Column("images kept", number("images")),
                Column("planted defects kept", share("planted_kept", "planted")),
                Column("clean lost", share("clean_lost", "clean")),
                _optional("exact"),
                _optional("gain"),
                _optional("loss"),
                Column("curation, CPU-s", number("cpu_seconds", ".0f")),
            ),
        ),
    ),
    reads="One raw pool, with planted defects and wrong captions; each entry curates it, and the"
    " same small model is trained on what it keeps, for as many steps. `s1` to `s7` are"
    " the shipped stages, cumulative; `strings` is the demo's pipeline; `clean` is what"
    " nothing was done to. `±` is half of the 95 % interval of a mean over seeds.",
    silent="A pool that we made, with the defects that our filters are for, and a model that"
    " writes single lines in one font. It says whether filters pay here, not by how much"
    " they would at size.",
    gist=gist,
    packages=("torch", "rapidocr", "onnxruntime", "opencv-python-headless"),
)
