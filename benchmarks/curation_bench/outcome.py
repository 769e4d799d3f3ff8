"""What an entry is worth: what it kept of what was planted and of what is clean, and the table."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import seeds
from benchmarks.curation_bench import pool
from benchmarks.curation_bench.entries import RAW, STAGES, Kept
from benchmarks.curation_bench.pool import Truth
from benchmarks.curation_bench.training import Run

Share = tuple[int, int]  # kept, of
COPIES = ("duplicate", "near-duplicate")


@dataclass(frozen=True)
class Line:
    """An entry: what it kept, and its trainings, of each seed one."""

    name: str
    kept: Kept
    runs: list[Run]


def judged(truth: Mapping[str, Truth], kept: Kept) -> set[str]:
    """Keys that are kept, where of an image and its copies it does not matter which: the first that
    is kept stands for the image.
    """
    keys = set(kept.captions)
    groups = defaultdict(list)
    for key, of in truth.items():
        if key in keys and of.planted in COPIES:
            groups[of.group].append(key)
    for original, copies in groups.items():
        if original not in keys:
            keys.remove(min(copies))
            keys.add(original)
    return keys


def by_stage(truth: Mapping[str, Truth], kept: Kept) -> dict[str, Share]:
    """Of what each stage is to catch, how much was kept; with "" what is clean."""
    keys, counts = judged(truth, kept), dict[str, Share]()
    for key, of in truth.items():
        has, total = counts.get(of.stage, (0, 0))
        counts[of.stage] = has + (key in keys), total + 1
    return counts


def by_defect(truth: Mapping[str, Truth], kept: Kept) -> list[dict[str, object]]:
    """A row for each defect and strength, strings apart from photographs, with what dropped it."""
    keys = judged(truth, kept)
    groups: dict[tuple[str, str, float, bool], list[str]] = defaultdict(list)
    for key, of in truth.items():
        groups[of.stage, of.planted, of.strength, of.photograph].append(key)
    rows: list[dict[str, object]] = []
    for (stage, planted, strength, photograph), of_kind in sorted(groups.items()):
        rules = Counter(kept.rules[key] for key in of_kind if key in kept.rules)
        row = {"stage": stage, "planted": planted, "strength": strength, "photograph": photograph}
        has = sum(key in keys for key in of_kind)
        rows.append(row | {"images": len(of_kind), "kept": has, "rules": dict(rules.most_common())})
    return rows


def table(truth: Mapping[str, Truth], lines: Sequence[Line]) -> str:
    """A line for each entry; differences from ``raw`` go seed by seed."""
    heads = "".join(f"{f'{stage}, %':>8}" for stage in STAGES)
    text = [
        f"{'entry':<14}{'images':>7}  kept of what is planted for{'':>30}clean lost, %\n"
        f"{'':<14}{'kept':>7}{heads}{'strings':>9}{'photos':>8}{'exact, %':>13}"
        f"{'held-out loss':>17}{'exact less raw':>16}{'CPU-s':>7}{'trained':>9}"
    ]
    raw = {run.seed: run for line in lines if line.name == RAW for run in line.runs}
    return "\n".join([*text, *(_line(truth, line, raw) for line in lines)])


def _line(truth: Mapping[str, Truth], line: Line, raw: Mapping[int, Run]) -> str:
    shares = by_stage(truth, line.kept)
    stages = "".join(f"{_percent(*shares.get(stage, (0, 0))):>8}" for stage in STAGES)
    keys = judged(truth, line.kept)
    lost = ["", ""]
    for photograph in (False, True):
        clean = [
            key
            for key, of in truth.items()
            if of.planted == pool.CLEAN and of.photograph == photograph
        ]
        lost[photograph] = _percent(sum(key not in keys for key in clean), len(clean))
    start = f"{line.name:<14}{len(line.kept.captions):>7}{stages}{lost[0]:>9}{lost[1]:>8}"
    if not line.runs:
        return f"{start}{'':>46}{line.kept.seconds:>7.0f}"
    exact = seeds.interval([100 * run.accuracy for run in line.runs])
    loss = seeds.interval([run.loss for run in line.runs], 4)
    gains = [100 * (run.accuracy - raw[run.seed].accuracy) for run in line.runs if run.seed in raw]
    less = seeds.interval(gains) if gains and line.name != RAW else ""
    seconds = sum(run.cpu_seconds for run in line.runs)
    return f"{start}{exact:>13}{loss:>17}{less:>16}{line.kept.seconds:>7.0f}{seconds:>9.0f}"


def _percent(count: int, of: int) -> str:
    return f"{100 * count / of:.0f}" if of else "-"
