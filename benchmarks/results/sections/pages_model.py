"""Scores of the small model of two lines of Latin and hanzi."""

from pathlib import Path

from benchmarks.results.section import Section, Table, Tables
from benchmarks.results.sections.scores import COLUMNS, exact, metrics


def take(out: Path) -> Tables:
    """The figures of the harness."""
    return {"scores": metrics(out / "exact", "two lines, Latin and hanzi", "held_out_strings")}


SECTION = Section(
    name="pages_model",
    title="Two lines that mix Latin and hanzi",
    commands=(
        "python -m benchmarks.mixed_lines --out {out} --threads 1",
        "python -m infer.evaluation held_out_strings --checkpoint {out}/train"
        " --data '{out}/pages/part-*.parquet' --out {out}/exact",
    ),
    take=take,
    tables=(Table("scores", COLUMNS),),
    reads="36 Latin characters and 100 hanzi, none of whose lines was trained on; `exact` as"
    " above, by another sampler than the trainer's own evaluation.",
    silent="One font, fixed cells, 96x64 pixels. The other 8,005 hanzi of the national table are"
    " not in it.",
    gist=exact,
    packages=("torch", "diffusers"),
    judges=True,
)
