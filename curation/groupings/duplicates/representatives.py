"""Which rows have a better-ranked copy, exact (equal bytes) or near (perceptual hash).

Rank, best first: stages passed by the row's own rules, then the configured quality columns, then
the longer caption, then id, key and location. A row that its own rules would drop therefore never
pushes out one they would keep. A row is a duplicate if and only if some better-ranked row is its
copy, so that it does not depend on any order. An image that has several rows is ranked by the best
of them: where that has no better near-duplicate, none of them has.

A *token* is what copies share: a perceptual hash, the first 64 bits of a content hash, or these and
a digest of captions for image-text pairs. A row without captions is the pair that any row of equal
bytes is. Only
rows with a *hot* token can be copies, and of those only the best of each token can beat another:
everything here is taking the best of groups, which may be done unit by unit and then again over
what the units found. A million rows of one hash are thus one row of each unit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.groupings.duplicates import ranking
from curation.groupings.duplicates.near import Edges, Hashes, both_ways, distinct

HASH, CONTENT, PAIR = KINDS = 0, 1, 2  # the kinds of tokens
WON = ("token", "unit", "row", "id", "captions_digest")  # the columns that say who won
_EQUAL = {CONTENT: ("id",), PAIR: ("id", "captions_digest")}  # in all of a group
CROWDED = 4  # rows of a unit for each of its tokens
_MIXED = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)  # odd: nothing is lost
BEHIND_ALL = -1  # in place of the stages passed, of rows that are copies by equal bytes alone


def row_schema(quality: Sequence[str]) -> pa.Schema:
    """The schema of rows that compete for a token."""
    fields = {"token": pa.uint64(), "unit": pa.string(), "row": pa.int32(), "depth": pa.int16()}
    fields |= {**dict.fromkeys(quality, pa.float64()), "caption_length": pa.int32()}
    fields |= {"captions_digest": pa.uint64()}
    return pa.schema([*(fields | dict.fromkeys(("id", "key", "uri"), pa.string())).items()])


def content_tokens(ids: pa.Array | pa.ChunkedArray) -> Hashes:
    """The first 64 bits of content ids (32 hexadecimal digits each, no nulls): (N,)."""
    return np.ascontiguousarray(ranking.content_halves(ids)[:, 0])


def tokens(rows: pa.Table, kind: int) -> Hashes:
    """The tokens of rows (N,) by content or by pair: (N,)."""
    return np.ascontiguousarray(_keys(rows, kind)[:, 0])


def _keys(rows: pa.Table, kind: int) -> Hashes:
    """What all of a group and no others have: (N,) of hashes, else (N, 2)."""
    if kind == HASH:
        return tokens_of(rows)
    halves = ranking.content_halves(rows.column("id"))
    if kind == PAIR:
        said = np.asarray(rows.column("captions_digest").to_numpy(), np.uint64)
        halves ^= said[:, np.newaxis] * _MIXED
    return halves


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

    def places(self, wanted: Hashes) -> NDArray[np.int64]:
        """Where each of ``wanted`` (M,) first is in the set, or -1: (M,)."""
        places = np.full(len(wanted), -1, np.int64)
        likely = np.flatnonzero(self._taken[wanted >> self._shift])
        if len(likely):
            searched = wanted[likely]
            place = np.minimum(np.searchsorted(self.ordered, searched), len(self.ordered) - 1)
            places[likely] = np.where(self.ordered[place] == searched, place, -1)
        return places

    def hold(self, wanted: Hashes) -> NDArray[np.bool_]:
        """Which of ``wanted`` (M,) are in the set: (M,) bool."""
        return self.places(wanted) >= 0


def tokens_of(rows: pa.Table) -> Hashes:
    """The column ``token``: (N,)."""
    return np.asarray(rows.column("token").to_numpy(), np.uint64)


def best(rows: pa.Table, quality: Sequence[str], kind: int) -> pa.Table:
    """The best row of each group, sorted by token."""
    best = ranking.best_of(rows, *ranking.grouped(_keys(rows, kind)), quality)
    return rows.take(pa.array(best)).combine_chunks()


def best_neighbours(rows: pa.Table, links: Edges, quality: Sequence[str]) -> pa.Table:
    """For each token that ``links`` (from, to) lead to, the best of the rows they come from.

    ``rows`` are the best of each token; in the result, ``token`` is the one that is led to.
    """
    targets, best = _neighbours(rows, np.arange(rows.num_rows), links, quality)
    return rows.take(pa.array(best)).set_column(0, rows.schema.field(0), pa.array(targets))


def _neighbours(
    rows: pa.Table, best: NDArray[np.int64], links: Edges, quality: Sequence[str]
) -> tuple[Hashes, NDArray[np.int64]]:
    """The tokens that ``links`` lead to, and the best of the rows ``best`` they come from."""
    names = tokens_of(rows)[best]
    places = Members(names).places(links[:, 0])
    targets, places = links[places >= 0, 1], places[places >= 0]
    order, first = ranking.grouped(targets)
    return targets[order][first], ranking.best_of(rows, best[places[order]], first, quality)


def winners(
    rows: pa.Table, shared: Sequence[Members], edges: Edges, quality: Sequence[str]
) -> "Winners":
    """The winners among all ``rows`` that may be copies, in one process.

    ``shared`` are the tokens of contents and of pairs that several have, ``edges`` lead from hash
    to hash.
    """
    own = ranking.best_of(rows, *ranking.grouped(tokens_of(rows)), quality)
    targets, around = _neighbours(rows, own, both_ways(edges), quality)
    names = np.concatenate([tokens_of(rows)[own], targets])
    order, first = ranking.grouped(names)
    candidates = np.concatenate([own, around])[order]
    nearest = rows.select(WON).take(pa.array(ranking.best_of(rows, candidates, first, quality)))
    nearest = nearest.set_column(0, rows.schema.field(0), pa.array(names[order][first]))
    exact, pairs = (
        best(of, quality, kind).select(WON)
        for kind, of in enumerate(sharing(rows, shared), CONTENT)
    )
    return Winners((nearest.combine_chunks(), exact, pairs))


def narrowed(rows: pa.Table, shared: Sequence[Members], quality: Sequence[str]) -> pa.Table:
    """The rows of a unit without those that lose in it already, where they are many.

    ``shared`` are the tokens of contents and of pairs that several rows have.
    """
    order, first = ranking.grouped(tokens_of(rows))
    if rows.num_rows <= CROWDED * len(first):
        return rows
    stays = shared[0].hold(tokens(rows, CONTENT)) | shared[1].hold(tokens(rows, PAIR))
    stays[ranking.best_of(rows, order, first, quality)] = True
    return rows.filter(pa.array(stays))


def sharing(rows: pa.Table, shared: Sequence[Members]) -> Iterator[pa.Table]:
    """The rows whose content several have, then those whose pair: that being their token."""
    for kind, those in enumerate(shared, CONTENT):
        named = tokens(rows, kind)
        held = those.hold(named)
        field, column = rows.schema.field(0), pa.array(named[held])
        yield rows.filter(pa.array(held)).set_column(0, field, column)


@dataclass(frozen=True)
class Winners:
    """By kind of token: the best row of each group, sorted by token.

    For a perceptual hash that is the best of all rows within the radius.
    """

    rows: tuple[pa.Table, ...]

    @cached_property
    def hashes(self) -> Members:
        """The perceptual hashes that have a winner."""
        return Members(tokens_of(self.rows[HASH]))

    @cached_property
    def shared(self) -> tuple[Members, Members]:
        """The tokens of contents, and of pairs, that have a winner."""
        return Members(tokens_of(self.rows[CONTENT])), Members(tokens_of(self.rows[PAIR]))

    def rows_of(self, unit: str, kinds: Sequence[int] = KINDS) -> NDArray[np.int64]:
        """The rows of a unit that win over a copy of these kinds: (M,), ascending."""
        nothing = np.empty(0, np.int64)
        return np.unique(np.concatenate([self._rows[of].get(unit, nothing) for of in kinds]))

    @cached_property
    def _rows(self) -> list[dict[str, NDArray[np.int64]]]:
        return [_by_unit(rows) for rows in self.rows]


def _by_unit(won: pa.Table) -> dict[str, NDArray[np.int64]]:
    """The rows of each unit."""
    if not won.num_rows:
        return {}
    units = won.column("unit").cast(pa.string()).combine_chunks().dictionary_encode()
    places = np.asarray(won.column("row").to_numpy(), np.int64)
    numbers = np.asarray(units.indices.to_numpy(), np.int64)
    order = np.argsort(numbers, kind="stable")
    first = np.searchsorted(numbers[order], np.arange(1, len(units.dictionary)))
    parts = np.split(places[order], first)
    return dict(zip(units.dictionary.to_pylist(), parts, strict=True))


@dataclass(frozen=True)
class Copies:
    """Per row of a unit (N,): 1 where a better copy exists; ``better`` is that copy's id."""

    exact: NDArray[np.int8]
    pair: NDArray[np.int8]
    near: NDArray[np.int8]
    better: pa.ChunkedArray


def copies(unit: str, count: int, own: pa.Table, winners: Winners) -> Copies:
    """Mark the rows of a unit of ``count`` rows that are not the best of their groups.

    ``own`` are those of the unit that may be copies, in the schema of ``row_schema``.
    """
    exact, pair, near = np.zeros((3, count), np.int8)
    place = winners.hashes.places(tokens_of(own))
    own = own.select(["row", "depth", "id", "captions_digest"])
    if (hot := place >= 0).sum() < len(hot):
        own, place = own.filter(pa.array(hot)), place[hot]
    if not own.num_rows:
        return Copies(exact, pair, near, pa.chunked_array([pa.nulls(count, pa.string())]))
    rows, ids = np.asarray(own.column("row").to_numpy(), np.int64), own.column("id")
    alone = np.asarray(own.column("depth").to_numpy()) == BEHIND_ALL
    nearest = winners.rows[HASH].column("id").take(pa.array(place))
    is_near = ~np.asarray(pc.equal(nearest, ids)) & ~alone
    is_exact, is_pair = (_beaten(unit, own, winners, kind) for kind in (CONTENT, PAIR))
    silent = np.asarray(own.column("captions_digest").to_numpy()) == 0
    near[rows], exact[rows], pair[rows] = is_near, is_exact, is_pair | (is_exact & silent)
    names = [nearest.filter(pa.array(is_near)), ids.filter(pa.array(is_exact & ~is_near))]
    known = pa.chunked_array([chunk for of in names for chunk in of.chunks], pa.string())
    where = np.full(count, -1, np.int64)
    where[np.concatenate([rows[is_near], rows[is_exact & ~is_near]])] = np.arange(len(known))
    return Copies(exact, pair, near, known.take(pa.array(where, mask=where < 0)))


def _beaten(unit: str, own: pa.Table, winners: Winners, kind: int) -> NDArray[np.bool_]:
    """Which rows of the unit (N,) have the content of a winner, or are its pair, and are not it."""
    held, place = _groups(own, winners, kind)
    chosen = winners.rows[kind].select(["unit", "row"]).take(pa.array(place))
    same = np.asarray(pc.equal(chosen.column("unit"), unit), np.bool_)
    rows = np.asarray(own.column("row").to_numpy(), np.int64)[held]
    beaten = np.zeros(own.num_rows, np.bool_)
    beaten[held] = ~same | (chosen.column("row").to_numpy() != rows)
    return beaten


def _groups(
    own: pa.Table, winners: Winners, kind: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows have a winner, and the places of those: tokens alone may agree by chance."""
    members, named = winners.shared[kind - CONTENT], tokens(own, kind)
    names, held = members.ordered, np.zeros(own.num_rows, bool)
    place = members.places(named)
    waiting = np.flatnonzero(place >= 0)
    while len(waiting):
        same = np.ones(len(waiting), bool)
        for name in _EQUAL[kind]:
            chosen = winners.rows[kind].column(name).take(pa.array(place[waiting]))
            same &= np.asarray(pc.equal(chosen, own.column(name).take(pa.array(waiting))))
        held[waiting[same]] = True
        waiting = waiting[~same]
        place[waiting] += 1
        waiting = waiting[place[waiting] < len(names)]
        waiting = waiting[names[place[waiting]] == named[waiting]]
    return held, place[held]
