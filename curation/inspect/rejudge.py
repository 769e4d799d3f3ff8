"""``beam judge``: other bounds over stored signals, compared with the ledger of the run."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation import exclusion, storage
from curation.configuration import loading
from curation.failures.errors import UsageError
from curation.groupings.grouping import notes as grouping_notes
from curation.judging import captions, recording, rules, verdicts
from curation.judging import units as judged_units
from curation.judging.caption_ends import UNMEASURED
from curation.judging.decision import Decision
from curation.judging.ledger import Counts
from curation.measuring import choosing
from curation.output import column_files, finished
from curation.output.layout import Layout
from curation.report import quotas

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """How many rows keep, gain or lose their place, and which rules stop how many now and then.

    ``unmeasured`` counts rows that need ``beam run``, ``lacking`` says at how many each model is to
    look: looser bounds let them reach one that never saw them. Of these ``undecided`` were kept,
    and now are neither kept nor lost. ``captions_before`` and ``captions_after`` are kept captions
    by split, where any rule is on captions; ``keep_before`` and ``keep_after`` the stages that a
    row must pass to be kept; where those differ, ``turned`` says of the rules between them how many
    rows each drops now, or as a negative number holds back. ``quotas_before`` and ``quotas_after``
    say by quota, stage and category how many rows are kept of how many, as in ``run.json``. Judged
    is by the entry ``pipeline`` of ``file``; ``notes`` say which quotas and weights do not reach
    what they are to.
    """

    before: Counter[str]
    after: Counter[str]
    gained: int
    lost: int
    undecided: int
    unmeasured: int
    lacking: Counter[str]
    rules_before: Counter[str]
    rules_after: Counter[str]
    captions_before: Counter[str]
    captions_after: Counter[str]
    quotas_before: dict[str, Any]
    quotas_after: dict[str, Any]
    keep_before: str
    keep_after: str
    turned: Mapping[str, int]
    pipeline: str
    file: str | None
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return dict(vars(self))

    def missing(self) -> str:
        """What is to be measured, where there are rows ``unmeasured``."""
        rows = "1 row needs" if self.unmeasured == 1 else f"{self.unmeasured} rows need"
        by = ", ".join(sorted(self.lacking))
        return f"{rows} measuring by {by}: beam run with this configuration"

    def as_text(self) -> str:
        """A few lines for people: of the rules those that stop more rows now, or fewer."""
        lines = [
            f"kept {self.before['kept']} -> {self.after['kept']}"
            f" (+{self.gained} kept, -{self.lost} dropped"
            + (f", {self.undecided} not decided)" if self.undecided else ")")
        ]
        for rule in sorted(self.rules_before.keys() | self.rules_after.keys()):
            before, after = self.rules_before[rule], self.rules_after[rule]
            if before != after:
                lines.append(f"  {rule:<28}{before:>9} -> {after:<9}{after - before:+d}")
        if self.keep_before != self.keep_after:
            lines.append(f"  keep {self.keep_before} -> {self.keep_after}")
        for rule, number in self.turned.items():
            does = "held back, no longer dropped" if number < 0 else "dropped, no longer held back"
            lines.append(f"  {rule:<28}{abs(number):>9} {does}")
        for split in sorted(self.captions_after):
            before, after = self.captions_before[split], self.captions_after[split]
            if before != after:
                name = f"{split} captions kept"
                lines.append(f"  {name:<28}{before:>9} -> {after:<9}{after - before:+d}")
        lines += quotas.changes(self.quotas_before, self.quotas_after)
        if self.unmeasured:
            lines.append(self.missing())
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


@dataclass(frozen=True)
class Changed:
    """Of a unit's rows (N,): which would be ``kept``, of these which are ``gained``; which are
    ``lost``; and which were kept and are ``undecided``, because a model has not looked at them.
    """

    unit: str
    kept: Mask
    gained: Mask
    lost: Mask
    undecided: Mask


def compare(
    output: str, config: str | None, without: Sequence[str] = (), name: str | None = None
) -> Comparison:
    """Judge the run in ``output`` with the bounds of ``config``, signals left out as by a run.

    ``name`` is the entry to judge by, as a rule that of the run; without ``config`` the file that
    the run was made with, as it is now.

    Raises ``ConfigurationError``, ``OutcomeError`` (no run there), ``ColumnFileError``.
    """
    run = finished.read_run(output)
    own = loading.load(config or _file_of(run), name or run["pipeline"])
    pipeline = choosing.without(own, without)
    pipeline = exclusion.applied(pipeline, exclusion.known(Layout(output)))
    signals = choosing.chosen(pipeline)
    loading.check_columns(pipeline, choosing.known_columns(signals))
    return compared(run, verdicts.Judge(output, pipeline, signals, hold=True))


def compared(
    run: Mapping[str, Any],
    judge: verdicts.Judge,
    tell: Callable[[Changed], None] = lambda changed: None,
    kept: Callable[[str], Mask] | None = None,
) -> Comparison:
    """Judge the units of a finished ``run`` and tell, unit by unit, which rows change places.

    ``kept`` gives which rows (N,) of a unit the run kept; without it, ledgers are read.

    Raises ``OutcomeError``, ``ColumnFileError``, and ``UsageError`` for rules on what no row was
    measured for.
    """
    layout, pipeline, output = judge.layout, judge.pipeline, judge.layout.root
    units = judge.measured.units()
    if not units:
        raise finished.OutcomeError(
            f"{output}: not measured by this version and these settings; expected the columns in "
            f"signals/{judge.measured.base}; first: beam run into the same output"
        )
    winners = judged_units.winners(judge, units, lambda _: verdicts.read_edges(output))
    judged_units.sum_up(judge, units, winners)
    now, lacking, totals, texts = Counts(), Counter[str](), Counter[str](), Counter[str]()
    for unit, decision in judged_units.decisions(judge, units, winners):
        now.add(recording.count(decision, pipeline))
        changed = _changed(unit, kept(unit) if kept else _kept(layout, unit), decision)
        tell(changed)
        texts.update(_captions(judge, unit, decision))
        for which in ("gained", "lost", "undecided"):
            totals[which] += int(getattr(changed, which).sum())
        looked, check = decision.reading.looked, decision.judgement.check
        lacking += judge.models.lacking(looked, check, decision.unlooked)
    _refuse_unmeasured(judge, lacking)
    counted = now.as_json()
    configured = loading.resolved(pipeline).get("quotas", {})
    keep = str(run.get("configuration", {}).get("keep", pipeline.keep))
    notes = quotas.problems(configured, counted.get("quotas", {}))
    for grouping in judge.others:
        notes += grouping_notes(grouping, judge.wholes[grouping.name])
    return Comparison(
        before=Counter({name: run["counts"][name] for name in rules.VERDICTS}),
        after=Counter({name: now.verdicts[name] for name in rules.VERDICTS}),
        gained=totals["gained"],
        lost=totals["lost"],
        undecided=totals["undecided"],
        unmeasured=now.quarantine[UNMEASURED],
        lacking=lacking,
        rules_before=_stopped(run["counts"]),
        rules_after=_stopped(counted),
        captions_before=_kept_captions(run["counts"], texts),
        captions_after=texts,
        keep_before=keep,
        keep_after=pipeline.keep,
        turned=_turned(counted, keep, pipeline.keep),
        quotas_before=run["counts"].get("quotas", {}),
        quotas_after=counted.get("quotas", {}),
        pipeline=pipeline.name,
        file=pipeline.file,
        notes=notes,
    )


def _kept(layout: Layout, unit: str) -> Mask:
    stored = column_files.read(layout.ledger(unit), ("verdict",)).column("verdict")
    return column_files.equals(stored, rules.VERDICTS[rules.KEPT])


def _changed(unit: str, before: Mask, decision: Decision) -> Changed:
    after, waits = decision.judgement.verdict == rules.KEPT, decision.unlooked
    return Changed(unit, after, after & ~before, before & ~after & ~waits, before & waits)


def _refuse_unmeasured(judge: verdicts.Judge, lacking: Counter[str]) -> None:
    """Refuse rules on what no row of the run was measured for. Raises ``UsageError``."""
    measured = judge.measured
    never = [name for name in sorted(judge.models.ruled) if not measured.is_looked_at(name)]
    if not lacking.keys().isdisjoint(never):
        left_out = " ".join(f"--without {name}" for name in never)
        rows = max(lacking.values())
        raise UsageError(
            f"{measured.layout.root}: {rows:,} rows have no verdict by pipeline "
            f"{judge.pipeline.name!r} of {judge.pipeline.file}: {', '.join(never)} measured no row "
            "of the run with these "
            "settings; beam run with this configuration into the same output measures them, "
            f"{left_out} judges by all other rules"
        )


def _turned(counts: Mapping[str, Any], before: str, after: str) -> dict[str, int]:
    """What rules of the stages from one that a row had to pass to the one that it has to stop."""
    stages = [*counts["stages"]]
    if before not in stages or after not in stages:
        return {}
    places = stages.index(before), stages.index(after)
    first, last = min(places), max(places)
    sign = 1 if last == places[1] else -1
    return {
        f"{stage} {rule}": sign * number
        for stage in stages[first + 1 : last + 1]
        for rule, number in counts["stages"][stage]["dropped"].items()
        if number
    }


def _captions(judge: verdicts.Judge, unit: str, decision: Decision) -> Counter[str]:
    """By split how many captions of a unit are kept; nothing where no rule is on any."""
    ruled = captions.columns(judge.pipeline)
    if not ruled:
        return Counter()
    names = dict.fromkeys((*ruled, *judge.caption_ends.columns))
    depths = captions.depths(judge.measured.read(unit, [*names]), judge.pipeline, texts=True)
    return judge.caption_ends.kept(depths, decision)


def _kept_captions(counts: Mapping[str, Any], splits: Collection[str]) -> Counter[str]:
    """By split how many captions a run kept."""
    counted = counts.get("captions", {}).get("splits", {})
    return Counter({split: counted.get(split, {}).get("kept", 0) for split in splits})


def _file_of(run: Mapping[str, Any]) -> str | None:
    """The user's file that a run was made with; None for ours, and where it does not say."""
    file: str | None = run.get("configuration_file")
    if file is not None and not storage.exists(file):
        message = "the run was made with it, and it is not there; name a file by --config"
        raise loading.ConfigurationError(file, None, message)
    return file


def _stopped(counts: dict[str, Any]) -> Counter[str]:
    return Counter(
        {
            f"{stage} {rule}": number
            for stage, of_stage in counts["stages"].items()
            for rule, number in of_stage["dropped"].items()
        }
    )
