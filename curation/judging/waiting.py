"""Which rows wait for a model: "not looked at yet" told apart from "looked, and nothing seen"."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.judging import rules
from curation.judging.reading import Mask, Reading
from curation.judging.rules import Check, Judgement, Stops
from curation.measuring.chosen import Chosen
from curation.output import column_files

Looked = Mapping[str, Mask]  # by model: at which rows (N,) it looked
NOBODY = np.zeros(1, np.bool_)  # of any number of rows


class Waiting:
    """What a run's models are still to look at, by the ``ordered`` checks of its stages.

    ``models_of`` are, by what a check rules, the models that measure what it reads, and whatever
    these read; ``represented`` the columns that drop rows for which another stands.
    """

    def __init__(
        self, chosen: Chosen, ordered: Sequence[Check], represented: Collection[str]
    ) -> None:
        self.places, self.ordered, self.represented = chosen.models, ordered, represented
        self._of_kept = chosen.of_kept()
        reads: dict[str, tuple[str, ...]] = {column: (column,) for column in chosen.owner}
        said = {_of_captions(n): _until(chosen.order, n) for n in range(len(chosen.order))}
        reads |= {**said, **chosen.quotas, **chosen.read_by_groupings}
        self.models_of: Mapping[str, tuple[str, ...]] = {
            name: tuple(
                dict.fromkeys(
                    model
                    for of in columns
                    for model in chosen.needed_for(of)
                    if model in self.places
                )
            )
            for name, columns in reads.items()
        }

    def unlooked(self, looked: Looked, name: str, rows: int) -> Mask:
        """The rows (N,) at which a model is still to look for what a check rules."""
        waiting = np.zeros(rows, np.bool_)
        for model in self.models_of.get(name, ()):
            waiting |= ~looked[model]
        return waiting

    def unseen(self, looked: Looked, rows: int) -> dict[tuple[int, str], Mask]:
        """By stage and column the rows (N,) that its model did not look at yet."""
        ruled = {(check.stage, check.column): _ruled(check) for check in self.ordered}
        return {
            place: self.unlooked(looked, name, rows)
            for place, name in ruled.items()
            if self.models_of.get(name)
        }

    def at_unlooked(
        self,
        looked: Looked,
        stops: Stops,
        stages: Mapping[int, Mask] | None = None,
    ) -> Mask:
        """Rows (N,) that a null stops which a model would have to look at.

        With ``stages`` only where those (N,) are named at the stage of that stop.
        """
        waiting = np.zeros(len(stops.check), np.bool_)
        if not self.places:
            return waiting
        for index, check in enumerate(self.ordered):
            if self.models_of.get(_ruled(check)):
                here = (stops.check == index) & stops.null
                if stages is not None:
                    here &= stages.get(check.stage, NOBODY)
                waiting |= here & self.unlooked(looked, _ruled(check), len(here))
        return waiting

    def stopped(self, reading: Reading, judged: Judgement) -> Mask:
        """The rows (N,) of a unit that are quarantined for want of a look."""
        null = judged.verdict == rules.QUARANTINED
        return self.at_unlooked(reading.looked, Stops(judged.check, null))

    def falls(self, groups: pa.Table) -> dict[int, Mask]:
        """By stage the rows (N,) that fall there as duplicates.

        No model has to look at them: in the stage that needs it, their representatives stand for
        them.
        """
        falls: dict[int, Mask] = {}
        for check in self.ordered:
            if check.column in self.represented:
                values = column_files.as_float(groups.column(check.column))
                falls[check.stage] = falls.get(check.stage, NOBODY) | ~rules.passes(check, values)
        return falls

    def add(
        self,
        waiting: dict[str, set[int]],
        looked: Looked,
        stopped_by: NDArray[np.int16],
        unlooked: Mask,
    ) -> None:
        """Add the rows that wait for a model, for all models that share a read with it.

        ``stopped_by`` (N,) are the checks that stop rows, ``unlooked`` (N,) those that wait.
        """
        rows = np.flatnonzero(unlooked)
        deciding = stopped_by[rows]
        for index in np.unique(deciding).tolist():
            here = rows[deciding == index]
            for name in self._sharing(self.models_of[_ruled(self.ordered[index])]):
                unseen = here[~looked[name][here]]
                waiting.setdefault(name, set()).update(unseen.tolist())

    @property
    def ruled(self) -> frozenset[str]:
        """The models of all that checks rule."""
        return frozenset(
            name for check in self.ordered for name in self.models_of.get(_ruled(check), ())
        )

    def lacking(
        self, looked: Looked, stopped_by: NDArray[np.int16], unlooked: Mask
    ) -> Counter[str]:
        """By model, how many of the rows that are ``unlooked`` (N,) it would have to look at for
        the checks that stop them, ``stopped_by`` (N,).
        """
        rows = Counter[str]()
        for index in np.unique(stopped_by[unlooked]).tolist():
            here = unlooked & (stopped_by == index)
            for name in self.models_of[_ruled(self.ordered[index])]:
                rows[name] += int((here & ~looked[name]).sum())
        return +rows

    def add_kept(self, waiting: dict[str, set[int]], looked: Looked, kept: Mask) -> None:
        """Add the kept rows (N,) bool that wait for what is requested of them."""
        for name in self._of_kept:
            rows = np.flatnonzero(kept & ~looked[name])
            waiting.setdefault(name, set()).update(rows.tolist())

    def looked_at(self, depth: int, rule: str | None) -> frozenset[str]:
        """The models that a kept row needs: one that passes so many stages, and then fails a rule.

        Who else looked, because of what others read or of what ruled earlier, is by chance.
        """
        until = [check for check in self.ordered if check.stage <= depth]
        failed = [check.stage == depth and check.rule == rule for check in until]
        if rule is not None:
            until = until[: failed.index(True) + 1]
        needed = {name for check in until for name in self.models_of.get(_ruled(check), ())}
        if rule is not None and until[-1].column in self.represented:  # its representative looked
            needed = {name for name in needed if self.places[name][0] < depth}
        return frozenset({*needed, *self._of_kept})

    def _sharing(self, models: Collection[str]) -> list[str]:
        """The models that look at images together with one of these."""
        places = {self.places[name] for name in models}
        return [name for name, of in self.places.items() if of in places]


def _ruled(check: Check) -> str:
    """What a check rules: a column, a quota, or captions up to its stage."""
    return _of_captions(check.stage) if check.column == rules.CAPTIONS else check.column


def _of_captions(stage: int) -> str:
    return f"{rules.CAPTIONS}.{stage}"


def _until(order: Sequence[Sequence[str]], stage: int) -> tuple[str, ...]:
    """The columns of captions that are ruled up to a stage."""
    return tuple(name for of in order[: stage + 1] for name in of if "." in name)
