"""What units cost: a producer's throughput, MB/s of file and HTTP, and how training waits.

Makes small shards and tiny random parts of the real Qwen-Image classes, then
1. makes all units by one producer: samples/s of reading, encoding and writing;
2. reads units back from a folder (mapped, checked, copied) and over HTTP from a server in another
   process: MB/s and CPU-s per GB, of units filled with numbers to the size of v1's features;
3. trains with all units made before; with 1 and with 2 producer processes that look ``_DEPTH``
   steps ahead; and with one that is stopped for most of the time: seconds waited, and in which
   steps. Stalls count after the first 10 steps. A step of training costs more than making its
   samples, so that a producer keeps up where it has a core.

    PYTHONPATH=. python -m benchmarks.producers --steps 60

Figures are of this machine as loaded as it is: say so with them.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.from_tests import tiny_qwen, training_shards
from train.data.batches import Shown
from train.producers import spans, units
from train.producers.counters import WARM_UP
from train.producers.folder import UnitFolder
from train.producers.stores import FolderStore
from train.producers.transport import HttpStore
from train.producers.units import Unit

_DEPTH = 16  # steps
_RUNS, _RESTS = 0.05, 2.0  # seconds of a slow producer
_READ = 8  # units
_TOKENS, _WIDTH = 128, 3584  # of v1's features: 0.92 MB a sample
_SAMPLES = 64  # of a unit that is read: 59 MB


def configured(root: Path, name: str, steps: int, **data: Any) -> Path:
    """A small training configuration on the real classes, in a file."""
    settings = {
        "steps": steps,
        "batch": 4,
        "precision": "fp32",
        "log_every": 10,
        "data": {"sizes": [], "held_out": 0, **data},
        "autoencoder": {"kind": "qwen", "path": str(root / "parts")},
        "text_encoder": {"kind": "qwen", "path": str(root / "parts")},
        "model": {"layers": 8, "heads": 4, "head_width": 64, "rope_axes": [16, 24, 24]},
        "evaluation": {"evaluators": []},
        "checkpoint": {"every": 100_000},
    }
    path = root / f"{name}.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def producer(root: Path, config: Path, folder: Path, *more: str) -> "subprocess.Popen[bytes]":
    """A producer of one thread in a process of its own."""
    given = ["--data", str(root / "data"), "--config", str(config), "--units", str(folder)]
    command = [sys.executable, "-m", "train.produce", *given, "--threads", "1", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def slowed(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Within, a process runs for ``_RUNS`` seconds, is stopped for ``_RESTS``, and so on."""
    over = threading.Event()

    def pace() -> None:
        while process.poll() is None:
            for number, seconds in ((signal.SIGSTOP, _RESTS), (signal.SIGCONT, _RUNS)):
                process.send_signal(number)
                if over.wait(seconds):
                    process.send_signal(signal.SIGCONT)
                    return

    thread = threading.Thread(target=pace)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


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
    producer(root, config, folder, "--all").wait()
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
        store = HttpStore(url, print)
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


def stall(root: Path, steps: int, named: str, producers: int, *, slow: bool = False) -> str:
    """Training with producers that begin with it, or (0) with everything made before."""
    folder = root / named.replace(" ", "-")
    config = configured(root, folder.name, steps, units=str(folder))
    if not producers:
        producer(root, config, folder, "--all").wait()
    running = [producer(root, config, folder, "--depth", str(_DEPTH)) for _ in range(producers)]
    begun = time.monotonic()
    try:
        with slowed(running[0]) if slow else nullcontext():
            last = trained(root, config, folder.with_suffix(".out"))
    finally:
        for each in running:
            each.terminate()
            each.wait()
    busy = last.get("producers/busy_milliseconds", 0.0) / 1000
    return (
        f"{named}: {last['stalled_steps']:.0f} of {steps - WARM_UP} steps stalled after warm-up,"
        f" {last['wait_seconds']:.2f} s waited in all, p99 {1000 * last['wait_p99']:.1f} ms,"
        f" max {1000 * last['wait_max']:.0f} ms; ids missed {last['ids_missed']:.0f},"
        f" doubled {last['ids_doubled']:.0f}; producers were busy for {busy:.1f} s of"
        f" {time.monotonic() - begun:.0f} s of training with its start"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=60)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        training_shards.write_all(root / "data", 400)
        tiny_qwen.save_pipeline(root / "parts")
        config = configured(root, "alone", steps, units=str(root / "alone"))
        print(throughput(root, config, root / "alone"), flush=True)
        for line in transport(root / "numbers"):
            print(line, flush=True)
        print(stall(root, steps, "all units made before", 0), flush=True)
        print(stall(root, steps, "1 producer", 1), flush=True)
        print(stall(root, steps, "2 producers", 2), flush=True)
        print(stall(root, steps, "1 slow producer", 1, slow=True), flush=True)


if __name__ == "__main__":
    main()
