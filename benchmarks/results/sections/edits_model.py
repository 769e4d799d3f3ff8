"""Scores of the small model that edits."""

import json
from pathlib import Path

from benchmarks.results.section import Column, Section, Table, Tables, number, text
from benchmarks.results.sections.scores import COLUMNS, metrics

NAMES = {
    "text.replace": "replaced text is right, ink included",
    "text.recolour": "recoloured text is right",
    "text.remove": "removed text is gone",
    "unchanged_line": "the other line reads as before",
    "unchanged_psnr": "the other line, PSNR in dB",
    "ceiling_psnr": "the autoencoder alone, PSNR in dB",
    "largest_shift": "largest shift of the other line, pixels",
    "t2i_line": "lines right on pages made of captions",
}


def take(out: Path) -> Tables:
    """What the benchmark's own judge says of held-out pages."""
    scores = metrics(out / "exact", "edits of two lines", "exact_edits")
    [run] = json.loads((out / "runs.json").read_text("utf-8"))
    kept = [name for name in NAMES if name in run["figures"]]
    figures = [{"name": name, "value": run["figures"][name]} for name in kept]
    return {"figures": figures, "scores": scores}


def gist(tables: Tables) -> str:
    """The text and what was to stay."""
    values = {row["name"]: row["value"] for row in tables["figures"]}
    return (
        f"{100 * values['text.replace']:.0f} % of replaced texts are right,"
        f" the other line keeps {values['unchanged_psnr']:.0f} dB"
    )


SECTION = Section(
    name="edits_model",
    title="Edits of two lines by an instruction",
    commands=(
        "python -m benchmarks.edits_learnt --out {out} --pages 120 --threads 1",
        "python -m infer.evaluation exact_edits --checkpoint {out}/both-0"
        " --data '{out}/held_out/part-*.parquet' --out {out}/exact",
    ),
    take=take,
    tables=(
        Table(
            "figures",
            (
                Column("of 120 held-out pages", lambda row: NAMES[row["name"]]),
                Column("", text("name")),
                Column("value", number("value", ".2f")),
            ),
        ),
        Table("scores", COLUMNS, "The same pages by the harness, with OCR as the reader"),
    ),
    reads="Shares are 0 to 1. No text of a held-out page was trained on. The judge reads cells"
    " by nearest template; the true results after the autoencoder are the ceiling.",
    silent="One font, six inks, instructions of three kinds, 64x64 pixels.",
    gist=gist,
    packages=("torch", "diffusers"),
    judges=True,
)
