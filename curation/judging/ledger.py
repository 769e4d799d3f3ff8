"""The ledger: one terminal row per input, and the sum that must add up.

Columns: ``key, id, verdict, stage, rule, value, bound, duplicate_of, reason``, and ``captions``,
what became of each (``caption_ends``). Row n of ``ledger/<unit>.parquet`` is row n of the unit's
base file.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.loading import Pipeline
from curation.judging import caption_ends
from curation.judging.caption_counts import CaptionCounts
from curation.judging.caption_ends import UNMEASURED
from curation.judging.quota_counts import QuotaCounts
from curation.judging.rules import (
    KEPT,
    QUARANTINED,
    VERDICTS,
    Check,
    Held,
    Judgement,
)
from curation.output import input_columns
from curation.output.measured import UNMEASURABLE
from curation.signals.pair_kind import UNKNOWN

SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("stage", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("bound", pa.float64()),
        pa.field("duplicate_of", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
CAPTIONS = pa.field("captions", caption_ends.TYPE, nullable=False)  # follows, of each row
COUNTED = (
    *("verdicts", "entered", "passed", "quarantine", "kept", "kept_bytes"),
    *("captions", "kept_captions", "pending", "unknown_kinds"),
)
NO_CAPTION = ""  # where captions of rows without any were said
UNREAD_SHOWN = 20
CAPTION_COLUMNS = ("caption_origin", "side_file_problem")
SIZES = ("size", "input_bytes")
COLUMNS = ("key", "id", "reason", "detail", *SIZES, *CAPTION_COLUMNS)  # read of rows to say so

RETRIEVED = "retrieved_by"  # the column, if any, that says what a row was retrieved for


class LedgerError(Exception):
    """The ledger does not add up: in != kept + dropped + quarantined."""


@dataclass
class Counts:
    """The funnel: totals, and per stage how many came in, passed and were stopped by which rule.

    ``kept`` are kept rows by the deepest stage they pass, ``quotas`` those that a quota limits.
    ``kept_bytes`` is how large the kept originals of every unit are, each counted as
    at least a shard's share of ``shard.SHARD_ROWS``. ``captions`` and ``kept_captions`` are all and
    kept rows by where their captions were said, ``unread`` those of which a side file could not be
    read, the first of which are told; ``caption_ends`` are captions and what became of each.
    ``pending`` are rows that models are still to look at, by
    model, and ``waiting`` how many these are: there are none once a run is finished.
    ``unknown_kinds`` are edits by what their sources call them, where that is no known kind.
    """

    total: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    entered: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    stopped: dict[str, Counter[str]] = field(default_factory=dict)
    quarantine: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    quotas: QuotaCounts = field(default_factory=QuotaCounts)
    kept_bytes: Counter[str] = field(default_factory=Counter)
    captions: Counter[str] = field(default_factory=Counter)
    kept_captions: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)
    unknown_kinds: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    unread: int = 0
    unread_first: list[str] = field(default_factory=list)
    caption_ends: CaptionCounts = field(default_factory=CaptionCounts)

    def add(self, other: "Counts") -> None:
        """Add other rows to the funnel."""
        self.total += other.total
        self.waiting += other.waiting
        self.unread += other.unread
        self.unread_first = sorted({*self.unread_first, *other.unread_first})[:UNREAD_SHOWN]
        for name in COUNTED:
            getattr(self, name).update(getattr(other, name))
        self.quotas.add(other.quotas)
        self.caption_ends.add(other.caption_ends)
        for stage, stopped in other.stopped.items():
            self.stopped.setdefault(stage, Counter()).update(stopped)

    def to_bytes(self) -> bytes:
        """All of it as JSON, for ``from_bytes``."""
        content = vars(self) | {
            name: dict(sorted(getattr(self, name).items()))
            for name in ("quarantine", "kept_bytes", "captions", "kept_captions")
        }
        content["quotas"] = vars(self.quotas)
        content["caption_ends"] = self.caption_ends.plain()
        return json.dumps(content).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Counts":
        """What ``to_bytes`` wrote."""
        content = json.loads(data)
        for name in COUNTED:
            content[name] = Counter(content[name])
        content["quotas"] = QuotaCounts(**content["quotas"])
        content["caption_ends"] = CaptionCounts.from_plain(content["caption_ends"])
        content["stopped"] = {stage: Counter(rules) for stage, rules in content["stopped"].items()}
        return cls(**content)

    def check(self, inputs: int) -> None:
        """Raises ``LedgerError`` unless every input and every caption has exactly one verdict."""
        parts = {name: self.verdicts[name] for name in VERDICTS}
        if self.total != inputs or sum(parts.values()) != inputs:
            shown = " + ".join(f"{count} {name}" for name, count in parts.items())
            raise LedgerError(f"{inputs} inputs, but {shown} = {sum(parts.values())} in the ledger")
        if problems := self.caption_ends.problems():
            raise LedgerError("; ".join(problems))

    def as_json(self) -> dict[str, Any]:
        """The ``counts`` entry of ``run.json``."""
        content = {
            "in": self.total,
            **{name: self.verdicts[name] for name in VERDICTS},
            "stages": {
                stage: {
                    "in": self.entered[stage],
                    "passed": self.passed[stage],
                    "dropped": dict(self.stopped[stage]),
                }
                for stage in self.stopped
            },
            "quarantine": dict(sorted(self.quarantine.items())),
            "captions": self.captions_as_json(),
        }
        quotas = self.quotas.as_json(list(self.stopped), self.kept)
        return content | {"quotas": quotas} if quotas else content

    def of_rule(self, rule: str) -> int:
        """How many rows a rule stopped, in any stage."""
        return sum(stopped[rule] for stopped in self.stopped.values())

    def captions_as_json(self) -> dict[str, Any]:
        """How many rows have captions, and where these were said: the most first."""
        ordered = sorted(self.captions.items(), key=lambda item: (-item[1], item[0]))
        origins = {
            origin: {"in": number, "kept": self.kept_captions[origin]}
            for origin, number in ordered
            if origin != NO_CAPTION
        }
        without, kept_without = self.captions[NO_CAPTION], self.kept_captions[NO_CAPTION]
        return {
            "with": self.captions.total() - without,
            "without": without,
            "kept_with": self.kept_captions.total() - kept_without,
            "kept_without": kept_without,
            "origins": origins,
            "side_files_unread": self.unread,
            "side_files_first": self.unread_first,
            "splits": self.caption_ends.as_json([*self.stopped]),
        }


def rows(
    signals: pa.Table,
    judgement: Judgement,
    ordered: Sequence[Check],
    pipeline: Pipeline,
    held: Held,
    refers: Mapping[str, pa.ChunkedArray],
    unlooked: NDArray[np.bool_],
) -> pa.Table:
    """The ledger of one unit without captions, aligned with its base file.

    ``held`` are the values that decided, their bounds and images; ``refers``, by ruled column, the
    ids of the rows (N,) that stand for others; ``unlooked`` (N,) are the rows that lack a value
    because no model looked at them yet.
    """
    stages = [stage.name for stage in pipeline.stages]
    reasons, details = signals.column("reason").to_pylist(), signals.column("detail").to_pylist()
    is_said = RETRIEVED in signals.column_names
    retrieved = signals[RETRIEVED].to_pylist() if is_said else [None] * signals.num_rows
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names[2:]}
    decisions = zip(
        judgement.verdict.tolist(),
        judgement.depth.tolist(),
        judgement.check.tolist(),
        *(of.tolist() for of in held),
        strict=True,
    )
    for row, (verdict, depth, index, value, bound, image) in enumerate(decisions):
        check = ordered[index] if index >= 0 else None
        reason = None
        which = f"input {image}" if image else ""
        if verdict == QUARANTINED:
            code = reasons[row] or (UNMEASURED if unlooked[row] else UNMEASURABLE)
            reason = _reason(code, details[row], check, which)
        elif check is not None and check.side == "in":
            reason = _not_among(check, _value(signals, check.column, row, image), which)
        elif which:
            reason = which
        elif verdict == KEPT and retrieved[row]:
            reason = f"retrieved for {retrieved[row]}"
        columns["verdict"].append(VERDICTS[verdict])
        columns["stage"].append(_stage(stages, verdict, depth, check))
        columns["rule"].append(check.rule if check else None)
        columns["value"].append(value if check and not np.isnan(value) else None)
        columns["bound"].append(bound if check and not np.isnan(bound) else None)
        other = refers.get(check.column) if check else None
        columns["duplicate_of"].append(None if other is None else other[row].as_py())
        columns["reason"].append(reason)
    return pa.table({"key": signals["key"], "id": signals["id"], **columns}, schema=SCHEMA)


def _reason(code: str, detail: str | None, check: Check | None, which: str) -> str:
    """``which`` is the image of an edit that it is about, empty for a row's own."""
    said = f"{which}: " if which else ""
    why = detail or (f"{said}{check.column} is null" if check else None)
    return f"{code}: {why}" if why else code


def _not_among(check: Check, value: object, which: str) -> str:
    allowed = ", ".join(map(str, check.among))
    said = f"{which}: " if which else ""
    return f"{said}{check.column} is {value}; expected one of {allowed}"


def _value(signals: pa.Table, column: str, row: int, image: int) -> object:
    """The column of a row's image, or of one of its inputs."""
    if not image:
        return signals[column][row].as_py()
    of_inputs = signals[input_columns.column(column)][row].as_py()
    return of_inputs[image - 1] if of_inputs else None


def _stage(stages: list[str], verdict: int, depth: int, check: Check | None) -> str | None:
    if verdict == KEPT:
        return stages[depth - 1]
    return stages[check.stage] if check else None


def count(
    counts: Counts,
    judgement: Judgement,
    reasons: pa.ChunkedArray,
    ordered: Sequence[Check],
    pipeline: Pipeline,
    unlooked: NDArray[np.bool_],
) -> None:
    """Add the rows of one unit to the funnel; ``unlooked`` as in ``rows``.

    ``reasons`` are those of the rows that did not decode.
    """
    counts.total += len(judgement.verdict)
    for verdict, number in enumerate(np.bincount(judgement.verdict, minlength=3).tolist()):
        counts.verdicts[VERDICTS[verdict]] += number
    quarantined = judgement.verdict == QUARANTINED
    null = quarantined & (judgement.check >= 0)
    stopped_by = judgement.check[(judgement.check >= 0) & ~quarantined]
    hits = np.bincount(stopped_by, minlength=len(ordered)).tolist()
    _add_deepest(counts.kept, judgement.depth[judgement.verdict == KEPT], pipeline)
    deepest = np.bincount(judgement.depth, minlength=len(pipeline.stages) + 1).tolist()
    for number, stage in enumerate(pipeline.stages):
        stopped = counts.stopped.setdefault(stage.name, Counter())
        passed = sum(deepest[number + 1 :])
        counts.passed[stage.name] += passed
        counts.entered[stage.name] += passed + deepest[number] - (0 if number else len(reasons))
        for check, hit in zip(ordered, hits, strict=True):
            if check.stage == number:
                stopped[check.rule] += hit
    counts.quarantine.update(reasons.to_pylist())
    for code, rows in ((UNMEASURED, null & unlooked), (UNMEASURABLE, null & ~unlooked)):
        if number := int(rows.sum()):
            counts.quarantine[code] += number


def count_captions(counts: Counts, signals: pa.Table, kept: NDArray[np.bool_]) -> None:
    """Add to the funnel where the captions of the rows of one unit were said, and what its edits
    were called in vain.
    """
    origins = pc.fill_null(signals.column("caption_origin"), NO_CAPTION)
    for counter, column in (
        (counts.captions, origins),
        (counts.kept_captions, origins.filter(pa.array(kept))),
    ):
        for entry in pc.value_counts(column).to_pylist():
            counter[entry["values"]] += entry["counts"]
    if UNKNOWN in signals.column_names:
        counts.unknown_kinds.update(signals.column(UNKNOWN).drop_null().to_pylist())
    unread = signals.filter(pc.is_valid(signals.column("side_file_problem")))
    counts.unread += unread.num_rows
    columns = (unread.column(name).cast(pa.binary()) for name in ("key", "side_file_problem"))
    pairs = zip(*(column.to_pylist() for column in columns), strict=True)
    first = [b": ".join(pair).decode(errors="replace") for pair in pairs]
    counts.unread_first = sorted({*counts.unread_first, *first})[:UNREAD_SHOWN]


def _add_deepest(counter: Counter[str], depth: NDArray[np.int16], pipeline: Pipeline) -> None:
    """Count rows by the deepest stage they pass."""
    numbers = np.bincount(depth, minlength=len(pipeline.stages) + 1).tolist()
    for stage, number in zip(pipeline.stages, numbers[1:], strict=True):
        counter[stage.name] += number
