"""What helps a small model at equal CPU time: runs of several seeds each, at a budget at which the
baseline is not yet done, since of models that write everything right nothing can be told.

    python -m benchmarks.ablations --out OUT                    # all groups, three seeds
    python -m benchmarks.ablations --out OUT --group strings --seeds 1

Group ``strings``: the demo's strings of 36 glyphs, curated; against them the same strings before
curation, captions of three kinds of which one does not say the text, and 1-D positions. Group
``pages``: two lines of Latin and 100 hanzi; against the last phase alone a curriculum of one line
first, and one of half the resolution first.

Steps are such that all arms of a group take as much CPU time, by what a step of each kind costs,
measured first (``costs.json``); arms whose steps cost the same by their making take as many. A run
that is done is not repeated. OUT gets ``runs.json`` and the sample grids of seed 0.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

import train
from benchmarks import ablation_data, mixed_lines, seeds

Settings = dict[str, Any]
_STRINGS, _PAGES = 4096, mixed_lines.PAGES
_PROBE = {"images": 1, "steps": 1, "held_out": 1}


@dataclass(frozen=True)
class Kind:
    """Steps of one cost: on the shards ``data``, with ``settings`` of their own. Kinds of the same
    shards that cost otherwise have a ``label``.
    """

    data: str
    settings: Settings = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Arm:
    """What differs from the baseline, the first of its group. ``last`` is what it is trained on;
    before that a third of the CPU time on ``first``, where it has a curriculum. ``like`` is the arm
    whose steps cost the same by their making.
    """

    name: str
    last: Kind
    first: Kind | None = None
    like: str = ""
    program: str = "train"


@dataclass(frozen=True)
class Group:
    """Arms that share a budget, ``steps`` of the baseline; they are judged on pages of ``judged``,
    by the trainer.
    """

    name: str
    judged: str
    steps: int
    settings: Settings
    arms: tuple[Arm, ...]


_DEMO = yaml.safe_load((Path(train.__file__).parent / "presets" / "demo.yaml").read_text("utf-8"))
HALF = Kind("pages", {"data": {"resolution": 39}}, "pages-of-48x32-px")
RUNNING = {"model": {**_DEMO["model"], "name": "running_positions"}}
GROUPS = (
    Group(
        "strings",
        "strings-clean",
        90,
        {"data": {"sizes": [], "resize": False, "captions": {"caption_recaption": 1}}},
        (
            Arm("curated", Kind("strings-curated")),
            Arm("raw", Kind("strings-raw"), like="curated"),
            Arm(
                "three kinds of captions",
                Kind("strings-captions", {"data": {"captions": {}}}),
            ),
            Arm(
                "1-D positions",
                Kind("strings-curated", RUNNING),
                like="curated",
                program="benchmarks.families",
            ),
        ),
    ),
    Group(
        "pages",
        "pages",
        240,
        yaml.safe_load(mixed_lines.SETTINGS),
        (
            Arm("last phase alone", Kind("pages")),
            Arm("one line first", Kind("pages"), Kind("lines")),
            Arm("half the resolution first", Kind("pages"), HALF),
        ),
    ),
)


@dataclass(frozen=True)
class Run:
    """One training, and how right its images of held-out texts are; ``accuracy`` 0 to 1."""

    group: str
    arm: str
    seed: int
    steps: int
    cpu_seconds: float
    accuracy: float
    loss: float


def merged(base: Settings, changes: Settings) -> Settings:
    """``base`` with ``changes``, key by key at any depth; captions are replaced as such."""
    values = dict(base)
    for key, value in changes.items():
        inner = isinstance(value, dict) and isinstance(values.get(key), dict) and value
        values[key] = merged(values[key], value) if inner else value
    return values


class Bench:
    """Runs below ``out``, each in a folder of its own."""

    def __init__(self, out: Path, threads: int, judged_images: int) -> None:
        self.out, self._threads, self._images = out, threads, judged_images

    def trained(
        self, group: Group, arm: Arm, name: str, seed: int, settings: Settings
    ) -> dict[str, Any]:
        """The result of a run, which is begun unless it is done."""
        folder = self.out / "runs" / name
        done = folder / "result.json"
        if not (done.is_file() and json.loads(done.read_text())["step"] == settings["steps"]):
            config = self.out / "runs" / f"{name}.yaml"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text(yaml.safe_dump(settings), "utf-8")
            command = [sys.executable, "-m", arm.program, "--preset", "demo", "--json"]
            command += ["--config", str(config), "--data", str(self.out / arm.last.data)]
            command += ["--evaluate-on", str(self.out / group.judged), "--out", str(folder)]
            command += ["--seed", str(seed), "--threads", str(self._threads)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        result: dict[str, Any] = json.loads(done.read_text())
        return result

    def cost(self, group: Group, arm: Arm, kind: Kind) -> float:
        """CPU seconds of a step of a kind, measured once."""
        name = f"cost-{kind.label or kind.data}"
        costs_path = self.out / "costs.json"
        costs: dict[str, float] = json.loads(costs_path.read_text()) if costs_path.is_file() else {}
        if name not in costs:
            probe: Settings = {"steps": 20, "evaluation": {"every": 5, **_PROBE}}
            settings = merged(merged(group.settings, kind.settings), probe)
            alone = Arm(name, kind, program=arm.program)
            self.trained(group, alone, name, 0, settings)
            lines = (self.out / "runs" / name / "evaluations.jsonl").read_text().splitlines()
            seconds = [json.loads(line)["cpu_seconds"] for line in lines]
            costs[name] = (seconds[-1] - seconds[0]) / 15
            costs_path.write_text(json.dumps(costs, indent=1))
        return costs[name]

    def settings(self, group: Group, arm: Arm) -> Settings:
        """Of an arm, its steps such that it costs what the baseline does."""
        baseline = group.arms[0]
        alike = arm is baseline or arm.like == baseline.name
        steps, phases = group.steps, []
        if not alike:
            budget = steps * self.cost(group, baseline, baseline.last)
            if arm.first:
                first = round(budget / 3 / self.cost(group, arm, arm.first))
                own = {"steps": first, "sources": [{"data": str(self.out / arm.first.data)}]}
                phases = [own | arm.first.settings.get("data", {}), {}]
                steps = first + round(budget * 2 / 3 / self.cost(group, arm, arm.last))
            else:
                steps = round(budget / self.cost(group, arm, arm.last))
        judged = {"every": 10 * steps, "held_out": self._images, "images": self._images}
        changes = {"steps": steps, "evaluation": judged} | ({"phases": phases} if phases else {})
        return merged(merged(group.settings, arm.last.settings), changes)

    def run(self, group: Group, arm: Arm, seed: int) -> Run:
        """An arm with a seed."""
        settings = self.settings(group, arm)
        label = f"{group.name}-{arm.name.replace(' ', '-')}"
        name = f"{label}-{settings['steps']}-{seed}"
        result = self.trained(group, arm, name, seed, settings)
        if seed == 0:
            shutil.copyfile(result["samples"], self.out / f"{label}.png")
        return Run(
            group.name,
            arm.name,
            seed,
            settings["steps"],
            result["cpu_seconds"],
            result["held_out_accuracy"],
            result["held_out_loss"],
        )


def table(runs: Sequence[Run]) -> str:
    """A line for each arm: means with 95 % intervals, and the differences from the first arm of
    its group, seed by seed.
    """
    lines = [
        f"{'group':<9}{'arm':<27}{'seeds':>5}{'steps':>6}{'CPU-s':>8}"
        f"{'exact, %':>14}{'held-out loss':>16}{'exact less baseline':>21}"
    ]
    for group, arm in dict.fromkeys((run.group, run.arm) for run in runs):
        own = [run for run in runs if (run.group, run.arm) == (group, arm)]
        first = next(run.arm for run in runs if run.group == group)
        base = {run.seed: run for run in runs if (run.group, run.arm) == (group, first)}
        gains = [100 * (run.accuracy - base[run.seed].accuracy) for run in own if run.seed in base]
        exact = seeds.interval([100 * run.accuracy for run in own])
        loss = seeds.interval([run.loss for run in own], 4)
        seconds = sum(run.cpu_seconds for run in own) / len(own)
        less = "" if arm == first or not gains else seeds.interval(gains)
        lines.append(
            f"{group:<9}{arm:<27}{len(own):>5}{own[0].steps:>6}{seconds:>8.0f}"
            f"{exact:>14}{loss:>16}{less:>21}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--group", choices=[group.name for group in GROUPS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--images", type=int, default=256, help="of held-out texts that are judged")
    options = parser.parse_args()
    bench = Bench(options.out, options.threads, options.images)
    chosen = [group for group in GROUPS if options.group in (None, group.name)]
    runs: list[Run] = []
    for group in chosen:
        if not (options.out / group.judged).is_dir():
            make = {"strings": ablation_data.strings, "pages": ablation_data.pages}
            make[group.name](options.out, {"strings": _STRINGS, "pages": _PAGES}[group.name])
        for seed in range(options.seeds):
            for arm in group.arms:
                runs.append(bench.run(group, arm, seed))
                written = json.dumps([asdict(run) for run in runs], indent=1)
                (options.out / "runs.json").write_text(written)
                print(runs[-1], flush=True)
    print(table(runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
