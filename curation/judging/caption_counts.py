"""What became of captions, counted: in = kept + dropped + quarantined, of every split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curation.judging.caption_ends import FIELDS, IMAGE_DROPPED, IMAGE_QUARANTINED
from curation.judging.rules import VERDICTS

End = tuple[str | None, ...]  # by ``FIELDS``


@dataclass
class CaptionCounts:
    """Captions by split, all of them (``total``), and by what became of them (``ends``)."""

    total: Counter[str] = field(default_factory=Counter)
    ends: Counter[End] = field(default_factory=Counter)

    def add(self, other: "CaptionCounts") -> None:
        """Add other captions."""
        self.total.update(other.total)
        self.ends.update(other.ends)

    def count(self, total: Mapping[str, int], ends: pa.Table) -> None:
        """Add those of one unit: how many there are by split, and the end of each."""
        self.total.update(total)
        grouped = ends.group_by(list(FIELDS)).aggregate([([], "count_all")])
        for row in grouped.to_pylist():
            self.ends[tuple(row[name] for name in FIELDS)] += row["count_all"]

    def plain(self) -> dict[str, Any]:
        """Plain data for ``from_plain``."""
        ends = sorted(self.ends.items(), key=lambda of: tuple(name or "" for name in of[0]))
        return {"total": dict(self.total), "ends": [[*end, number] for end, number in ends]}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "CaptionCounts":
        """What ``plain`` made."""
        ends = Counter({tuple(end): number for *end, number in data["ends"]})
        return cls(Counter(data["total"]), ends)

    def problems(self) -> list[str]:
        """What does not add up, by split; empty where every caption has exactly one end."""
        problems = []
        for split, total in self.total.items():
            parts = {verdict: self._number(split, verdict) for verdict in VERDICTS}
            if sum(parts.values()) != total:
                shown = " + ".join(f"{number} {verdict}" for verdict, number in parts.items())
                problems.append(
                    f"{total} {split} captions, but {shown} = {sum(parts.values())} in the ledger"
                )
        return problems

    def _number(self, split: str, verdict: str) -> int:
        return sum(n for end, n in self.ends.items() if end[:2] == (split, verdict))

    def as_json(self, stages: Sequence[str]) -> dict[str, Any]:
        """By split, for ``run.json``, how many came in and what became of them.

        ``stages`` are those kept, by the deepest that they pass; ``rules`` what rules on captions
        stop at each stage, which after ``keep`` are kept nonetheless; ``with_image`` what falls
        with its image, by the rule or reason of that; ``quarantine`` the reasons of all others.
        """
        return {split: self._of(split, stages) for split, number in self.total.items() if number}

    def _of(self, split: str, stages: Sequence[str]) -> dict[str, Any]:
        kept, reasons, quarantine = Counter[str](), Counter[str](), Counter[str]()
        rules: dict[str, Counter[str]] = {stage: Counter() for stage in stages}
        images: dict[str, Counter[str]] = {stage: Counter() for stage in stages}
        for (of, verdict, stage, rule, reason), number in sorted(self.ends.items(), key=str):
            if of != split:
                continue
            why = str(reason)
            if verdict == "kept":
                kept[str(stage)] += number
            if verdict == "quarantined":
                quarantine[why] += number
            elif why.startswith(IMAGE_QUARANTINED):
                reasons[why.removeprefix(f"{IMAGE_QUARANTINED}: ")] += number
            elif rule is not None:
                at = stages.index(str(stage)) + (verdict == "kept")  # stopped after what it passed
                (images if why == IMAGE_DROPPED else rules)[stages[at]][rule] += number
        return {
            "in": self.total[split],
            **{verdict: self._number(split, verdict) for verdict in VERDICTS},
            "stages": {stage: kept[stage] for stage in stages if kept[stage]},
            "rules": _there(rules),
            "with_image": {"dropped": _there(images), "quarantined": dict(reasons)},
            "quarantine": dict(quarantine),
        }


def _there(by_stage: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """Without the stages that have none."""
    return {stage: dict(rules) for stage, rules in by_stage.items() if rules}
