"""Which rows wait for a model: "not looked at yet" told apart from "looked, and nothing seen"."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.judging import rules
from curation.judging.rules import Check, Judgement
from curation.measuring.chosen import Chosen
from curation.output import column_files
from curation.output.measured import LOOKED

Mask = NDArray[np.bool_]


class Waiting:
    """What a run's models are still to look at, by the ``ordered`` checks of its stages.

    ``models_of`` are, by what a check rules, the models that measure what it reads; ``represented``
    the columns that drop rows for which another stands.
    """

    def __init__(
        self, chosen: Chosen, ordered: Sequence[Check], represented: Collection[str]
    ) -> None:
        self.places, self.ordered, self.represented = chosen.models, ordered, represented
        self._of_kept = chosen.of_kept()
        owner = {column: entry.name for column, entry in chosen.owner.items()}
        reads = {column: (column,) for column in owner}
        self.models_of: Mapping[str, tuple[str, ...]] = {
            name: tuple(dict.fromkeys(owner[of] for of in columns if owner.get(of) in self.places))
            for name, columns in {**reads, **chosen.quotas}.items()
        }

    def unlooked(self, table: pa.Table, name: str) -> Mask:
        """The rows (N,) at which a model is still to look for what a check rules."""
        waiting = np.zeros(table.num_rows, np.bool_)
        for model in self.models_of.get(name, ()):
            waiting |= ~flag(table, LOOKED + model)
        return waiting

    def stopped(self, table: pa.Table, ordered: Sequence[Check], judgement: Judgement) -> Mask:
        """Rows that a null stopped which a model would have to look at: (N,)."""
        waiting = np.zeros(table.num_rows, np.bool_)
        for index, check in enumerate(ordered):
            if self.models_of.get(check.column):
                here = (judgement.check == index) & (judgement.verdict == rules.QUARANTINED)
                waiting |= here & self.unlooked(table, check.column)
        return waiting

    def unseen(self, table: pa.Table) -> dict[tuple[int, str], Mask]:
        """By stage and column the rows (N,) that its model did not look at yet."""
        ruled = {(check.stage, check.column) for check in self.ordered}
        return {
            (stage, column): self.unlooked(table, column)
            for stage, column in ruled
            if self.models_of.get(column)
        }

    def needless(
        self, table: pa.Table, groups: Mapping[str, pa.ChunkedArray]
    ) -> dict[tuple[int, str], Mask]:
        """By stage and column the rows (N,) no model looked at that fall as duplicates there.

        No model has to look at them: in the stage that needs it, their representatives stand for
        them.
        """
        unseen = self.unseen(table)
        for place in unseen:
            falls = np.zeros(table.num_rows, np.bool_)
            for check in self.ordered:
                if check.stage == place[0] and check.column in self.represented:
                    values = column_files.as_float(groups[check.column])
                    falls |= ~rules.passes(check, values)
            unseen[place] &= falls
        return unseen

    def add(
        self,
        waiting: dict[str, set[int]],
        table: pa.Table,
        judged: tuple[Judgement, Sequence[Check], Mask],
    ) -> None:
        """Add the rows that wait for a model, for all models that share a read with it.

        ``judged`` are a judgement, its checks, and which rows (N,) wait.
        """
        judgement, checks, unlooked = judged
        rows = np.flatnonzero(unlooked)
        deciding = judgement.check[rows]
        for index in np.unique(deciding).tolist():
            here = rows[deciding == index]
            for name in self._sharing(self.models_of[checks[index].column]):
                unseen = here[~flag(table, LOOKED + name)[here]]
                waiting.setdefault(name, set()).update(unseen.tolist())

    def add_kept(self, waiting: dict[str, set[int]], table: pa.Table, kept: Mask) -> None:
        """Add the kept rows (N,) bool that wait for what is requested of them."""
        for name in self._of_kept:
            rows = np.flatnonzero(kept & ~flag(table, LOOKED + name))
            waiting.setdefault(name, set()).update(rows.tolist())

    def _sharing(self, models: Collection[str]) -> list[str]:
        """The models that look at images together with one of these."""
        places = {self.places[name] for name in models}
        return [name for name, of in self.places.items() if of in places]


def flag(table: pa.Table, name: str) -> Mask:
    """A column of booleans without nulls: (N,)."""
    return np.asarray(table.column(name), np.bool_)
