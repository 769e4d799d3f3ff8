"""S1 and S2 beside Data-Juicer and CleanVision: the same photographs, in turn, each a command.

``python -m benchmarks.peers.curation --data ../shared/data/photos`` (``--json FILE`` for the rows)

Ours is ``beam run`` over the stages S1 and S2 with every pixel signal, duplicates included and
models left out, from listing the files to writing the shards. Data-Juicer's five operators, and why
these, are in ``data-juicer.yaml``; CleanVision finds all issues it knows. No bound drops anything.
CPU seconds are those of a command and of all processes below it, in medians of several turns; the
start-up is the same command over one file. The bare loop decodes at reduced scale, nothing else.

Last, truncated files are planted among whole ones: a whole file is lost if it is in the result
without them and not with them, a truncated one is kept if it is in the result.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer

from benchmarks.curation import bare_loop
from benchmarks.from_tests import pipeline_text
from benchmarks.peers import installing, photographs
from benchmarks.peers.contests import ONE_THREAD
from benchmarks.peers.installing import ROOT, Absent

_ANY = {"max": 10**9}
CONFIG = pipeline_text(
    {
        "s1": {"size": {"min": 1}, "short_side": {"min": 16}, "aspect_ratio": {"max": 100}}
        | {"exact_better": _ANY, "near_better": _ANY},
        "s2": dict.fromkeys(("clarity", "luma", "oversaturated", "entropy", "texture"), _ANY),
    },
    quarantine_limit=0.5,
)
# the bars of issue 12, by megapixels: CPU milliseconds an image beyond start-up, and the largest
# ratios of our time to Data-Juicer's, beyond start-up and with it
BARS = {"0.18": (3.0, 0.57, 0.35), "1.2": (7.2, 0.30, 0.25)}
_FIGURES = ("start_up_s", "ms_beyond", "ms_with", "ours_beyond", "ours_with")
_PLANTED = 10  # one truncated file for so many whole ones


@dataclass(frozen=True)
class Tool:
    """``command`` curates a folder into another; ``kept`` names what that then holds."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    kept: Callable[[Path], set[str]]


def tools(workers: int, config: Path, peers: Sequence[str]) -> list[Tool]:
    """Ours first, then the peers of these names that can be had here."""

    def ours(folder: Path, output: Path) -> Sequence[str]:
        command = [sys.executable, "-m", "curation.command", "run", "curate", "--json"]
        command += ["--input", str(folder), "--output", str(output)]
        return [*command, "--config", str(config), "--workers", str(workers)]

    made = [Tool("beam run", ours, _in_shards)]
    for name in peers:
        try:
            made.append(_PEERS[name]())
        except Absent as reason:
            print(f"skipped: {reason}")
    return made


def _in_shards(output: Path) -> set[str]:
    files = (output / "shards").rglob("*.parquet")
    return {key for path in files for key in pq.read_table(path, columns=["key"])[0].to_pylist()}


def _data_juicer() -> Tool:
    program = installing.interpreter("data-juicer").with_name("dj-process")
    config = Path(__file__).with_name("data-juicer.yaml")

    def command(folder: Path, output: Path) -> Sequence[str]:
        given = ["--dataset_path", str(folder.with_suffix(".jsonl"))]
        given += ["--export_path", str(output / "kept.jsonl")]
        return [str(program), "--config", str(config), *given]

    def kept(output: Path) -> set[str]:
        lines = (output / "kept.jsonl").read_text().splitlines()
        return {json.loads(line)["text"] for line in lines}

    return Tool("Data-Juicer", command, kept)


def _cleanvision() -> Tool:
    python = installing.interpreter("cleanvision")

    def command(folder: Path, output: Path) -> Sequence[str]:
        driver = "benchmarks.peers.drivers.cleanvision"
        return [str(python), "-m", driver, str(folder), str(output / "named.txt")]

    def kept(output: Path) -> set[str]:
        place = output / "named.txt"
        lines = place.read_text().splitlines() if place.exists() else []
        return {Path(name).stem for name in lines}

    return Tool("CleanVision", command, kept)


_PEERS = {"data-juicer": _data_juicer, "cleanvision": _cleanvision}


class Workplace:
    """Where commands run, each with an empty output folder and empty caches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "out"

    def run(self, tool: Tool, files: Path, *, may_fail: bool = False) -> float:
        """CPU seconds of the command with everything it starts."""
        caches = self.folder / "caches"
        for place in (self.output, caches):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        own = {"HF_HOME": str(caches), "DATA_JUICER_CACHE_HOME": str(caches), "HF_HUB_OFFLINE": "1"}
        if tool.name != "Data-Juicer":
            own["PYTHONPATH"] = str(ROOT)
        before = _seconds_of_children()
        done = subprocess.run(
            tool.command(files, self.output),
            capture_output=True, check=False, cwd=ROOT, text=True,
            env={**os.environ, **ONE_THREAD, **own},
        )  # fmt: skip
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"{tool.name} ended with {done.returncode}: {said}")
            if not may_fail:
                raise typer.Exit(1)
        return _seconds_of_children() - before


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


Rows = list[dict[str, Any]]


def cost(chosen: Sequence[Tool], work: Workplace, files: Path, turns: int, label: str) -> Rows:
    """Print what the tools take for a folder, in turn."""
    single = photographs.write(files.with_name(f"first-of-{files.name}"), [_first(files)])
    paths = sorted(files.iterdir())
    starts: list[list[float]] = [[] for _ in chosen]
    totals: list[list[float]] = [[] for _ in chosen]
    bare = []
    for _ in range(turns):
        bare.append(1000 * bare_loop(paths, work.folder / "listing") / len(paths))
        for tool, start, total in zip(chosen, starts, totals, strict=True):
            start.append(work.run(tool, single))
            total.append(work.run(tool, files))
    fixed = [statistics.median(start) for start in starts]
    beyond = [[each - of for each in total] for total, of in zip(totals, fixed, strict=True)]
    print(
        f"\n{label} MP, {len(paths)} files, {turns} turns; bare loop {statistics.median(bare):.2f} "
        "CPU-ms an image\n| | start-up, CPU-s | CPU-ms an image beyond it | with it | "
        "ours of its, beyond | with |\n|---|---|---|---|---|---|"
    )
    rows: Rows = []
    for place, tool in enumerate(chosen):
        each = [1000 * statistics.median(of[place]) / len(paths) for of in (beyond, totals)]
        ratios = [_ratio(of[0], of[place]) for of in (beyond, totals)]
        values = dict(zip(_FIGURES, (fixed[place], *each, *ratios), strict=True))
        print(f"| {tool.name} | {' | '.join(f'{value:.2f}' for value in values.values())} |")
        rows.append({"megapixels": label, "files": len(paths), "tool": tool.name, **values})
    milliseconds, alone, included = BARS[label]
    print(f"bars: {milliseconds} CPU-ms beyond start-up; {alone} and {included} of Data-Juicer's")
    return rows


def _first(files: Path) -> bytes:
    return min(files.iterdir()).read_bytes()


def _ratio(own: Sequence[float], other: Sequence[float]) -> float:
    return statistics.median(mine / its for mine, its in zip(own, other, strict=True))


def losses(chosen: Sequence[Tool], work: Workplace, originals: Sequence[bytes]) -> Rows:
    """Print what the tools do with truncated files and with the whole ones beside them."""
    intact = photographs.write(work.folder / "whole", originals)
    planted = photographs.write(work.folder / "planted", [*originals, *_cut(originals)])
    bad = {path.stem for path in planted.iterdir()} - {path.stem for path in intact.iterdir()}
    print(f"\n{len(originals)} whole files and {len(bad)} truncated ones")
    print("| | whole files lost | truncated files kept |\n|---|---|---|")
    rows: Rows = []
    for tool in chosen:
        work.run(tool, intact)
        before = tool.kept(work.output)
        work.run(tool, planted, may_fail=True)
        after = tool.kept(work.output)
        lost, kept = len(before - after), len(after & bad)
        counts = {"whole": len(originals), "truncated": len(bad), "lost": lost, "kept": kept}
        rows.append({"tool": tool.name, **counts})
    print(*(f"| {row['tool']} | {row['lost']} | {row['kept']} |" for row in rows), sep="\n")
    return rows


def _cut(originals: Sequence[bytes]) -> list[bytes]:
    chosen = originals[::_PLANTED]
    return [photographs.truncated(data, number) for number, data in enumerate(chosen)]


def main(
    data: Annotated[Path, typer.Option(help="Folder of JPEG photographs.")] = Path(
        "../shared/data/photos"
    ),
    count: Annotated[int, typer.Option(help="Files of each size.")] = 1000,
    turns: int = 5,
    workers: Annotated[int, typer.Option(help="Of ours.")] = 2,
    peer: Annotated[list[str] | None, typer.Option(help="Repeatable; all without it.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="File for all rows.")] = None,
) -> None:
    """Print the tables.

    Example: python -m benchmarks.peers.curation --count 1000 --turns 5
    """
    originals = photographs.sources(data)
    makers = {"0.18": photographs.as_they_are, "1.2": photographs.large}
    with tempfile.TemporaryDirectory() as name:
        work = Workplace(Path(name))
        config = work.folder / "pipelines.yaml"
        config.write_text(CONFIG)
        chosen = tools(workers, config, peer or [*_PEERS])
        rows: Rows = []
        for label, make in makers.items():
            files = photographs.write(
                work.folder / f"of-{label.replace('.', '-')}-MP", make(originals, count)
            )
            rows += cost(chosen, work, files, turns, label)
            shutil.rmtree(files)
        truncated = losses(chosen, work, originals)
    if json_path:
        json_path.write_text(json.dumps({"cost": rows, "truncated": truncated}, indent=1))


if __name__ == "__main__":
    typer.run(main)
