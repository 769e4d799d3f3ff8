"""What units cost: a producer's throughput, MB/s of file and HTTP, and how training waits.

Makes small shards and tiny random parts of the real Qwen-Image classes, then
1. makes units in this process: samples/s of reading, encoding and writing;
2. reads them back whole from a folder (mapped, checked, copied) and over HTTP from a server in
   another process: MB/s and CPU-s per GB, of units filled with numbers to a size that is read at;
3. trains with 1 and with 2 producer processes that begin with it: seconds waited, and in which
   steps; the same with all units made before. Stalls count after the first 10 steps.

    python -m benchmarks.producers --steps 120

Figures are of this machine as loaded as it is: say so with them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.from_tests import tiny_qwen, training_shards
from train.data.batches import Shown
from train.producers import spans, units
from train.producers.folder import UnitFolder
from train.producers.stores import FolderStore
from train.producers.transport import HttpStore
from train.producers.units import Unit

_READ = 8  # units
_TOKENS, _WIDTH = 128, 3584  # of v1's features: 0.92 MB a sample
_SAMPLES = 64  # of a unit that is read: 59 MB


def configured(root: Path, name: str, steps: int, **data: Any) -> Path:
    """A small training configuration on the real classes, in a file."""
    settings = {
        "steps": steps,
        "batch": 16,
        "precision": "fp32",
        "log_every": 10,
        "data": {"sizes": [], "held_out": 0, **data},
        "autoencoder": {"kind": "qwen", "path": str(root / "parts")},
        "text_encoder": {"kind": "qwen", "path": str(root / "parts")},
        "model": {"layers": 4, "heads": 4, "head_width": 32, "rope_axes": [8, 12, 12]},
        "evaluation": {"evaluators": []},
        "checkpoint": {"every": 100_000},
    }
    path = root / f"{name}.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def producer(root: Path, config: Path, folder: Path) -> "subprocess.Popen[bytes]":
    """A producer of one thread in a process of its own."""
    given = ["--data", str(root / "data"), "--config", str(config), "--units", str(folder)]
    command = [sys.executable, "-m", "train.produce", *given, "--threads", "1", "--depth", "64"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def trained(root: Path, config: Path, out: Path) -> dict[str, Any]:
    """Train by the command on one thread; the last line of what was counted."""
    given = ["--data", str(root / "data"), "--config", str(config), "--out", str(out)]
    command = [sys.executable, "-m", "train", *given, "--threads", "1"]
    subprocess.run(command, check=True, capture_output=True)
    lines = (out / "arrivals.jsonl").read_text().splitlines()
    last: dict[str, Any] = json.loads(lines[-1])
    return last


def throughput(root: Path, config: Path, folder: Path) -> str:
    """One producer alone, by its own counts."""
    begun = time.monotonic()
    producer(root, config, folder).wait()
    counts = UnitFolder(folder).counts()
    busy = counts["busy_milliseconds"] / 1000
    return (
        f"one producer: {counts['samples']:.0f} samples in {busy:.1f} s busy,"
        f" {counts['samples'] / busy:.0f} samples/s, {counts['bytes'] / busy / 1e6:.2f} MB/s"
        f" written; {time.monotonic() - begun:.0f} s with its start"
    )


def filled(root: Path) -> list[spans.Span]:
    """Units of the size that v1's features have at 256 px, of numbers; where they are."""
    folder, wanted = UnitFolder(root), []
    for number in range(_READ):
        name = spans.digest(["benchmark", number])
        features = (torch.randn(_TOKENS, _WIDTH).bfloat16(),)
        latents = torch.randn(16, 32, 32).bfloat16().float()
        shown = Shown(latents, "a caption", 0.1, "t2i", 0, features=features)
        rows = [units.entry(1, place, shown, "a caption", ("", "")) for place in range(_SAMPLES)]
        folder.publish(name, partial(units.write, entries=rows, about={"name": name}))
        wanted.append(spans.Span(1, 1, 0, _SAMPLES, name))
    return wanted


def read(store: FolderStore | HttpStore, wanted: Sequence[spans.Span], how: str) -> str:
    """Every sample of every unit, as a consumer has it."""
    begun, cpu, size = time.monotonic(), time.process_time(), 0
    for span in wanted:
        path = store.get(span)
        assert path is not None
        size += path.stat().st_size
        unit = Unit(path)
        for place in range(_SAMPLES):
            unit.shown(1, place)
    wall, cpu = time.monotonic() - begun, time.process_time() - cpu
    return f"{how}: {size / 1e6 / wall:.0f} MB/s, {cpu / size * 1e9:.2f} CPU-s per GB"


def transport(root: Path) -> list[str]:
    """From a folder, then over HTTP."""
    wanted = filled(root)
    lines = [read(FolderStore(root), wanted, "file, mapped, checked and copied")]
    command = [sys.executable, "-m", "train.serve_units", "--units", str(root), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        url = server.stderr.readline().split()[0]
        store = HttpStore(url)
        begun, cpu, size = time.monotonic(), time.process_time(), 0
        for span in wanted:
            path = store.get(span)
            assert path is not None
            size += path.stat().st_size
        wall, cpu = time.monotonic() - begun, time.process_time() - cpu
        lines.append(
            f"HTTP on the loopback into files: {size / 1e6 / wall:.0f} MB/s,"
            f" {cpu / size * 1e9:.2f} CPU-s per GB of the consumer"
        )
        lines.append(read(store, wanted, "the same, checked and copied from its files"))
        server.terminate()
    return lines


def stall(root: Path, steps: int, producers: int) -> str:
    """Training with producers that begin with it, or (0) with everything made before."""
    folder = root / f"units-{producers}"
    config = configured(root, f"stall-{producers}", steps, units=str(folder))
    if not producers:
        producer(root, config, folder).wait()
    running = [producer(root, config, folder) for _ in range(producers)]
    try:
        last = trained(root, config, root / f"out-{producers}")
    finally:
        for each in running:
            each.terminate()
            each.wait()
    named = f"{producers} producers" if producers else "all units made before"
    return (
        f"{named}: {last['stalled_steps']:.0f} of {steps - 10} steps stalled after warm-up,"
        f" {last['wait_seconds']:.2f} s waited in all, p99 {1000 * last['wait_p99']:.1f} ms,"
        f" max {1000 * last['wait_max']:.0f} ms; ids missed {last['ids_missed']:.0f},"
        f" doubled {last['ids_doubled']:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=120)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        training_shards.write_all(root / "data", 400)
        tiny_qwen.save_pipeline(root / "parts")
        config = configured(root, "alone", steps, units=str(root / "alone"))
        print(throughput(root, config, root / "alone"), flush=True)
        for line in transport(root / "numbers"):
            print(line, flush=True)
        for producers in (0, 1, 2):
            print(stall(root, steps, producers), flush=True)


if __name__ == "__main__":
    main()
