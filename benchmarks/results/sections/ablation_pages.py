"""What a curriculum is worth to the model of two lines."""

from benchmarks.results.section import Section, Table
from benchmarks.results.sections.ablation_strings import ARMS, gist, take

SECTION = Section(
    name="ablation_pages",
    title="Pages of two lines",
    commands=("python -m benchmarks.ablations --out {out} --group pages --seeds 3 --threads 1",),
    take=take,
    tables=(Table("arms", ARMS),),
    reads="As above: a third of the CPU time on one line, or on half the resolution, before the"
    " rest.",
    silent="Whether a curriculum pays for long texts or at size.",
    gist=gist,
    packages=("torch",),
)
