"""Groups of duplicates, exact and near, rebuilt from the ledger's ``duplicate_of``.

A million rows may hold hundreds of thousands of duplicates, so they are held as pairs of 64-bit
prefixes of ids (16 bytes a pair); full rows are looked up for the few groups that are shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit, equals

SHOWN_GROUPS = 12
SHOWN_MEMBERS = 8
EQUAL_BYTES = ("exact_better.max", "pair_better.max")
PREFIX = 16  # hexadecimal digits of an id that are kept: 64 bits

Ids = NDArray[np.uint64]


@dataclass(frozen=True)
class Member:
    """A row of a group and what became of it: the verdict, and the rule if one stopped it."""

    pick: Pick
    verdict: str
    rule: str | None


@dataclass(frozen=True)
class Group:
    """``representative`` is what the others are duplicates of; ``size`` counts it and them."""

    representative: Member | None
    others: tuple[Member, ...]
    size: int


@dataclass
class Pairs:
    """All (duplicate, representative) pairs that a rule on ``column`` stopped."""

    column: str
    _duplicates: list[Ids] = field(default_factory=list)
    _representatives: list[Ids] = field(default_factory=list)

    def add(self, unit: Unit) -> None:
        """Collect the pairs of a unit's ledger."""
        rows = equals(unit.ledger.column("rule"), f"{self.column}.max")
        known = unit.ledger.select(["id", "duplicate_of"]).filter(pa.array(rows)).drop_null()
        self._duplicates.append(_prefixes(known.column("id")))
        self._representatives.append(_prefixes(known.column("duplicate_of")))

    @property
    def count(self) -> int:
        """How many rows are duplicates."""
        return sum(len(ids) for ids in self._duplicates)

    def groups(self) -> tuple[int, list[tuple[int, int, list[int]]]]:
        """How many groups there are, and the largest: (root, size, members), largest first.

        A representative that is itself a duplicate of a third is followed to the end of the chain.
        """
        if not self.count:
            return 0, []
        duplicates, roots = np.concatenate(self._duplicates), np.concatenate(self._representatives)
        if self.column == "near_better":
            roots = _ends(duplicates, roots)
        unique, sizes = np.unique(roots, return_counts=True)
        largest = np.lexsort((unique, -sizes))[:SHOWN_GROUPS]
        chosen = []
        for number in largest.tolist():
            members = np.unique(duplicates[roots == unique[number]])[:SHOWN_MEMBERS]
            chosen.append((int(unique[number]), int(sizes[number]) + 1, members.tolist()))
        return len(unique), chosen


def _prefixes(column: pa.ChunkedArray) -> Ids:
    return np.array([int(value[:PREFIX], 16) for value in column.to_pylist()], np.uint64)


def _ends(duplicates: Ids, representatives: Ids) -> Ids:
    names, first = np.unique(duplicates, return_index=True)
    for _ in range(64):  # every step goes to a row of higher rank, so this ends much sooner
        place = np.minimum(np.searchsorted(names, representatives), len(names) - 1)
        known = names[place] == representatives
        following = np.where(known, representatives[first[place]], representatives)
        if np.array_equal(following, representatives):
            break
        representatives = following
    return representatives


def members(units: Iterable[Unit], wanted: set[int]) -> dict[int, list[Member]]:
    """The rows with the wanted id prefixes: those that are no duplicates first, few per id.

    ``units`` need the signal columns of ``nearest`` and the ledger's ``id``, ``verdict``, ``rule``.
    """
    names = pa.array([f"{prefix:0{PREFIX}x}" for prefix in sorted(wanted)], pa.string())
    rows_of: dict[int, list[Member]] = {}
    for unit in units:
        prefixes = pc.utf8_slice_codeunits(unit.ledger.column("id"), 0, PREFIX)
        hits = pc.fill_null(pc.is_in(prefixes, value_set=names), False)
        rows = np.flatnonzero(np.asarray(hits.to_numpy(zero_copy_only=False), np.bool_))
        nothing = np.zeros(unit.ledger.num_rows)
        for row, pick in zip(rows, picks(unit, rows, nothing, nothing[rows]), strict=True):
            verdict = str(unit.ledger.column("verdict")[int(row)].as_py())
            rule = unit.ledger.column("rule")[int(row)].as_py()
            of_id = rows_of.setdefault(int(pick.id[:PREFIX], 16), [])
            member = Member(pick, verdict, rule)
            if rule in EQUAL_BYTES:
                of_id.append(member)
            else:
                of_id.insert(0, member)
            del of_id[SHOWN_MEMBERS + 1 :]
    return rows_of


def assemble(
    chosen: list[tuple[int, int, list[int]]], rows: dict[int, list[Member]]
) -> list[Group]:
    """The chosen groups with their rows; the representative leads."""
    groups = []
    for root, size, ids in chosen:
        of_root = rows.get(root, [])
        others = [of for of in of_root[1:] if of.rule in EQUAL_BYTES] if root in ids else []
        others += [rows[number][0] for number in ids if number != root and rows.get(number)]
        leading = of_root[0] if of_root else None
        groups.append(Group(leading, tuple(others[:SHOWN_MEMBERS]), size))
    return groups
