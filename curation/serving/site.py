"""A finished run as the pages know it: its rows, what is asked of them, and what people say."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.failures.errors import UsageError
from curation.judging.rules import KEPT, VERDICTS
from curation.serving.asked import Asked
from curation.serving.neighbours import Alike, Neighbours
from curation.serving.pictures import Pictures
from curation.serving.query import Queries
from curation.serving.run_rows import Numbers, Rows
from curation.serving.trials import Trials
from curation.shard.picks import Mark, Recorder

MARKS = {"pick": pa.string(), "rating": pa.int8()}  # columns beside those of the run
REMEMBERED = 8  # selections: 8 bytes a row each
FALLEN_SHOWN = 12
NO_MARK = Mark()


class NoRowError(UsageError):
    """There is no such row, or nothing of it under that address."""


@dataclass(frozen=True)
class Selection:
    """The rows that are asked for, in their order, and of neighbours how alike they are."""

    numbers: Numbers
    said: Mapping[int, str]


@dataclass(frozen=True)
class Fallen:
    """How many rows of a selection a rule of a stage stopped, which dropped them or kept them from
    going deeper, and the condition that they meet.
    """

    stage: str
    rule: str
    count: int
    condition: str


class Site:
    """The run of these ``rows``; what is said of images goes to ``recorder``."""

    def __init__(self, rows: Rows, recorder: Recorder) -> None:
        self.rows, self.recorder = rows, recorder
        self.types = {**rows.types, **MARKS}
        self.queries = Queries(self.types, self._columns)
        self.trials, self.neighbours = Trials(rows), Neighbours(rows)
        self.pictures = Pictures(rows)
        self._verdicts = _codes(rows.column("verdict"), VERDICTS)
        self._selections: OrderedDict[tuple[Asked, int], Selection] = OrderedDict()
        self._guard = threading.Lock()

    def selection(self, asked: Asked) -> Selection:
        """The rows that are asked for. Raises ``UsageError``, ``ColumnFileError``."""
        key = replace(asked, page=1, show=24, plain=False), self.recorder.version
        with self._guard:
            known = self._selections.get(key)
        if known is None:
            known = self._selected(asked)
            with self._guard:
                self._selections[key] = known
                if len(self._selections) > REMEMBERED:
                    self._selections.popitem(last=False)
        return known

    def _selected(self, asked: Asked) -> Selection:
        numbers = self.queries.numbers(asked.where, asked.order)
        if asked.would:
            trial = self.trials.trial(self.trials.parsed(asked.moved))
            numbers = numbers[trial.rows[asked.would][numbers]]
        alike = self._alike(asked)
        if alike is None:
            return Selection(numbers, {})
        is_there = np.zeros(len(self.rows), np.bool_)
        is_there[numbers] = True
        said = dict(zip(alike.numbers.tolist(), alike.said, strict=True))
        return Selection(alike.numbers[is_there[alike.numbers]], said)

    def _alike(self, asked: Asked) -> Alike | None:
        by = asked.by or next(iter(self.neighbours.columns), "")
        if asked.near is not None:
            self.check(asked.near)
            return self.neighbours.of_image(asked.near, by)
        return self.neighbours.of_sentence(asked.text, by) if asked.text else None

    def check(self, number: int) -> None:
        """Raises ``NoRowError`` for the number of no row."""
        if not 0 <= number < len(self.rows):
            raise NoRowError(f"no image {number}: expected a number below {len(self.rows)}")

    def counts(self, numbers: Numbers) -> dict[str, int]:
        """How many of these rows have which verdict."""
        counted = np.bincount(self._verdicts[numbers], minlength=len(VERDICTS)).tolist()
        return dict(zip(VERDICTS, counted, strict=True))

    def fallen(self, numbers: Numbers) -> list[Fallen]:
        """What stopped most of these rows, dropped or held back."""
        columns = self.rows.columns(("stage", "rule", "verdict"))
        table = pa.table(columns).take(pa.array(numbers)) if len(numbers) else pa.table(columns)[:0]
        by = table.filter(pc.is_valid(table["rule"])).group_by(["verdict", "stage", "rule"])
        counted = by.aggregate([([], "count_all")]).sort_by(
            [("count_all", "descending"), ("stage", "ascending"), ("rule", "ascending")]
        )
        return [
            Fallen(
                self._stopped(of["verdict"], of["stage"]),
                of["rule"],
                of["count_all"],
                " AND ".join(_equal(name, of[name]) for name in ("verdict", "stage", "rule")),
            )
            for of in counted.slice(0, FALLEN_SHOWN).to_pylist()
        ]

    def _stopped(self, verdict: str, stage: str | None) -> str:
        """At which stage, as the funnel of the run counts it: the ledger has of a row that is kept
        the stage that it passed, which is the one before.
        """
        stages: list[str] = [*self.rows.run["counts"]["stages"]]
        if verdict != VERDICTS[KEPT] or stage not in stages[:-1]:
            return f"{verdict} {stage or ''}"
        return f"{verdict}, not {stages[stages.index(stage) + 1]}"

    def with_id(self, identity: str | None) -> list[int]:
        """The numbers of the rows with an id."""
        if not identity:
            return []
        same = pc.fill_null(pc.equal(self.rows.column("id"), identity), False)
        return [int(number) for number in np.flatnonzero(np.asarray(same))]

    def mark(self, number: int) -> Mark:
        """What was said of an image."""
        return self.recorder.said.marks.get(self.named(number)[0] or "", NO_MARK)

    def named(self, number: int) -> tuple[str | None, str]:
        """Id and key of a row."""
        identity, key = (self.rows.texts(name, [number])[0] for name in ("id", "key"))
        return identity, key or ""

    def _columns(self, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        held = self.rows.columns(name for name in names if name not in MARKS)
        return held | (self._marks() if not MARKS.keys().isdisjoint(names) else {})

    def _marks(self) -> dict[str, pa.ChunkedArray]:
        """The columns of what people said."""
        marks = dict(self.recorder.said.marks)
        places = pc.index_in(self.rows.column("id"), value_set=pa.array([*marks], pa.string()))
        return {
            name: pa.chunked_array(
                [pa.array([getattr(mark, name) for mark in marks.values()], kind)], kind
            ).take(places)
            for name, kind in MARKS.items()
        }


def _codes(
    column: pa.ChunkedArray, names: Sequence[str]
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """Which of the names each value is: (N,)."""
    return np.asarray(pc.index_in(column, value_set=pa.array(names)), np.int8)


def _equal(name: str, value: str | None) -> str:
    return f"{name} IS NULL" if value is None else f"{name} = {quoted(value)}"


def quoted(value: str) -> str:
    """A text as a condition says it."""
    return "'" + value.replace("'", "''") + "'"
