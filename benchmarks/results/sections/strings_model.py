"""Scores of the demo's model, trained on what curation kept and on all."""

from pathlib import Path

from benchmarks.results.section import Section, Table, Tables
from benchmarks.results.sections.scores import COLUMNS, exact, metrics


def take(out: Path) -> Tables:
    """The figures of both models."""
    rows = [
        *metrics(out / "curated-exact", "trained on curated", "held_out_strings"),
        *metrics(out / "raw-exact", "trained on raw", "held_out_strings"),
        *metrics(out / "diversity", "trained on curated", "diversity"),
        *metrics(out / "autoencoder", "its autoencoder", "autoencoder"),
    ]
    return {"scores": rows}


_TRAIN = "python -m train --preset demo --threads 1 --evaluate-on '{out}/clean/part-*.parquet'"
_SCORE = "python -m infer.evaluation"

SECTION = Section(
    name="strings_model",
    title="The demo's model: strings of one to four characters",
    commands=(
        "python -m synthesis.render --lang en --mode strings --size 512x256 --n 8192"
        " --out {out}/clean",
        "python -m examples.damaged_strings --strings {out}/clean --out {out}/raw",
        "python -m curation.command run strings --input {out}/raw --output {out}/curated"
        " --workers 1",
        f"{_TRAIN} --data {{out}}/curated/shards --out {{out}}/train",
        f"{_TRAIN} --data {{out}}/raw --out {{out}}/train-raw",
        f"{_SCORE} held_out_strings --checkpoint {{out}}/train"
        " --data '{out}/clean/part-*.parquet' --out {out}/curated-exact",
        f"{_SCORE} held_out_strings --checkpoint {{out}}/train-raw"
        " --data '{out}/clean/part-*.parquet' --out {out}/raw-exact",
        f"{_SCORE} diversity --checkpoint {{out}}/train --out {{out}}/diversity",
        "python -m synthesis.render --lang en --mode strings --size 64x32 --n 128 --seed 2"
        " --out {out}/small",
        f"{_SCORE} autoencoder --checkpoint {{out}}/train"
        " --data '{out}/small/part-*.parquet' --out {out}/autoencoder",
    ),
    take=take,
    tables=(Table("scores", COLUMNS),),
    reads="`exact`: all cells of an image of a text that was never trained on are nearest to the"
    " right template, colour included. The ceiling is the same figure of perfect images:"
    " what the reader costs. OCR (rapidocr) is made for larger images than these of 64x32"
    " pixels.",
    silent="One font, a fixed layout, no backgrounds: nothing of text in images at large. `exact`"
    " of the model trained on raw data is at as many steps, not at as many as it would"
    " need.",
    gist=exact,
    packages=("torch", "diffusers"),
)
