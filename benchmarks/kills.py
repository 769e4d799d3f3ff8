"""kill -9 of the driver or of a worker at random moments of a run, then the same command again.

``python -m benchmarks.kills --kills 50``

Half of the runs are local threads, where the one process is killed; half are worker processes
(``--direct_running_mode=multi_processing``), where one worker is killed and the driver has to end
by itself with an error. After the second run every byte of shards, ledger, signals and groups is
compared with an undisturbed run's, and no signals or shard file that was there may have been
written again. The baseline is the undisturbed run.
"""

import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from PIL import Image

from benchmarks.cluster import processes
from benchmarks.synthetic_runs import config_text
from curation.measuring import asking

MODES = ("multi_threading", "multi_processing")
RESULTS = ("shards", "ledger", "signals", "groups")
FINISHED = ("shards", "signals")
PATIENCE = 180.0  # seconds after which a driver without its worker counts as hanging


@dataclass(frozen=True)
class Killed:
    """What one kill hit: how far the run was, and what the process said afterwards."""

    mode: str
    second: float
    signals: int
    shards: int
    code: int | None
    differing: int
    rewritten: int


def make_images(folder: Path, count: int) -> None:
    """Small textured JPEG files, every tenth the same as the one before."""
    folder.mkdir()
    generator = np.random.default_rng(3)
    data = b""
    for number in range(count):
        if number % 10 != 9:
            coarse = Image.fromarray(generator.integers(0, 256, (24, 24, 3), np.uint8))
            stream = BytesIO()
            coarse.resize((288, 288), Image.Resampling.NEAREST).save(stream, "JPEG", quality=70)
            data = stream.getvalue()
        (folder / f"{number:04}.jpg").write_bytes(data)


def start(
    folder: Path, output: Path, config: Path, mode: str, errors: int = subprocess.DEVNULL
) -> psutil.Popen:
    """A ``beam run`` on two workers."""
    command = [sys.executable, "-m", "curation", "run", "--input", str(folder)]
    command += ["--output", str(output), "--config", str(config), "--workers", "2"]
    command += ["--unit-rows", "16", f"--direct_running_mode={mode}"]
    return psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def finish(folder: Path, output: Path, config: Path, mode: str) -> float:
    """Run to the end; seconds taken. Raises ``SystemExit`` when the run fails."""
    begin = time.perf_counter()
    process = start(folder, output, config, mode, subprocess.PIPE)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(errors.decode(errors="replace"))
    return time.perf_counter() - begin


def digests(output: Path) -> dict[str, str]:
    """SHA-256 of every result by its path below the output."""
    paths = (path for name in RESULTS for path in sorted((output / name).rglob("*")))
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()
    }


def times(output: Path) -> dict[Path, int]:
    """When each finished file was written."""
    paths = (path for name in FINISHED for path in (output / name).rglob("*.parquet"))
    return {path: path.stat().st_mtime_ns for path in paths}


def kill_something(process: psutil.Popen, mode: str, chance: random.Random) -> int | None:
    """Kill the driver or one of its workers; the driver's exit code, None where it hung.

    A process that models look from is no worker: a run replaces it, and goes on.
    """
    if process.poll() is not None:
        return int(process.returncode)
    workers = []
    if mode == "multi_processing":
        servers = {child.pid for child in process.children()}
        workers = [child for child in process.children(recursive=True) if child.pid not in servers]
        workers = [child for child in workers if asking.MODULE not in processes.command_line(child)]
    victim = chance.choice(workers) if workers else process
    family = process.children(recursive=True)
    try:
        victim.kill()
        process.wait(timeout=PATIENCE)
    except psutil.NoSuchProcess:
        process.wait()
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    finally:
        for child in family:
            if child.is_running():
                child.kill()
    return int(process.returncode)


def main(
    kills: Annotated[int, typer.Option(help="How many runs are killed.")] = 50,
    pictures: Annotated[int, typer.Option(help="Images in the collection.")] = 300,
    seed: int = 1,
) -> None:
    """Print one line per kill and the sum.

    Example: python -m benchmarks.kills --kills 50
    """
    chance = random.Random(seed)
    drills: list[Killed] = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder, config = work / "in", work / "pipelines.yaml"
        config.write_text(config_text(0.1))
        make_images(folder, pictures)
        undisturbed = {mode: finish(folder, work / mode, config, mode) for mode in MODES}
        wanted = digests(work / MODES[0])
        if digests(work / MODES[1]) != wanted:
            raise SystemExit("the undisturbed runs of threads and of processes differ")
        print(f"undisturbed: {undisturbed}, {len(wanted)} files")
        for number in range(kills):
            mode = MODES[number % 2]
            output = work / "out"
            process = start(folder, output, config, mode)
            second = chance.uniform(0.1, 1.0) * undisturbed[mode]
            time.sleep(second)
            code = kill_something(process, mode, chance)
            before = times(output)
            finish(folder, output, config, mode)
            after, results = times(output), digests(output)
            differing = sum(results.get(key) != wanted.get(key) for key in results | wanted)
            drill = Killed(
                mode=mode,
                second=round(second, 2),
                signals=sum("signals" in path.parts for path in before),
                shards=sum(path.parent.name == "shards" for path in before),
                code=code,
                differing=differing,
                rewritten=sum(after.get(path) != moment for path, moment in before.items()),
            )
            drills.append(drill)
            print(drill, flush=True)
            shutil.rmtree(output)
    hung = sum(drill.code is None for drill in drills)
    late = sum(drill.code == 0 for drill in drills)
    print(
        f"{len(drills)} kills: {late} came too late, {hung} hung, "
        f"{sum(drill.differing > 0 for drill in drills)} runs with differing bytes, "
        f"{sum(drill.rewritten > 0 for drill in drills)} with rewritten files (bar: 0 of each)"
    )
    if hung or any(drill.differing or drill.rewritten for drill in drills):
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
