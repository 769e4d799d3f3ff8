"""``beam judge``: other bounds over stored signals, compared with the ledger of the run."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from curation import columns, configuration, rules, signal, storage, verdicts
from curation.layout import Layout


@dataclass(frozen=True)
class Comparison:
    """How many rows keep, gain or lose their place, and which rules stop how many now and then.

    ``unmeasured`` counts rows that need ``beam run``: looser bounds let them reach a model that
    never saw them.
    """

    before: Counter[str]
    after: Counter[str]
    gained: int
    lost: int
    unmeasured: int
    rules_before: Counter[str]
    rules_after: Counter[str]

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return dict(vars(self))

    def as_text(self) -> str:
        """A few lines for people."""
        lines = [
            f"kept {self.before['kept']} -> {self.after['kept']}"
            f" (+{self.gained} kept, -{self.lost} dropped)"
        ]
        for rule in sorted(self.rules_before.keys() | self.rules_after.keys()):
            before, after = self.rules_before[rule], self.rules_after[rule]
            mark = f"{after - before:+d}" if after != before else ""
            lines.append(f"  {rule:<28}{before:>9} -> {after:<9}{mark}")
        if self.unmeasured:
            lines.append(f"{self.unmeasured} rows need measuring: beam run with this configuration")
        return "\n".join(lines)


def compare(output: str, config: str | None) -> Comparison:
    """Judge the run in ``output`` with the bounds of ``config``.

    Raises ``ConfigurationError``, ``FileNotFoundError`` (no run there), ``ColumnFileError``.
    """
    layout = Layout(output)
    if not storage.exists(layout.run):
        raise FileNotFoundError(f"{layout.run}: no finished run here; first: beam run --output")
    told = json.loads(storage.read_bytes(layout.run))
    pipeline = configuration.load(config, told["pipeline"])
    signals = signal.discover(pipeline.signals)
    known = {name: column.type for entry in signals for name, column in entry.columns.items()}
    configuration.check_columns(pipeline, known)
    units = layout.units("signals")
    decided = verdicts.decide(output, units, pipeline, signals)
    ledger = columns.read_all([layout.ledger(unit) for unit in units], ("verdict",))
    kept_before = np.asarray(columns.equals(ledger.column("verdict"), "kept"))
    kept_after = decided.judgement.verdict == rules.KEPT
    return Comparison(
        before=Counter({name: told["counts"][name] for name in rules.VERDICTS}),
        after=Counter(
            {
                name: int((decided.judgement.verdict == code).sum())
                for code, name in enumerate(rules.VERDICTS)
            }
        ),
        gained=int((kept_after & ~kept_before).sum()),
        lost=int((kept_before & ~kept_after).sum()),
        unmeasured=_unmeasured(decided),
        rules_before=_rules_of_run(told["counts"]),
        rules_after=_rules_now(decided, [stage.name for stage in pipeline.stages]),
    )


def _unmeasured(decided: verdicts.Verdicts) -> int:
    judgement = decided.judgement
    null = (judgement.check >= 0) & np.isnan(judgement.value)
    return int((null & (judgement.verdict == rules.QUARANTINED)).sum())


def _rules_of_run(counts: dict[str, Any]) -> Counter[str]:
    return Counter(
        {
            f"{stage} {rule}": number
            for stage, told in counts["stages"].items()
            for rule, number in told["dropped"].items()
        }
    )


def _rules_now(decided: verdicts.Verdicts, stages: list[str]) -> Counter[str]:
    judgement = decided.judgement
    decided_by = judgement.check[judgement.verdict != rules.QUARANTINED]
    numbers = np.bincount(decided_by[decided_by >= 0], minlength=len(decided.ordered))
    return Counter(
        {
            f"{stages[check.stage]} {check.rule}": int(number)
            for check, number in zip(decided.ordered, numbers, strict=True)
        }
    )
