"""A row's explanation: what ``beam explain`` knows about it, as plain data and as text."""

import math
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any, Literal

from curation.inspect.explained_captions import IN_SOURCE, ExplainedCaption
from curation.progress import two_digits
from curation.report import text

FAILED = ("failed", "would fail")
Outcome = Literal["passed", "failed", "would pass", "would fail", "not measured", "not reached"]


@dataclass(frozen=True)
class Check:
    """A rule the row met, or would have met: ``value`` against ``bound``.

    After the rule that decided stands what the others would have said; of them ``not reached`` are
    those without a value.
    Both are in pixels at a side of ``scale``, where the column scales with the image.
    ``evidence`` names the columns that a derived column's value was computed from.
    """

    stage: str
    rule: str
    value: float | str | None
    bound: float | str
    outcome: Outcome
    evidence: tuple[str, ...] = ()
    scale: int | None = None


@dataclass(frozen=True)
class Relative:
    """Another row with the same or almost the same image."""

    key: str
    uri: str
    id: str
    verdict: str


@dataclass(frozen=True)
class Explanation:
    """Everything known about a row.

    ``uri`` is where it came from; row ``row`` of ``measured``, the file of ``unit`` that holds what
    was measured of it (columns of models lie beside it); ``stage``,
    ``rule``, ``value``, ``bound`` and ``reason`` are the ledger's; ``checks`` are all rules in the
    order in which they were applied; ``representative`` is what it is a duplicate of;
    ``duplicates`` are at most twenty of the ``duplicates_total`` rows that it represents;
    ``shard`` is the file it was written to, ``captions`` are all of it, also those that fell.
    ``quota`` is what ranks the row, where the rule is a quota; ``units`` are those of ``signals``.
    ``inputs`` are the bounded columns of what an edit was made from, input by input;
    ``instructions`` what a shard or a captioner says was asked for.
    """

    key: str
    uri: str
    id: str | None
    unit: str
    measured: str
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
    representative: Relative | None = None
    duplicates: tuple[Relative, ...] = ()
    duplicates_total: int = 0
    shard: str | None = None
    quota: str | None = None
    captions: tuple[ExplainedCaption, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    instructions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The explanation as plain data; a lone surrogate becomes U+FFFD and NaN null."""
        return {name: _printable(value) for name, value in asdict(self).items()}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_printable(key): _printable(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(child) for child in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def as_text(explanation: Explanation, *, short: bool = False) -> str:
    """For a terminal: control characters and bidirectional overrides become U+FFFD.

    ``short``: of the rules those that it failed or would fail, and no measured columns.
    """
    lines = [
        text.name(explanation.key, 300),
        f"  from          {text.name(explanation.uri, 1000)}",
        f"  id            {explanation.id or 'none: not readable'}"
        + ("" if explanation.size is None else f", {text.count(explanation.size)} bytes"),
        f"  measured      {text.name(explanation.measured, 300)}, row {explanation.row}",
        f"  verdict       {verdict_said(explanation)}",
    ]
    if further := [of for of in explanation.checks if of.outcome == "would fail"]:
        names = ", ".join(f"{of.rule} ({text.name(of.stage)})" for of in further)
        lines.append(f"  would fail    {names}")
    if explanation.inputs:
        lines += [f"  instruction   {of}" for of in _instructions(explanation)]
        lines.append(f"  edit          {_edit(explanation)}")
    if explanation.shard:
        lines.append(f"  shard         {text.name(explanation.shard, 300)}")
    for caption in explanation.captions:
        lines += [f"  caption       {caption.split}: {caption.said}", f"{' ' * 16}{caption.end}"]
    if explanation.representative:
        lines.append(f"  duplicate of  {_relative(explanation.representative)}")
    if explanation.duplicates:
        lines.append(f"  duplicates    {text.count(explanation.duplicates_total)} of it:")
        lines += [f"                  {_relative(relative)}" for relative in explanation.duplicates]
    by_stage = groupby(explanation.checks, lambda of: of.stage)
    stages = [(stage, [*checks]) for stage, checks in by_stage]
    if short:
        for stage, checks in stages:
            lines.append(f"  {text.name(stage):<14}{outcomes_said(checks)}")
            lines += _checks([of for of in checks if of.outcome in FAILED], explanation)
        return "\n".join([*lines, "  every rule, and all that was measured: --long"])
    for stage, checks in stages:
        lines += ["", f"  {text.name(stage)}", *_checks(checks, explanation)]
    shown = {name: value for name, value in explanation.signals.items() if value is not None}
    if shown:
        lines += ["", "  signals"]
        units = explanation.units
        lines += [_signal_line(name, value, units.get(name)) for name, value in shown.items()]
    for number, columns in enumerate(explanation.inputs, 1):
        lines += ["", f"  input {number}"]
        lines += [_signal_line(name, value, None) for name, value in columns.items()]
    return "\n".join(lines)


def outcomes_said(checks: Sequence[Check]) -> str:
    """How many rules of a stage came out how: ``16 passed, 1 failed``."""
    outcomes = Counter(check.outcome for check in checks)
    return ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())


def _checks(checks: Sequence[Check], explanation: Explanation) -> Iterator[str]:
    """Rules, a line each, and of those that it fails why."""
    for check in checks:
        yield _check_line(check)
        if check.outcome not in FAILED:
            continue
        if evidence := ", ".join(_evidence(check.evidence, explanation.signals)):
            yield from textwrap.wrap(
                f"because of {evidence}",
                width=100,
                initial_indent=" " * 17,
                subsequent_indent=" " * 19,
            )


def _edit(explanation: Explanation) -> str:
    """Of what kind an edit is, from how many images, and how much it changed."""
    known, number = explanation.signals, len(explanation.inputs)
    said = [known.get("edit_operation") or known.get("edit_kind") or "of no known kind"]
    said.append(f"from {number} {'image' if number == 1 else 'images'}")
    if (share := known.get("changed_share")) is not None:
        said.append(f"{two_digits(100 * share)} % of the pixels changed")
    return text.prose(", ".join(said), 200)


def _instructions(explanation: Explanation) -> list[str]:
    """What was asked for, in all its wordings, and whether a model wrote them."""
    known = explanation.signals
    written = [of["text"] for of in known.get("caption_instruction") or ()]
    by = " (written by a captioner)" if written else ""
    said = [text.prose(of, 300) + by for of in explanation.instructions or written]
    if said:
        return said
    return ["none"] if known.get("instruction_validity") == "missing" else [IN_SOURCE]


def verdict_said(explanation: Explanation) -> str:
    """What became of a row and why, in a line."""
    if explanation.verdict == "quarantined":
        return f"quarantined: {text.prose(explanation.reason, 300)}"
    why = ""
    if explanation.rule is not None and explanation.bound is not None:
        word = "below" if explanation.rule.endswith(".min") else "above"
        ranked = f"beyond the quota: its {explanation.quota} " if explanation.quota else ""
        failed = [check for check in explanation.checks if check.outcome == "failed"]
        values = f"{value_said(explanation.value)} is {word} {value_said(explanation.bound)}"
        values += f" px at {failed[0].scale}" if failed and failed[0].scale else ""
        image = f"{explanation.reason}: " if explanation.reason else ""  # the image of a pair
        why = f"{explanation.rule}: {ranked}{image}{values}"
    if explanation.verdict == "kept":
        return f"kept, stage {explanation.stage} passed" + (
            f"; stopped after it by {why}" if why else ""
        )
    if not why and explanation.reason:
        why = f"{explanation.rule}: {text.prose(explanation.reason, 300)}"
    return f"{explanation.verdict} at stage {explanation.stage} by {why}"


def _relative(relative: Relative) -> str:
    known = (
        f"{text.name(relative.key, 200)} ({relative.verdict})"
        if relative.key
        else "a row not found"
    )
    return f"{known}, id {relative.id}"


def _check_line(check: Check) -> str:
    sign = {"min": ">=", "max": "<="}.get(check.rule.rsplit(".", 1)[-1], "in")
    value = "" if check.value is None else value_said(check.value)
    line = f"    {check.outcome:<12} {check.rule:<22} {value:>12} {sign} {value_said(check.bound)}"
    return f"{line} px at {check.scale}" if check.scale else line


def _signal_line(name: str, value: Any, unit: str | None) -> str:
    line = f"    {text.name(name):<20} {value_said(value)}"
    return f"{line:<40} {text.prose(unit)}" if unit else line


def _evidence(names: tuple[str, ...], signals: Mapping[str, Any]) -> Iterator[str]:
    for name in names:
        if signals.get(name) is not None:
            yield f"{text.name(name)} {value_said(signals[name])}"


def value_said(value: Any) -> str:
    """A value in a line."""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, list) and value and isinstance(value[0], Mapping) and "quad" in value[0]:
        value = f"{len(value)}: {'; '.join(map(_region, value))}"
    return text.prose(str(value), 200)


def _region(of: Mapping[str, Any]) -> str:
    """What was seen, and its upper left corner in pixels."""
    quad = of["quad"] or [math.nan]
    said = f' "{of["text"]}"' if of.get("text") else ""
    return f"{of.get('kind') or 'box'}{said} at {min(quad[::2]):.0f},{min(quad[1::2] or quad):.0f}"
