"""Entries: what each keeps of the pool, by its public command, and what that costs.

A finished entry leaves ``curated.json``; of the same configuration it is not curated again.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from benchmarks.curation_bench import pool
from benchmarks.peers import installing
from benchmarks.peers.contests import ONE_THREAD
from curation import storage
from curation.failures.errors import UsageError

Caption = dict[str, Any]
CONFIG = Path(__file__).with_name("entries.yaml")
RECIPE = Path(__file__).parents[1] / "peers" / "data-juicer-recipe.yaml"
INSTALLED = Path(__file__).parents[2] / "pipelines.yaml"
STAGES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7")
RAW, DATA_JUICER, CLEAN = "raw", "data-juicer", "clean"
BUILT_IN = (RAW, DATA_JUICER, *STAGES, "strings", CLEAN)
MOST_READ = 2000  # images that an entry may put through OCR
READERS = ("text-", "single_line-", "raw_quotes-")  # folders of signals that read text
_OURS = "curated"  # the output of `beam run`


@dataclass(frozen=True)
class Entry:
    """A pipeline of a configuration, or what is built in under its name."""

    name: str
    config: Path | None = None
    stage: str = ""

    @property
    def folder(self) -> str:
        """Its name, and what tells its configuration from others."""
        files = [RECIPE] if self.name == DATA_JUICER else [self.config or CONFIG, INSTALLED]
        ruled = self.config or self.name not in (RAW, CLEAN)
        texts = [file.read_bytes() for file in files] if ruled else []
        digest = hashlib.blake2b(b"\0".join([*texts, self.stage.encode()]), digest_size=4)
        return f"{self.name}-{self.stage or 'all'}-{digest.hexdigest()}"


@dataclass
class Kept:
    """``captions`` of the images that are kept, by key; None where they are as in the pool. Of
    the others ``rules`` says what dropped them. ``seconds`` of CPU: what the entry would take
    alone. ``images_read`` went through OCR.
    """

    captions: dict[str, list[Caption] | None]
    rules: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    images_read: int = 0


def curated(entry: Entry, out: Path, workers: int) -> Kept:
    """What an entry keeps. Raises ``UsageError`` where it reads too many images, or where its
    command fails.
    """
    folder = out / "entries" / entry.folder
    done = folder / "curated.json"
    if not done.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        kept = _by(entry)(entry, out, folder, workers)
        storage.write_bytes(str(done), json.dumps(asdict(kept)).encode())
    return Kept(**json.loads(done.read_text("utf-8")))


def _by(entry: Entry) -> Any:
    if entry.config is None and entry.name in (RAW, CLEAN):
        return _nothing_dropped
    return _data_juicer if entry.config is None and entry.name == DATA_JUICER else _ours


def _nothing_dropped(entry: Entry, out: Path, _folder: Path, _workers: int) -> Kept:
    truth = pool.read(out / pool.TRUTH)
    return Kept({key: None for key, of in truth.items() if entry.name == RAW or not of.stage})


def _ours(entry: Entry, out: Path, folder: Path, workers: int) -> Kept:
    output = folder / _OURS
    config = _with_stage(entry, folder) if entry.stage else entry.config or CONFIG
    name = "of_a_stage" if entry.stage else entry.name
    command = [sys.executable, "-m", "curation.command", "run", name, "--config", str(config)]
    command += ["--input", str(out / "pool"), "--output", str(output), "--workers", str(workers)]
    for other in sorted(out.glob(f"entries/*/{_OURS}/_SUCCESS")):
        command += ["--reuse", str(other.parent)]
    seconds = _run(entry.name, command) + _chain(entry, out)
    rules = {
        row["key"]: f"{row['stage']} {row['rule']}" if row["rule"] else row["reason"]
        for row in _rows(output / "ledger", ["key", "verdict", "stage", "rule", "reason"])
        if row["verdict"] != "kept"
    }
    captions = {row["key"]: row["caption_raw"] for row in _shown(output / "shards")}
    read = {row["id"] for row in _read_rows(output / "signals")}
    if len(read) > MOST_READ:
        raise UsageError(
            f"{entry.name}: {len(read)} images went through OCR; an entry may read "
            f"{MOST_READ}: put rules that need no text before those that do"
        )
    return Kept(captions, rules, seconds, len(read))


def _with_stage(entry: Entry, folder: Path) -> Path:
    """The configuration with one more pipeline: that of the entry, kept from its stage on."""
    content = yaml.safe_load((entry.config or CONFIG).read_text("utf-8"))
    content["pipelines"]["of_a_stage"] = {"extends": entry.name, "keep": entry.stage}
    path = folder / "pipelines.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return path


def _chain(entry: Entry, out: Path) -> float:
    """What the stages before cost, from which a built-in entry takes over what they measured."""
    if entry.config or entry.name not in STAGES[1:]:
        return 0.0
    before = Entry(STAGES[STAGES.index(entry.name) - 1])
    done = out / "entries" / before.folder / "curated.json"
    return float(json.loads(done.read_text("utf-8"))["seconds"]) if done.is_file() else 0.0


def _rows(folder: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    paths = sorted(folder.glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path, columns=columns).to_pylist()]


def _shown(shards: Path) -> list[dict[str, Any]]:
    return _rows(shards, ["key", "caption_raw"])


def _read_rows(signals: Path) -> list[dict[str, Any]]:
    folders = [path for path in signals.glob("*") if path.name.startswith(READERS)]
    return [row for folder in folders for row in _rows(folder, ["id"])]


def _data_juicer(entry: Entry, out: Path, folder: Path, _workers: int) -> Kept:
    """Raises ``installing.Absent`` where it cannot be installed."""
    program = installing.interpreter(DATA_JUICER).with_name("dj-process")
    lines = []
    for key in pool.read(out / pool.TRUTH):
        image = out / "pool" / key
        text = image.with_suffix(".txt").read_text("utf-8")
        lines.append(json.dumps({"text": text, "images": [str(image.resolve())]}))
    listing, exported = folder / "pool.jsonl", folder / "kept.jsonl"
    listing.write_text("\n".join(lines) + "\n", "utf-8")
    command = [str(program), "--config", str(RECIPE), "--dataset_path", str(listing)]
    caches = str(folder / "caches")
    own = {"HF_HOME": caches, "DATA_JUICER_CACHE_HOME": caches, "HF_HUB_OFFLINE": "1"}
    seconds = _run(entry.name, [*command, "--export_path", str(exported)], own)
    rows = [json.loads(line) for line in exported.read_text("utf-8").splitlines()]
    return Kept({Path(row["images"][0]).name: None for row in rows}, seconds=seconds)


def _run(name: str, command: Sequence[str], own: Mapping[str, str] | None = None) -> float:
    """CPU seconds of a command and of all processes below it. Raises ``UsageError``."""
    before = _seconds_of_children()
    environment = {**os.environ, **ONE_THREAD, **(own or {})}
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environment)
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-5:]) or "no message"
        raise UsageError(f"{name} ended with {done.returncode}: {said}")
    return _seconds_of_children() - before


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
