"""Which rows have a better-ranked copy, exact (equal bytes) or near (perceptual hash).

Rank, best first: stages passed by the row's own rules, then the configured quality columns, then
the longer caption, then id, key and location. A row that its own rules would drop therefore never
pushes out one they would keep. A row is a duplicate if and only if some better-ranked row is its
copy: a statement about pairs, so it does not depend on any order.

A *token* is what copies share: a perceptual hash, or the first 64 bits of a content hash. Only
rows with a *hot* token can be copies, and of those only the best of each token can beat another:
everything here is taking the best of groups, which may be done unit by unit and then again over
what the units found. A million rows of one hash are thus one row of each unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.groupings.duplicates.near import Edges, Hashes, distinct

HASH, CONTENT = 0, 1  # the kinds of tokens
SAME = (("token",), ("token", "id"))  # by kind: the columns that say which rows are one group


def row_schema(quality: Sequence[str]) -> pa.Schema:
    """The schema of rows that compete for a token."""
    fields = {"token": pa.uint64(), "unit": pa.string(), "row": pa.int32(), "depth": pa.int16()}
    fields |= {**dict.fromkeys(quality, pa.float64()), "caption_length": pa.int32()}
    return pa.schema([*(fields | dict.fromkeys(("id", "key", "uri"), pa.string())).items()])


def content_tokens(ids: pa.Array) -> Hashes:
    """The first 64 bits of content ids (32 hexadecimal digits each, no nulls): (N,)."""
    if not len(ids):
        return np.empty(0, np.uint64)
    digits = pc.binary_join(pa.ListArray.from_arrays([0, len(ids)], ids), "")[0].as_py()
    return np.frombuffer(bytes.fromhex(digits), ">u8")[::2].astype(np.uint64)


def at_most_twice(tokens: Hashes) -> Hashes:
    """Sorted, each value once, or twice where it occurs more than once."""
    ordered = np.sort(tokens)
    keep = np.ones(len(ordered), bool)
    keep[2:] = ordered[2:] != ordered[:-2]
    return ordered[keep]


def hot(tokens: Hashes, linked: Hashes) -> Hashes:
    """The tokens that occur more than once or are ``linked`` by an edge; sorted, distinct."""
    ordered = np.sort(tokens)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return distinct(np.concatenate([repeated, linked.ravel()]))


class Members:
    """A sorted set of tokens, asked again and again which of others are in it.

    Their highest bits tell at once of most that they are not; only the rest is searched for.
    """

    def __init__(self, ordered: Hashes) -> None:
        self.ordered = ordered
        bits = min(24, len(ordered).bit_length() + 4)  # 16 places for each: 6 % look alike
        self._shift = np.uint64(64 - bits)
        self._taken = np.zeros(1 << bits, bool)
        self._taken[ordered >> self._shift] = True

    def hold(self, wanted: Hashes) -> NDArray[np.bool_]:
        """Which of ``wanted`` (M,) are in the set: (M,) bool."""
        found = np.zeros(len(wanted), bool)
        likely = np.flatnonzero(self._taken[wanted >> self._shift])
        if len(likely):
            searched = wanted[likely]
            place = np.minimum(np.searchsorted(self.ordered, searched), len(self.ordered) - 1)
            found[likely] = self.ordered[place] == searched
        return found


def tokens_of(rows: pa.Table) -> Hashes:
    """The column ``token``: (N,)."""
    return np.asarray(rows.column("token").to_numpy(), np.uint64)


def _order(rows: pa.Table, quality: Sequence[str], first: Sequence[str]) -> pa.Array:
    keys = [(name, "ascending") for name in first]
    keys += [(name, "descending") for name in ("depth", *quality, "caption_length")]
    keys += [(name, "ascending") for name in ("id", "key", "uri", "row")]
    return pc.sort_indices(rows, sort_keys=keys)


def best(rows: pa.Table, quality: Sequence[str], kind: int) -> pa.Table:
    """The best row of each group, sorted by token."""
    rows = rows.combine_chunks()
    rows = rows.take(_order(rows, quality, SAME[kind])).combine_chunks()
    fresh = np.ones(rows.num_rows, bool)
    fresh[1:] = False
    for name in SAME[kind]:
        column = rows.column(name)
        fresh[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return rows.filter(pa.array(fresh)).combine_chunks()


def best_neighbours(rows: pa.Table, links: Edges, quality: Sequence[str]) -> pa.Table:
    """For each token that ``links`` (from, to) lead to, the best of the rows they come from.

    ``rows`` are the best of each token; in the result, ``token`` is the one that is led to.
    """
    names = tokens_of(rows)
    links = links[Members(names).hold(links[:, 0])]
    order = _order(rows, quality, ()).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    targets = distinct(links[:, 1])
    least = np.full(len(targets), len(order), np.int64)
    ends = np.searchsorted(targets, links[:, 1])
    np.minimum.at(least, ends, rank[np.searchsorted(names, links[:, 0])])
    return rows.take(order[least]).set_column(0, rows.schema.field(0), pa.array(targets))


@dataclass(frozen=True)
class Winners:
    """By kind of token: the best row of each group, sorted by token.

    For a perceptual hash that is the best of all rows within the radius.
    """

    rows: tuple[pa.Table, pa.Table]

    @cached_property
    def hashes(self) -> Members:
        """The perceptual hashes that have a winner."""
        return Members(tokens_of(self.rows[HASH]))

    @cached_property
    def contents(self) -> Members:
        """The content tokens that have a winner."""
        return Members(tokens_of(self.rows[CONTENT]))

    @cached_property
    def _rows(self) -> dict[str, NDArray[np.int64]]:
        known = pa.concat_tables([rows.select(["unit", "row"]) for rows in self.rows])
        if not known.num_rows:
            return {}
        units = known.column("unit").cast(pa.string()).combine_chunks().dictionary_encode()
        places = np.asarray(known.column("row").to_numpy(), np.int64)
        numbers = np.asarray(units.indices.to_numpy(), np.int64)
        order = np.argsort(numbers, kind="stable")
        first = np.searchsorted(numbers[order], np.arange(1, len(units.dictionary)))
        parts = np.split(places[order], first)
        return dict(zip(units.dictionary.to_pylist(), map(np.unique, parts), strict=True))

    def rows_of(self, unit: str) -> NDArray[np.int64]:
        """The rows of a unit that win over a copy of theirs: (M,), ascending."""
        return self._rows.get(unit, np.empty(0, np.int64))


@dataclass(frozen=True)
class Copies:
    """Per row of a unit (N,): 1 where a better copy exists; ``better`` is that copy's id."""

    exact: NDArray[np.int8]
    near: NDArray[np.int8]
    better: list[str | None]


def copies(
    unit: str, rows: NDArray[np.int64], hashes: Hashes, ids: pa.Array, winners: Winners
) -> Copies:
    """Mark the rows of a unit that are not the best of their groups.

    ``rows`` are those that have a perceptual hash, ``hashes`` (same length) are those; ``ids`` are
    of all N rows of the unit.
    """
    near, exact = winners.rows
    count = len(ids)
    found = Copies(np.zeros(count, np.int8), np.zeros(count, np.int8), [None] * count)
    hot = winners.hashes.hold(hashes)
    rows, place = rows[hot], np.searchsorted(winners.hashes.ordered, hashes[hot])
    if not len(rows):
        return found
    beaten = _beaten(unit, rows, near, place)
    found.near[rows] = beaten
    names = near.column("id").take(pa.array(place[beaten])).to_pylist()
    for row, name in zip(rows[beaten].tolist(), names, strict=True):
        found.better[row] = name
    own = ids.take(pa.array(rows))
    held, place = _groups(exact, winners.contents, content_tokens(own), own)
    rows, own = rows[held], own.filter(pa.array(held))
    beaten = _beaten(unit, rows, exact, place)
    found.exact[rows] = beaten
    for row, name in zip(
        rows[beaten].tolist(), own.filter(pa.array(beaten)).to_pylist(), strict=True
    ):
        found.better[row] = name
    return found


def _beaten(
    unit: str, rows: NDArray[np.int64], winners: pa.Table, place: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which rows of the unit are not the winners at these places."""
    chosen = winners.select(["unit", "row"]).take(pa.array(place))
    same = pc.equal(chosen.column("unit"), unit).to_numpy(zero_copy_only=False)
    return np.asarray(~same.astype(bool) | (chosen.column("row").to_numpy() != rows), np.bool_)


def _groups(
    exact: pa.Table, members: Members, tokens: Hashes, ids: pa.Array
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which ids have a winner, and the places of those; ids may agree in their first 64 bits."""
    names = members.ordered
    held = np.zeros(len(tokens), bool)
    waiting = np.flatnonzero(members.hold(tokens))
    place = np.zeros(len(tokens), np.int64)
    place[waiting] = np.searchsorted(names, tokens[waiting])
    while len(waiting):
        chosen = exact.column("id").take(pa.array(place[waiting]))
        same = pc.equal(chosen, ids.take(pa.array(waiting))).to_numpy(zero_copy_only=False)
        held[waiting[same.astype(bool)]] = True
        waiting = waiting[~same.astype(bool)]
        place[waiting] += 1
        waiting = waiting[place[waiting] < len(names)]
        waiting = waiting[names[place[waiting]] == tokens[waiting]]
    return held, place[held]
