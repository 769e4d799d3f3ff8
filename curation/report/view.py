"""What was collected, put into words and places: the values the template prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.judging.rules import CAPTIONS
from curation.report import charts, sliders, tables, text
from curation.report.caption_table import caption_rows
from curation.report.cards import COVERED, Card, card
from curation.report.charts import Chart
from curation.report.collect import Collected
from curation.report.duplicates import Group, Member
from curation.report.funnel import Funnel
from curation.report.histogram import Histogram
from curation.report.nearest import Nearest, Pick
from curation.report.outcome import Bound
from curation.report.sliders import Trial

SHOWN_INPUTS = 20
SHOWN_ORIGINS = 40


@dataclass(frozen=True)
class FunnelRow:
    """A line of the funnel; ``left`` and ``width`` are per cent of the input.

    ``kind`` is ``entered``, ``dropped``, ``held`` (back, but kept), ``quarantined`` or ``passed``.
    """

    kind: str
    label: str
    rule: str
    count: int
    left: float
    width: float


@dataclass(frozen=True)
class Strip:
    """The images around a bound, both sides in ascending order of their value."""

    bound: str
    rule: str
    side: str
    beyond: str
    stopped_cards: tuple[Card, ...]
    kept_cards: tuple[Card, ...]
    held_back: bool


@dataclass(frozen=True)
class SignalView:
    """One ruled signal: its chart, and a strip per bound."""

    column: str
    unit: str
    meaning: str
    histogram: Histogram
    chart: Chart
    trial: Trial | None
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class GroupView:
    """A group of duplicates as cards, the kept member first; ``more`` are not shown."""

    cards: tuple[Card, ...]
    more: int


def context(collected: Collected) -> dict[str, Any]:
    run = collected.run
    inputs = run.get("inputs") or []
    return {
        "run": run,
        "funnel": collected.funnel,
        "funnel_rows": funnel_rows(collected.funnel, collected),
        "overlap": tables.overlap_rows(collected.overlap),
        "sources": collected.origins,
        "captions": collected.captions,
        "caption_rows": caption_rows(run),
        "origins": list(collected.captions["origins"].items())[:SHOWN_ORIGINS],
        "more_origins": max(0, len(collected.captions["origins"]) - SHOWN_ORIGINS),
        "notes": [str(note) for note in run.get("counts", {}).get("notes", ())],
        "kept": [card(collected.thumbnails, pick) for pick in collected.kept],
        "signals": [_signal(collected, histogram) for histogram in collected.histograms],
        "unstored": [
            _phrase(bound, _unit(collected, bound.column)) for bound in collected.unstored
        ],
        "duplicates": [
            (kind, [_group(collected, group, kind.column) for group in kind.shown])
            for kind in collected.duplicates
        ],
        "quarantine": _quarantine(collected),
        "sections": [
            (section, view)
            for section in collected.sections
            if (view := section.view(collected.thumbnails)) is not None
        ],
        "inputs": [str(entry) for entry in inputs[:SHOWN_INPUTS]],
        "more_inputs": max(0, len(inputs) - SHOWN_INPUTS),
        "configuration": text.yaml_lines(run.get("configuration", {})),
        "versions": sorted((run.get("versions") or {}).items()),
        "steps": _steps(run),
    }


def _steps(run: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The timed steps, without the report's own: it is not over while this is written."""
    return [(name, step) for name, step in (run.get("steps") or {}).items() if name != "report"]


def _quarantine(collected: Collected) -> list[tuple[str, int, list[tuple[str, str]]]]:
    counts = collected.quarantine.counts
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    return [(code, counts[code], collected.quarantine.names[code]) for code in ordered]


def _required(run: Mapping[str, Any]) -> dict[str, str]:
    """By quota the stage that the rows it limits must pass to be kept."""
    configured = run.get("configuration", {}).get("quotas", {})
    return {name: quota["since"] for name, quota in configured.items() if "share" in quota}


def _unit(collected: Collected, column: str) -> str:
    return collected.described[column].unit if column in collected.described else ""


def funnel_rows(funnel: Funnel, collected: Collected) -> list[FunnelRow]:
    """The funnel as a staircase: every loss stands where it takes its piece away."""
    total = max(1, funnel.total)
    rows = [FunnelRow("entered", "Images in", "", funnel.total, 0.0, 100.0)]

    def lose(kind: str, label: str, rule: str, count: int, left_over: int) -> int:
        left_over -= count
        rows.append(
            FunnelRow(kind, label, rule, count, 100 * left_over / total, 100 * count / total)
        )
        return left_over

    remaining = lose("quarantined", "no whole image", "", funnel.unreadable, funnel.total)
    required = _required(collected.run)
    later = any(stage.deeper and stage.name in required.values() for stage in funnel.stages)
    for stage in funnel.stages:
        for rule in stage.rules:
            label = _phrase(rule.bound, _unit(collected, rule.bound.column))
            drops = rule.bound.quota and required.get(rule.bound.column) == stage.name
            kind = "held" if stage.deeper and not drops else "dropped"
            remaining = lose(kind, label, f"{stage.name} {rule.bound.rule}", rule.count, remaining)
        if stage.unmeasured:
            remaining = lose(
                "quarantined", "could not be measured", "", stage.unmeasured, remaining
            )
        label = f"pass {stage.name}" + (f" ({stage.resolution} px)" if stage.resolution else "")
        if stage.decides:
            label += ": kept, if no share limits it" if later else ": kept"
        rows.append(FunnelRow("passed", label, "", stage.passed, 0.0, 100 * remaining / total))
    return rows


_REPRESENTED = {
    "exact_better": "same bytes as its representative",
    "pair_better": "same bytes and captions as its representative",
    "near_better": "near-duplicate of its representative",
}


def _phrase(bound: Bound, unit: str) -> str:
    """What a bound stops, in words."""
    if bound.column in _REPRESENTED and bound.value == 0:
        return _REPRESENTED[bound.column]
    if bound.column == CAPTIONS:
        return "no caption is left"
    if bound.quota:
        return f"beyond the quota {bound.column}"
    if bound.side == "in":
        return f"{bound.column} not among {bound.limit}"
    word = "below" if bound.side == "min" else "above"
    return f"{bound.column} {word} {bound.said(unit)}"


def _signal(collected: Collected, histogram: Histogram) -> SignalView:
    column, unit = histogram.column, _unit(collected, histogram.column)
    meaning = collected.described[column].meaning if column in collected.described else ""
    strips = tuple(
        _strip(collected, entry, histogram, unit)
        for entry in collected.nearest
        if entry.bound.column == column
    )
    chart = charts.lay_out(histogram, unit)
    trial = sliders.trial(histogram, unit)
    return SignalView(column, unit, meaning, histogram, chart, trial, strips)


def _strip(collected: Collected, entry: Nearest, histogram: Histogram, unit: str) -> Strip:
    def cards(chosen: Sequence[Pick]) -> tuple[Card, ...]:
        ordered = sorted(chosen, key=lambda pick: (pick.value, pick.uri))
        covered = bound.column in COVERED and chosen is entry.stopped
        return tuple(
            card(collected.thumbnails, pick, _beside(pick.value, bound, unit), covered=covered)
            for pick in ordered
        )

    bound = entry.bound
    sign = "≥" if bound.side == "min" else "≤"
    return Strip(
        bound=f"{bound.stage}: {bound.column} {sign} {bound.said(unit)}",
        rule=bound.rule,
        side=bound.side,
        beyond=_beyond(
            histogram.beyond_each[histogram.bounds.index(bound)],
            entry.stopped_count,
            "held back" if bound.deeper else "dropped",
        ),
        stopped_cards=cards(entry.stopped),
        kept_cards=cards(entry.kept),
        held_back=bound.deeper,
    )


def _beyond(beyond: int, stopped: int, word: str) -> str:
    """How many lie beyond a bound, and how many of them it stopped."""
    if not beyond:
        return "nothing beyond it"
    if stopped == beyond:
        return f"{text.count(beyond)} beyond it, {word} by this rule"
    if not stopped:
        return f"{text.count(beyond)} beyond it, all {word} by an earlier rule"
    first, rest = text.count(stopped), text.count(beyond - stopped)
    return f"{text.count(beyond)} beyond it: {first} {word} by this rule, {rest} by an earlier one"


def _beside(value: float, bound: Bound, unit: str) -> str:
    """The value with as many digits as tell it from the bound."""
    shown = text.figure(value, unit)
    alike = shown == text.figure(bound.value, unit)
    return f"{value:.7g}" if alike and value != bound.value else shown


def _why(member: Member, column: str) -> str:
    """The rule that dropped a member, unless it is just that of being such a duplicate."""
    rule = member.rule or ""
    return "" if rule.startswith(column) or member.verdict == "kept" else rule


def _group(collected: Collected, group: Group, column: str) -> GroupView:
    first = [group.representative] if group.representative else []
    members: list[Member] = [*first, *group.others]
    cards = [
        card(
            collected.thumbnails,
            member.pick,
            why,
            member.verdict,
            covered=why.split(".")[0] in COVERED,
        )
        for member, why in ((member, _why(member, column)) for member in members)
    ]
    return GroupView(tuple(cards), max(0, group.size - len(cards)))
