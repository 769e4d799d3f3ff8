"""Do the filters pay? A fixed raw pool with planted defects and wrong captions, any curation of it,
a small model on what is kept, and how many held-out strings it then writes exactly.

    python -m benchmarks.curation_bench --out OUT                             # all built-in entries
    python -m benchmarks.curation_bench --out OUT --entry s2 --seeds 1
    python -m benchmarks.curation_bench --out OUT --config mine.yaml --pipeline mine [--stage s2]

OUT gets ``pool/``, ``truth.csv`` (which no entry sees), ``results.json``, and a folder for each
entry with the ordinary output of its command. What is done is not done again; killed, it goes on.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.curation_bench import entries, outcome, pool, training
from benchmarks.curation_bench.entries import BUILT_IN, Entry
from benchmarks.curation_bench.outcome import Line
from benchmarks.curation_bench.pool import Truth
from benchmarks.peers.installing import Absent
from curation import storage
from curation.failures.errors import UsageError
from curation.failures.exit_codes import WRONG_USAGE

SIZE, SEED = 1600, 1  # of the pool; all its images may go through OCR. Steps were chosen on seed 0
_PACKAGES = ("torch", "pillow", "opencv-python-headless", "onnxruntime", "rapidocr")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--entry", action="append", choices=BUILT_IN, help="repeatable; else all")
    parser.add_argument("--config", type=Path, help="of an entry of your own")
    parser.add_argument("--pipeline", help="its name there")
    parser.add_argument("--stage", default="", help="the stage to keep from, instead of its own")
    parser.add_argument("--seeds", type=int, default=3, help="trainings an entry; 0: only curate")
    parser.add_argument("--threads", type=int, default=1, help="of a training")
    parser.add_argument("--workers", type=int, default=1, help="of a curation")
    parser.add_argument("--pool-size", type=int, default=SIZE, help="another pool is another table")
    parser.add_argument("--pool-seed", type=int, default=SEED)
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Entry]:
    """The entries asked for. Raises ``UsageError``."""
    if bool(options.config) != bool(options.pipeline):
        raise UsageError("an entry of your own needs both --config FILE and --pipeline NAME")
    if options.config and not options.config.is_file():
        raise UsageError(f"--config {options.config}: no such file")
    own = [Entry(options.pipeline, options.config, options.stage)] if options.config else []
    if options.stage and not own:
        raise UsageError("--stage is of an entry of your own: give --config and --pipeline")
    names = options.entry or ((entries.RAW,) if own else BUILT_IN)
    return [*map(Entry, names), *own]


def the_pool(out: Path, size: int, seed: int) -> None:
    """Make the pool unless it is there. Raises ``UsageError`` where another is."""
    made = {"size": size, "seed": seed}
    record = out / "pool.json"
    if record.is_file() and json.loads(record.read_text()) != made:
        raise UsageError(f"{out}: has the pool {record.read_text()}; give another --out")
    out.mkdir(parents=True, exist_ok=True)
    storage.write_bytes(str(record), json.dumps(made).encode())
    if not (out / pool.TRUTH).is_file():
        pool.write(out / "pool", out / pool.TRUTH, size, seed)


def results(
    truth: Mapping[str, Truth], lines: Sequence[Line], command: Sequence[str]
) -> dict[str, Any]:
    """What ``results.json`` says."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "machine": {"cores": os.cpu_count(), "cpu": _cpu(), "system": platform.platform()},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
        "steps": training.STEPS,
        "judged": training.JUDGED,
        "entries": {
            line.name: {
                "images": len(line.kept.captions),
                "images_read": line.kept.images_read,
                "cpu_seconds": line.kept.seconds,
                "kept_by_stage": outcome.by_stage(truth, line.kept),
                "defects": outcome.by_defect(truth, line.kept),
                "runs": [asdict(run) for run in line.runs],
            }
            for line in lines
        },
    }


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _write(out: Path, truth: Mapping[str, Truth], lines: Sequence[Line]) -> None:
    written = json.dumps(results(truth, lines, sys.argv), indent=1).encode()
    storage.write_bytes(str(out / "results.json"), written)


def run(options: argparse.Namespace) -> str:
    """Everything; returns the table."""
    out: Path = options.out
    the_pool(out, options.pool_size, options.pool_seed)
    training.prepare(out)
    truth, lines = pool.read(out / pool.TRUTH), list[Line]()
    for entry in chosen(options):
        try:
            kept = entries.curated(entry, out, options.workers)
        except Absent as reason:
            print(f"skipped: {entry.name}: {reason}", flush=True)
            continue
        lines.append(Line(entry.name, kept, []))
        print(f"{entry.name}: {len(kept.captions)} images kept", flush=True)
    for seed in range(options.seeds):
        for line in lines:
            line.runs.append(training.trained(out, line.name, line.kept, seed, options.threads))
            _write(out, truth, lines)
            print(line.runs[-1], flush=True)
    _write(out, truth, lines)
    return outcome.table(truth, lines)


def main() -> int:
    options = _arguments()
    try:
        chosen(options)
        print(run(options))
    except UsageError as problem:
        print(problem, file=sys.stderr)
        return WRONG_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
