"""A row's story: what ``beam explain`` knows about it, as plain data and as text."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from curation.report import text

Outcome = Literal["passed", "failed", "not measured", "not reached"]


@dataclass(frozen=True)
class Check:
    """A rule the row met, or would have met: ``value`` against ``bound``."""

    stage: str
    rule: str
    value: float | str | None
    bound: float | str
    outcome: Outcome


@dataclass(frozen=True)
class Copy:
    """Another row with the same or almost the same picture."""

    key: str
    uri: str
    id: str
    verdict: str


@dataclass(frozen=True)
class Story:
    """Everything known about a row.

    ``uri`` is where it came from; ``unit`` and ``row`` where its measurements lie; ``stage``,
    ``rule``, ``value``, ``bound`` and ``reason`` are the ledger's; ``checks`` are all rules in the
    order in which they were applied; ``better`` is what it is a duplicate of; ``copies`` are at
    most twenty of the ``copies_total`` rows that are copies of it; ``shard`` is the file
    it was written to.
    """

    key: str
    uri: str
    id: str | None
    unit: str
    row: int
    size: int | None
    verdict: str
    stage: str | None
    rule: str | None
    value: float | None
    bound: float | None
    reason: str | None
    checks: tuple[Check, ...]
    signals: Mapping[str, Any]
    better: Copy | None = None
    copies: tuple[Copy, ...] = ()
    copies_total: int = 0
    shard: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The story as plain data; a lone surrogate becomes U+FFFD and NaN null."""
        return {name: _printable(value) for name, value in asdict(self).items()}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_printable(key): _printable(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(child) for child in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def format_story(story: Story) -> str:
    """The story for a terminal: control characters and bidirectional overrides become U+FFFD."""
    lines = [
        text.name(story.key, 300),
        f"  from      {text.name(story.uri, 1000)}",
        f"  id        {story.id or 'none: not readable'}"
        + ("" if story.size is None else f", {text.count(story.size)} bytes"),
        f"  measured  signals/{story.unit}.parquet, row {story.row}",
        f"  verdict   {_verdict(story)}",
    ]
    if story.shard:
        lines.append(f"  shard     {text.name(story.shard, 300)}")
    if story.better:
        lines.append(f"  copy of   {_copy(story.better)}")
    if story.copies:
        lines.append(f"  copies    {text.count(story.copies_total)} of it:")
        lines += [f"              {_copy(copy)}" for copy in story.copies]
    stage = None
    for check in story.checks:
        if check.stage != stage:
            stage = check.stage
            lines += ["", f"  {text.name(stage)}"]
        lines.append(_check_line(check))
    shown = {name: value for name, value in story.signals.items() if value is not None}
    if shown:
        lines += ["", "  signals"]
        lines += [f"    {text.name(name):<20} {_value(value)}" for name, value in shown.items()]
    return "\n".join(lines)


def _verdict(story: Story) -> str:
    if story.verdict == "quarantined":
        return f"quarantined: {text.prose(story.reason, 300)}"
    why = ""
    if story.rule is not None and story.bound is not None:
        word = "below" if story.rule.endswith(".min") else "above"
        why = f"{story.rule}: {_value(story.value)} is {word} {_value(story.bound)}"
    if story.verdict == "kept":
        return f"kept, stage {story.stage} passed" + (f"; stopped after it by {why}" if why else "")
    if not why and story.reason:
        why = f"{story.rule}: {text.prose(story.reason, 300)}"
    return f"{story.verdict} at stage {story.stage} by {why}"


def _copy(copy: Copy) -> str:
    known = f"{text.name(copy.key, 200)} ({copy.verdict})" if copy.key else "a row not found"
    return f"{known}, id {copy.id}"


def _check_line(check: Check) -> str:
    sign = {"min": ">=", "max": "<="}.get(check.rule.rsplit(".", 1)[-1], "in")
    value = "" if check.value is None else _value(check.value)
    return f"    {check.outcome:<12} {check.rule:<22} {value:>12} {sign} {_value(check.bound)}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    return text.prose(str(value), 200)
