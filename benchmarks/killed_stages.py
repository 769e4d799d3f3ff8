"""kill -9 at random moments of all seven stages, models and captioner at work; then again.

``python -m benchmarks.killed_stages --data ../shared/data --kills 10``

The shipped ``curate`` over a small collection, with a captioner that is a server of its own: it
outlives what is killed, answers at once, and counts what it is asked. Each run is killed a random
moment after something began that differs from drill to drill: units measured, models looking,
captions asked for, captions written, groupings, shards. Half of the runs are threads, of which the
process is killed; half are worker processes, of which one is. After the second run every byte is
compared with an undisturbed run's, no file of a finished unit or shard may have been written
again, and no caption that lay on disk may have been asked for again. The baseline is the
undisturbed run.
"""

import hashlib
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import psutil
import pyarrow.parquet as pq
import typer

from benchmarks import kills
from benchmarks.kills import MODES, digests
from benchmarks.seven_stages import ROOT, collect

OFFLINE = "backend: {name: offline}"
CAPTIONER = "recaption"
LONGEST = 8.0  # seconds after the beginning of what is to be hit
STARTING = 1800.0  # seconds until that begins, on a busy machine


class Captioner(ThreadingHTTPServer):
    """A server of chat completions that says of an image what its bytes are digested to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answers = 0
        Thread(target=self.serve_forever, daemon=True).start()

    def configured(self, text: str) -> str:
        """A configuration, asking this server instead of nobody."""
        if OFFLINE not in text:
            raise SystemExit(f"pipelines.yaml: no {OFFLINE!r}")
        url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return text.replace(OFFLINE, f"backend: {{name: endpoint, url: '{url}', model: counting}}")


class _Answering(BaseHTTPRequestHandler):
    server: Captioner

    def do_POST(self) -> None:
        """Answer a request."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        digest = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()
        annotation = {
            "Caption": f"A house with the number {int(digest[:4], 16)} beside a river.",
            "Image Type": "photograph",
            "Image Style": "realistic",
            "Watermark List": [],
            "Abnormal Element": "no",
        }
        message = {"content": json.dumps(annotation)}
        usage = {"prompt_tokens": 1, "completion_tokens": 1}
        said = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
        content = json.dumps(said).encode()
        self.server.answers += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def _there(*patterns: str) -> Callable[[Path, int], bool]:
    """Whether there is a file of one of these names."""
    return lambda output, _: any(any(output.glob(pattern)) for pattern in patterns)


MOMENTS: dict[str, Callable[[Path, int], bool]] = {
    "units": _there("signals/base-*/*.parquet"),
    "models": _there("signals/embedding-*/*", "signals/nsfw_open-*/*"),
    "captions asked": lambda _, answers: answers > 0,
    "captions written": _there(f"signals/{CAPTIONER}-*/*.parquet"),
    "groupings": _there("groups/mix-*/*", "groups/token_frequency-*/*"),
    "shards": _there("shards/*"),
}
"""What begins -> whether it has, by the output and by how often the captioner was asked."""


@dataclass(frozen=True)
class Drill:
    """A kill: at what, what lay on disk then, and what came of it."""

    mode: str
    moment: str
    second: float
    units: int
    captions: int
    asked_before: int
    asked_after: int
    code: int | None
    differing: int
    rewritten: int
    repeated: int


class Drills:
    """The undisturbed run in ``work``, and what is killed beside it."""

    def __init__(self, data: Path, work: Path, count: int, large: int, seed: int) -> None:
        self.work, self.folder, self.config = work, work / "in", work / "pipelines.yaml"
        self.chance, self.captioner = random.Random(seed), Captioner()
        self.config.write_text(self.captioner.configured((ROOT / "pipelines.yaml").read_text()))
        collect(data, self.folder, count, large)
        seconds = kills.finish(self.folder, work / "undisturbed", self.config, MODES[0])
        self.asked, self.wanted = self.captioner.answers, digests(work / "undisturbed")
        print(f"undisturbed: {seconds:.0f} s, {len(self.wanted)} files, {self.asked} captions")

    def drill(self, mode: str, moment: str) -> Drill:
        """One run, killed and run again."""
        output, first = self.work / "out", self.captioner.answers
        shutil.rmtree(output, ignore_errors=True)
        began = time.monotonic()
        process = kills.start(self.folder, output, self.config, mode)
        self._wait(process, moment, output, first)
        time.sleep(self.chance.uniform(0, LONGEST) if moment != "shards" else 0)
        code = kills.kill_something(process, mode, self.chance)
        second, asked = time.monotonic() - began, self.captioner.answers
        before, on_disk = _finished(output), _captions(output)
        kills.finish(self.folder, output, self.config, mode)
        after, results = _finished(output), digests(output)
        asked_after = self.captioner.answers - asked
        return Drill(
            mode=mode,
            moment=moment,
            second=round(second, 1),
            units=sum("base-" in str(of) for of in before),
            captions=on_disk,
            asked_before=asked - first,
            asked_after=asked_after,
            code=code,
            differing=sum(results.get(of) != self.wanted.get(of) for of in results | self.wanted),
            rewritten=sum(after.get(path) != moment for path, moment in before.items()),
            repeated=max(0, on_disk + asked_after - self.asked),
        )

    def _wait(self, process: psutil.Popen, moment: str, output: Path, first: int) -> None:
        end = time.monotonic() + STARTING
        while not MOMENTS[moment](output, self.captioner.answers - first):
            if process.poll() is not None or time.monotonic() > end:
                return
            time.sleep(0.02)


def _finished(output: Path) -> dict[Path, int]:
    """When each file was written that is not added to."""
    return dict(_times(output, "signals/base-*/*.parquet", "shards/*.parquet"))


def _times(output: Path, *patterns: str) -> Iterator[tuple[Path, int]]:
    for pattern in patterns:
        yield from ((path, path.stat().st_mtime_ns) for path in output.glob(pattern))


def _captions(output: Path) -> int:
    """Of how many rows the captioner's columns are on disk."""
    paths = output.glob(f"signals/{CAPTIONER}-*/*.parquet")
    return sum(int(pq.read_metadata(path).num_rows) for path in paths)


def main(
    data: Annotated[Path, typer.Option(help="Folder with manifest.csv and what it lists.")] = Path(
        "../shared/data"
    ),
    drills: Annotated[int, typer.Option("--kills", help="How many runs are killed.")] = 10,
    count: Annotated[int, typer.Option(help="Files of the collection.")] = 100,
    large: Annotated[int, typer.Option(help="Of the good images, so many as they are.")] = 10,
    first: Annotated[int, typer.Option(help="Number of the first: which moments are hit.")] = 0,
    seed: int = 1,
) -> None:
    """Print one line per kill and the sum.

    Example: python -m benchmarks.killed_stages --kills 2 --count 40 --large 4
    """
    made: list[Drill] = []
    with tempfile.TemporaryDirectory() as name:
        place = Drills(data, Path(name), count, large, seed)
        for number in range(first, first + drills):
            mode, moment = MODES[number % 2], [*MOMENTS][(number + number // 6) % len(MOMENTS)]
            made.append(place.drill(mode, moment))
            print(made[-1], flush=True)
    bad = [of for of in made if of.code is None or of.differing or of.rewritten or of.repeated]
    late = sum(of.code == 0 for of in made)
    print(f"{len(made) - len(bad)} of {len(made)} as wanted; {late} kills came too late")
    if bad:
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
