"""From cases to tracks: what is known of each prompt, what the rules say of it, and the ledger."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation.failures.errors import IncompleteError
from train.figures import Rate
from train.flywheel import cases, misread, rewarded, rules, supply, words
from train.flywheel.cases import Case
from train.flywheel.rules import Evidence, Finding
from train.flywheel.settings import Settings
from train.flywheel.supply import Supply

RIGHT, UNDECIDED, MISSING = "right", "no rule decides", "no image"
LEAST_ELSEWHERE = 4  # places of other prompts, to say whether the model can write a character


@dataclass(frozen=True)
class Attributed:
    """A case with all that was found of its prompt; without any it was left out for ``reason``."""

    case: Case
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    failed: tuple[str, ...] = ()

    @property
    def finding(self) -> Finding | None:
        """What attributes it."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True)
class Known:
    """What all prompts are held against: ``rewritten`` and ``near`` by the source and id of a
    prompt.
    """

    supply: Supply
    rewritten: Mapping[tuple[str, str], Rate]
    near: Mapping[str, int]


def attribute(every: Sequence[Case], known: Known, to: Settings) -> list[Attributed]:
    """Every case once, in order."""
    agreed = rewarded.agreement(every, to.rl.apart)
    against = {name: agreed[name] for name in rewarded.distrusted(agreed, to.rl)}
    failed = {case.id: _failed(case, to) for case in every}
    places = _Places(every, failed)
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in every:
        groups[case.of_prompt].append(case)
    by_prompt: dict[tuple[str, str], tuple[Finding, ...]] = {}
    for own, group in groups.items():
        if any(not case.is_right(to.right) and not case.missing for case in group):
            seen = _evidence(group, failed, places, against, known, to)
            by_prompt[own] = tuple(rules.findings(seen, to))
    listed = []
    for case in every:
        if case.missing or case.is_right(to.right):
            listed.append(Attributed(case, reason=MISSING if case.missing else RIGHT))
        else:
            of_prompt = by_prompt[case.of_prompt]
            reason = "" if of_prompt else UNDECIDED
            listed.append(Attributed(case, of_prompt, reason, failed[case.id]))
    return listed


def _failed(case: Case, to: Settings) -> tuple[str, ...]:
    if case.missing or case.read is None:
        return ()
    return misread.failed(case.texts or words.quoted(case.prompt), case.read)


class _Places:
    """How often each character was asked for and right, by source, in all and by prompt."""

    def __init__(self, every: Sequence[Case], failed: Mapping[str, tuple[str, ...]]) -> None:
        self._all: dict[str, Counter[str]] = defaultdict(Counter)
        self._wrong: dict[str, Counter[str]] = defaultdict(Counter)
        self._own: dict[tuple[str, str], list[Case]] = defaultdict(list)
        self._failed = failed
        for case in every:
            if case.read is not None and not case.missing:
                self._all[case.source].update(_asked(case))
                self._wrong[case.source].update(failed[case.id])
                self._own[case.of_prompt].append(case)

    def elsewhere(self, source: str, prompt_id: str, characters: Sequence[str]) -> Rate | None:
        """Of the character of these that other prompts of the source have right least often."""
        own, wrong = Counter[str](), Counter[str]()
        for case in self._own[source, prompt_id]:
            own.update(_asked(case))
            wrong.update(self._failed[case.id])
        rates = []
        for character in dict.fromkeys(characters):
            places = self._all[source][character] - own[character]
            bad = self._wrong[source][character] - wrong[character]
            if places >= LEAST_ELSEWHERE:
                rates.append(Rate(places - bad, places))
        return min(rates, key=lambda of: of.right / of.of, default=None)


def _asked(case: Case) -> str:
    return misread.plain(case.texts or words.quoted(case.prompt))


def _evidence(
    group: Sequence[Case],
    failed: Mapping[str, tuple[str, ...]],
    places: _Places,
    against: Mapping[str, Mapping[rewarded.Key, Rate]],
    known: Known,
    to: Settings,
) -> Evidence:
    case, has = group[0], known.supply
    wrong = [of for of in group if not of.is_right(to.right) and not of.missing]
    misread_of = tuple(of for each in wrong for of in failed[each.id])
    few = supply.few(has, to.data.few, to.data.share)
    asked = case.texts or words.quoted(case.prompt)
    own = Rate(sum(of.is_right(to.right) for of in group), sum(not of.missing for of in group))
    said = words.latin(case.prompt)
    return Evidence(
        own,
        failed=misread_of,
        rare=supply.rare(has, misread_of, few),
        few=few,
        length=len(misread.plain(asked)),
        lines=sum(of.count("\n") + 1 for of in asked),
        longest=supply.at_quantile(has.lengths, to.data.quantile),
        most_lines=supply.at_quantile(has.lines, to.data.quantile),
        said=len(words.content(case.prompt)),
        least_said=has.least_said(case.prompt, to.prompt.quantile),
        unsaid=_unsaid(case),
        rare_words={of: has.words[of] for of in said if has.words[of] < to.data.words},
        near=known.near.get(case.prompt),
        rewritten=known.rewritten.get(case.of_prompt),
        elsewhere=places.elsewhere(case.source, case.prompt_id, misread_of),
        against={
            name: (by_prompt[rewarded.key(case)], rewarded.total(by_prompt))
            for name, by_prompt in against.items()
            if rewarded.key(case) in by_prompt
        },
    )


def _unsaid(case: Case) -> tuple[str, ...]:
    return tuple(of for of in case.texts if not words.says(case.prompt, of))


def ledger(listed: Sequence[Attributed], quarantined: int, entered: int) -> dict[str, Any]:
    """How many rows and lines ``entered`` and what became of them. Raises ``IncompleteError`` where
    it does not add up.
    """
    tracks = Counter(of.finding.track for of in listed if of.finding)
    left_out = Counter(of.reason for of in listed if not of.finding)
    counts = {name: tracks[name] for name in ("rl", "data", "prompt")}
    total = sum(counts.values()) + sum(left_out.values()) + quarantined
    if total != entered or "" in left_out:
        raise IncompleteError(
            f"{entered} cases came in, {total} were attributed, left out or quarantined"
        )
    return {
        "in": total,
        "attributed": counts,
        "left_out": dict(sorted(left_out.items())),
        "quarantined": quarantined,
    }


def table(listed: Sequence[Attributed]) -> pa.Table:
    """The cases with track, cause, the number that decided, its bound, and why in words."""
    own = cases.table(of.case for of in listed)
    said = [of.finding for of in listed]
    columns: dict[str, pa.Array] = {
        "track": pa.array([of.track if of else None for of in said], pa.string()),
        "cause": pa.array([of.cause if of else None for of in said], pa.string()),
        "value": pa.array([float(of.value) if of else None for of in said], pa.float64()),
        "bound": pa.array([float(of.bound) if of else None for of in said], pa.float64()),
        "why": pa.array([of.detail if of else None for of in said], pa.string()),
        "also": pa.array(
            [[f"{each.track}: {each.cause}" for each in of.findings[1:]] for of in listed],
            pa.list_(pa.string()),
        ),
        "left_out": pa.array([of.reason or None for of in listed], pa.string()),
        "failed": pa.array([list(of.failed) for of in listed], pa.list_(pa.string())),
    }
    for name, column in columns.items():
        own = own.append_column(name, column)
    return own


def of_row(row: Mapping[str, Any]) -> Attributed:
    """A row of a ``table``. Of what else was found of it the causes alone."""
    case = Case(
        *(row["origin"], row["source"], row["prompt_id"], row["k"], row["prompt"]),
        texts=tuple(row["texts"]),
        read=row["read"],
        score=row["score"],
        image=row["image"],
        group=row["group"],
        note=row["note"],
        wins=row["wins"],
        losses=row["losses"],
        pick=row["pick"],
        rewards=dict(row["rewards"]),
        missing=row["missing"],
    )
    findings: list[Finding] = []
    if row["track"]:
        findings.append(Finding(row["track"], row["cause"], row["value"], row["bound"], row["why"]))
        for each in row["also"]:
            track, _, cause = each.partition(": ")
            findings.append(Finding(track, cause, 0, 0, ""))
    return Attributed(case, tuple(findings), row["left_out"] or "", tuple(row["failed"]))
