"""Two outputs of one benchmark: by how much their figures differ, over the same prompts."""

from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from infer import scoring
from infer.harness import metrics, results
from infer.harness.metrics import Metric

_SAME = ("benchmark", "sample", "reader", "judge")
_MADE = ("steps", "guidance", "negative", "size")


def compare(first: Path, second: Path) -> dict[str, Any]:
    """The second minus the first, with the 95 % interval of a paired bootstrap over prompts.

    Raises ``UsageError`` where benchmark, settings or prompts differ.
    """
    outs = (first, second)
    result, other = (results.read_result(out) for out in outs)
    for key in _SAME:
        _same(outs, key, result.get(key), other.get(key))
    for key in _MADE:  # of images that somebody else made nobody knows it
        values = (result["settings"].get(key), other["settings"].get(key))
        if None not in values:
            _same(outs, key, *values)
    kind = scoring.benchmark(result["benchmark"])
    of_rows = [results.read_rows(out) for out in outs]
    asked = [sorted((row.id, row.k, row.prompt) for row in rows) for rows in of_rows]
    if asked[0] != asked[1]:
        raise UsageError(f"{first} and {second}: not the same prompts, so that nothing pairs")
    tools = {name: each["name"] for name in ("reader", "judge") if (each := other.get(name))}
    before, after = (
        {scoring.full_name(metric, tools): metric for metric in kind.score(rows)}
        for rows in of_rows
    )
    differences = {name: _difference(before[name], after[name]) for name in before if name in after}
    return {
        "benchmark": result["benchmark"],
        "outputs": [str(out) for out in outs],
        "of": [result["source"], other["source"]],
        "differences": differences,
        "not_compared": sorted(before.keys() ^ after.keys()),
    }


def sentences(compared: dict[str, Any]) -> list[str]:
    """What is compared with what, and a line for each figure."""
    named = zip(compared["of"], compared["outputs"], strict=True)
    first, second = (f"{of['name']} ({out})" for of, out in named)
    lines = [f"{second} minus {first}:"]
    for name, each in compared["differences"].items():
        low, high = each["low"], each["high"]
        clear = "" if low > 0 or high < 0 else "; not told apart"
        lines.append(
            f"{name}: {each['difference']:+.4f} [{low:+.4f}, {high:+.4f}]"
            f" ({each['first']:.4f} -> {each['second']:.4f}, n = {each['n']}){clear}"
        )
        lines += [f"  {each['note']}"] if each["note"] else []
    if only := compared["not_compared"]:
        lines.append(f"not compared, as one of both alone has them: {', '.join(only)}")
    return lines


def _difference(old: Metric, new: Metric) -> dict[str, Any]:
    low, high = 0.0, 0.0
    if old.prompts:
        low, high = metrics.ends(new.resampled() - old.resampled())
    values = {"first": old.value, "second": new.value, "difference": new.value - old.value}
    note = metrics.note(low, high, old.strata)
    return {**values, "low": low, "high": high, "n": len(old.prompts), "note": note}


def _same(outs: tuple[Path, Path], key: str, first: Any, second: Any) -> None:
    if first != second:
        raise UsageError(
            f"{outs[0]} and {outs[1]}: {key} {first!r} and {second!r}; only what was asked and read"
            " alike can be compared"
        )
