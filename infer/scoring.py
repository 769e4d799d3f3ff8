"""A benchmark carried out: images made or taken, looked at, scored, and the result published."""

import platform
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from curation import progress
from curation.failures.errors import UsageError
from curation.storage import ownership
from curation.strict_yaml import defined, files
from infer.evaluation.benchmark import Benchmark
from infer.harness import cache, contamination, measuring, page, results, sources
from infer.harness.judges import Judge
from infer.harness.measuring import Tools
from infer.harness.metrics import Metric
from infer.harness.readers import Reader
from infer.harness.rows import Request, Row, seed_of
from infer.harness.sources import Source, Task

PACKAGE, KIND = "infer.evaluation", "evaluation"
_VERSIONS = ("inkstone", "torch", "numpy", "pillow", "rapidocr", "onnxruntime", "diffusers")


@dataclass(frozen=True)
class Sample:
    """``count`` prompts of each group, chosen by ``seed``."""

    count: int
    seed: int


def benchmark(name: str) -> type[Benchmark]:
    """The benchmark of a name: a file in ``infer/evaluation``, or an import path.

    Raises ``UsageError``, with the nearest name.
    """
    base: type = Benchmark  # abstract, which mypy takes for a mistake
    try:
        kind: type[Benchmark] = defined(name, base, PACKAGE)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return kind


def names() -> list[str]:
    """All benchmarks that are files in ``infer/evaluation``."""
    return files(PACKAGE, Benchmark)


def full_name(metric: Metric, tools: Mapping[str, str]) -> str:
    """A metric's name with those of what it was read and judged by: never the bare one."""
    by = tools.values() if metric.by is None else [tools[kind] for kind in metric.by]
    used = ", ".join(dict.fromkeys(by))
    return f"{metric.name} ({used})" if used else metric.name


def run(
    name: str,
    chosen: Benchmark,
    source: Source,
    tools: Tools,
    out: Path,
    *,
    sample: Sample | None = None,
    trained_on: Sequence[str] = (),
) -> dict[str, Any]:
    """Carry a benchmark out and write all of ``out``; the result, as ``result.json`` has it.

    Raises ``UsageError``, ``IncompleteError``, ``OwnershipError``, ``OSError``.
    """
    everything = list(chosen.requests())
    sources.check(name, everything)
    requests = sampled(everything, sample)
    tasks = [Task(each, seed_of(name, each), each.size or source.size) for each in requests]
    asked = [[task.request.file, task.request.prompt, task.seed, task.size] for task in tasks]
    of = {
        "benchmark": name,
        "source": dict(source.identity),
        "sample": sample and {"prompts_of_a_group": sample.count, "seed": sample.seed},
    }
    with ownership.held(str(out), KIND):
        results.settle(out, of | dict(source.settings) | {"requests": cache.digest(asked)})
        report = contamination.of(everything, chosen.checkpoint, trained_on, chosen.held_out)
        source.make(name, tasks)
        rows, perfect = _judged(name, chosen, requests, source, tools)
        result = of | {
            "metrics": _metrics(chosen, rows, perfect, tools),
            "settings": dict(source.settings),
            "prompts": len({each.id for each in requests}),
            "of_prompts": len({each.id for each in everything}),
            "images": len(rows),
            "missing": sum(row.is_missing for row in rows),
            "reader": _settings(tools.reader),
            "judge": _settings(tools.judge),
            "contamination": report,
            "facts": dict(chosen.facts),
            "versions": _versions(),
        }
        results.write_rows(out, rows, () if chosen.reconstructs else requests)
        page.write(out, result, rows, source.folder, requests, chosen.legend)
        results.write_result(out, result)
    return result


def _settings(tool: Reader | Judge | None) -> dict[str, Any] | None:
    return None if tool is None else {"name": tool.name, **tool.settings}


def sampled(requests: Sequence[Request], sample: Sample | None) -> list[Request]:
    """A sample of each group, all where it is None; of a chain of edits all or none."""
    if sample is None:
        return list(requests)
    edited = {request.id: request.edits for request in requests}
    groups: dict[str, set[str]] = {}
    for request in requests:
        groups.setdefault(request.group, set()).add(_begin(request.id, edited))
    taken = set[str]()
    for group, ids in groups.items():
        chosen = random.Random(f"{sample.seed}:{group}")
        taken.update(chosen.sample(sorted(ids), min(sample.count, len(ids))))
    return [request for request in requests if _begin(request.id, edited) in taken]


def _begin(name: str, edited: Mapping[str, str | None]) -> str:
    """The id with whose image a chain of edits begins."""
    while (before := edited.get(name)) is not None:
        name = before
    return name


def _judged(
    name: str, chosen: Benchmark, requests: Sequence[Request], source: Source, tools: Tools
) -> tuple[list[Row], list[Row]]:
    """The rows of the images, and of perfect ones of the same prompts where there are such."""

    def opened(request: Request) -> Any:
        return sources.opened(source.folder, request)

    if tools.judge:
        total, left = measuring.calls(chosen, requests, opened, tools)
        progress.say(f"{tools.judge.name}: {left:,} of {total:,} questions are not answered yet")
    rows = measuring.rows(name, chosen, requests, opened, tools)
    if missing := sum(row.is_missing for row in rows):
        progress.say(f"{missing:,} of {len(rows):,} images are missing and count as empty ones")
    return rows, [] if tools.judge else _perfect(name, chosen, requests, tools)


def _perfect(name: str, chosen: Benchmark, requests: Sequence[Request], tools: Tools) -> list[Row]:
    """Rows of images that are all right, one of each prompt; none where some prompt has none."""
    if type(chosen).perfect is Benchmark.perfect:
        return []
    first = {each.id: each for each in reversed(requests)}
    rows = measuring.rows(name, chosen, list(first.values()), chosen.perfect, tools)
    if missing := sum(row.is_missing for row in rows):
        progress.say(f"no ceiling: {missing:,} of {len(rows):,} prompts have no perfect image here")
        return []
    return rows


def _metrics(
    chosen: Benchmark, rows: Sequence[Row], perfect: Sequence[Row], tools: Tools
) -> dict[str, Any]:
    listed: dict[str, Any] = {}
    for metric in chosen.score(rows):
        listed[full_name(metric, tools.names)] = metric.values()
    for metric in chosen.score(perfect) if perfect else ():
        own = listed.get(full_name(metric, tools.names))
        if own is not None:
            own["ceiling"] = metric.value
    return listed


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _VERSIONS:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def sentences(result: Mapping[str, Any]) -> list[str]:
    """A line for each figure, with what must be said beside it."""
    lines: list[str] = []
    for name, each in result["metrics"].items():
        interval = f"[{each['low']:.4f}, {each['high']:.4f}]"
        line = f"{name}: {each['value']:.4f} {interval} (n = {each['n']})"
        if "ceiling" in each:
            line += f", ceiling {each['ceiling']:.4f}"
        lines += [line, *([f"  {each['note']}"] if each["note"] else [])]
    if result["sample"]:
        lines.append(f"of a sample: {result['prompts']:,} of {result['of_prompts']:,} prompts")
    if result["missing"]:
        lines.append(
            f"missing: {result['missing']:,} of {result['images']:,} images, as empty ones"
        )
    lines.append(contamination.sentence(result["contamination"]))
    return lines
