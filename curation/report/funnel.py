"""The funnel and the ledger's sum, counted from the ledger's rows and held against ``run.json``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curation.judging.rules import VERDICTS
from curation.report.outcome import Bound, Unit, stages

KEY_COLUMNS = ("verdict", "stage", "rule")


@dataclass(frozen=True)
class RuleCount:
    """How many rows a rule stopped."""

    bound: Bound
    count: int


@dataclass(frozen=True)
class StageCount:
    """What happened at a stage: ``entered = unmeasured + sum of the rules + passed``.

    ``decides`` marks the stage that a row must pass to be kept, ``deeper`` the stages after it,
    which hold rows back without dropping them.
    """

    name: str
    resolution: int | None
    entered: int
    unmeasured: int
    rules: tuple[RuleCount, ...]
    passed: int
    decides: bool
    deeper: bool


@dataclass(frozen=True)
class Funnel:
    """Totals, stages and what does not add up (``problems``, empty in a sound run)."""

    total: int
    kept: int
    dropped: int
    quarantined: int
    unreadable: int
    stages: tuple[StageCount, ...]
    problems: tuple[str, ...]


@dataclass
class LedgerCounts:
    """Counts of (verdict, stage, rule), added up unit by unit."""

    rows: Counter[tuple[str, str | None, str | None]] = field(default_factory=Counter)

    def add(self, unit: Unit) -> None:
        """Count a unit's ledger rows."""
        table: pa.Table = (
            unit.ledger.select(KEY_COLUMNS)
            .group_by(list(KEY_COLUMNS))
            .aggregate([([], "count_all")])
        )
        for row in table.to_pylist():
            self.rows[row["verdict"], row["stage"], row["rule"]] += row["count_all"]

    def verdict(self, verdict: str) -> int:
        """How many rows have this verdict."""
        return sum(number for (of, _, _), number in self.rows.items() if of == verdict)

    def stopped(self, bound: Bound) -> int:
        """How many measured rows this rule stopped."""
        held = self.rows["kept", bound.before, bound.rule] if bound.deeper else 0
        return held + self.rows["dropped", bound.stage, bound.rule]

    def dropped(self, stage: str) -> int:
        """How many rows were dropped at this stage."""
        return sum(
            number
            for (verdict, at, _), number in self.rows.items()
            if verdict == "dropped" and at == stage
        )

    def unmeasured(self, stage: str) -> int:
        """How many rows a null in one of this stage's columns quarantined."""
        return sum(
            number
            for (verdict, at, _), number in self.rows.items()
            if verdict == "quarantined" and at == stage
        )


def funnel(counts: LedgerCounts, run: Mapping[str, Any], all_bounds: Sequence[Bound]) -> Funnel:
    """The funnel of a whole run."""
    total = sum(counts.rows.values())
    unreadable = sum(
        number
        for (verdict, stage, _), number in counts.rows.items()
        if verdict == "quarantined" and stage is None
    )
    keep = run.get("configuration", {}).get("keep")
    steps: list[StageCount] = []
    entered, deeper = total - unreadable, False
    for name, entry in stages(run).items():
        stopped = tuple(
            RuleCount(bound, counts.stopped(bound)) for bound in all_bounds if bound.stage == name
        )
        unmeasured = counts.unmeasured(name)
        passed = entered - unmeasured - sum(rule.count for rule in stopped)
        resolution = entry.get("resolution")
        steps.append(
            StageCount(name, resolution, entered, unmeasured, stopped, passed, name == keep, deeper)
        )
        entered, deeper = passed, deeper or name == keep
    kept, dropped, quarantined = (counts.verdict(verdict) for verdict in VERDICTS)
    result = Funnel(total, kept, dropped, quarantined, unreadable, tuple(steps), ())
    later = sum(counts.dropped(stage.name) for stage in steps if stage.deeper)
    problems = tuple(_problems(result, run.get("counts", {}), later))
    return Funnel(total, kept, dropped, quarantined, unreadable, tuple(steps), problems)


def _problems(ledger: Funnel, counts: Mapping[str, Any], later: int) -> list[str]:
    """What does not add up; ``later`` rows pass the deciding stage and are dropped after it.

    Those are synthetic images, which must also pass the stage from which on they count.
    """
    problems = []
    parts = {"kept": ledger.kept, "dropped": ledger.dropped, "quarantined": ledger.quarantined}
    if sum(parts.values()) != ledger.total:
        strange = ledger.total - sum(parts.values())
        problems.append(f"{strange} ledger rows are neither kept, dropped nor quarantined.")
    for name, number in {"in": ledger.total, **parts}.items():
        if name in counts and counts[name] != number:
            problems.append(f"run.json counts {counts[name]} {name}, the ledger {number}.")
    unmeasured = sum(stage.unmeasured for stage in ledger.stages if stage.deeper)
    for stage in ledger.stages:
        if stage.decides and stage.passed - unmeasured - later != ledger.kept:
            problems.append(
                f"By its rules, {stage.passed} rows pass stage {stage.name}, {unmeasured} of them "
                f"could not be measured later, {later} were dropped later; {ledger.kept} are kept."
            )
    return problems
