"""Which copy stays: the best by a stated rank, whatever the order of the rows."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.duplicates import Contender, duplicates

from curation.groupings.duplicates import near, representatives
from curation.groupings.duplicates.representatives import CONTENT, HASH, PAIR, Members, Winners

Row = tuple[int, int, float, str, int]  # hash, stages passed, quality, content, captions
QUALITY = ("pixels",)


def identity(content: str) -> str:
    return content.encode().hex().ljust(32, "0")[:32]


def decide(rows: list[Row], radius: int = 2) -> list[tuple[int, int, int, str | None]]:
    """(exact, pair, near, better content) of each row, with every row competing."""
    hashes = near.tokens(np.array([row[0] for row in rows], np.uint64))
    ids = pa.array([identity(row[3]) for row in rows], pa.string())
    numbers = range(len(rows))
    made = {
        "token": hashes,
        "unit": ["unit"] * len(rows),
        "row": list(numbers),
        "depth": [row[1] for row in rows],
        "pixels": [row[2] for row in rows],
        "caption_length": [0] * len(rows),
        "captions_digest": [row[4] for row in rows],
        "id": ids,
        "key": [f"k{number:03}" for number in numbers],
        "uri": [f"u{number:03}" for number in numbers],
    }
    schema = representatives.row_schema(QUALITY)
    table = pa.table({name: pa.array(made[name]).cast(schema.field(name).type) for name in made})
    own = representatives.best(table, QUALITY, HASH)
    links = near.both_ways(near.join(hashes, radius))
    around = representatives.best_neighbours(own, links, QUALITY)
    nearest = representatives.best(pa.concat_tables([own, around]), QUALITY, HASH)
    every = [near.distinct(representatives.tokens(table, kind)) for kind in (CONTENT, PAIR)]
    sharing = representatives.sharing(table, [Members(of) for of in every])
    equal = (representatives.best(of, QUALITY, kind) for kind, of in enumerate(sharing, CONTENT))
    told = representatives.copies("unit", len(rows), table, Winners((nearest, *equal)))
    better = [
        name and bytes.fromhex(name).rstrip(b"\0").decode() for name in told.better.to_pylist()
    ]
    kinds = (told.exact.tolist(), told.pair.tolist(), told.near.tolist())
    return [*zip(*kinds, better, strict=True)]


def test_the_larger_copy_stays() -> None:
    told = decide([(0b0, 2, 100.0, "a", 1), (0b1, 2, 400.0, "b", 2)])
    assert told == [(0, 0, 1, "b"), (0, 0, 0, None)]


def test_a_row_its_own_rules_drop_never_pushes_out_a_good_one() -> None:
    told = decide([(0b0, 2, 100.0, "good", 1), (0b1, 1, 900.0, "large", 1)])
    assert told == [(0, 0, 0, None), (0, 0, 1, "good")]


def test_equal_contents_keep_one_and_equal_pairs_one_each() -> None:
    told = decide([(5, 2, 1.0, "same", captions) for captions in (1, 2, 1, 0, 2, 3)])
    assert [exact for exact, *_ in told] == [0, 1, 1, 1, 1, 1]
    assert [pair for _, pair, *_ in told] == [0, 0, 1, 1, 1, 0]
    assert {near for *_, near, _ in told} == {0}


def test_all_pairs_of_an_image_stand_or_fall_with_it() -> None:
    """The other image ranks between the two pairs of one."""
    rows: list[Row] = [(0b0, 2, 3.0, "a", 1), (0b1, 2, 2.0, "b", 1), (0b0, 1, 3.0, "a", 2)]
    assert decide(rows) == [(0, 0, 0, None), (0, 0, 1, "a"), (1, 0, 0, "a")]
    rows[1] = (0b1, 2, 4.0, "b", 1)
    assert decide(rows) == [(0, 0, 1, "b"), (0, 0, 0, None), (1, 0, 1, "b")]


def test_distance_beyond_the_radius_is_no_copy() -> None:
    assert decide([(0b0, 2, 1.0, "a", 1), (0b111, 2, 2.0, "b", 1)])[0] == (0, 0, 0, None)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 15),
        st.integers(0, 2),
        st.sampled_from([1.0, 2.0]),
        st.sampled_from("abcd"),
        st.integers(0, 2),
    ),
    max_size=12,
)


@given(ROWS)
def test_agrees_with_the_definition(rows: list[Row]) -> None:
    rows = [
        (*row[:3], f"{row[3]}{row[0]}", row[4]) for row in rows
    ]  # equal contents have equal hashes
    contenders = [
        Contender(
            hash=row[0],
            content=row[3],
            rank=(-row[1], -row[2], row[3], number),
            captions=row[4],
        )
        for number, row in enumerate(rows)
    ]
    expected = [tuple(vars(row).values()) for row in duplicates(contenders, 2)]
    assert decide(rows) == expected


@pytest.mark.parametrize("linked", [[], [1, 2], [8, 9, 9]])
def test_hot_tokens_occur_twice_or_are_linked(linked: list[int]) -> None:
    tokens = np.array([4, 3, 1, 3, 7, 3], np.uint64)
    assert representatives.hot(tokens, np.array(linked, np.uint64)).tolist() == sorted({3, *linked})


def test_tokens_are_sent_at_most_twice() -> None:
    tokens = np.array([5, 1, 5, 5, 1, 9], np.uint64)
    assert representatives.at_most_twice(tokens).tolist() == [1, 1, 5, 5, 9]


def test_a_content_token_is_the_first_half_of_the_hash() -> None:
    digests = [hashlib.sha256(bytes([number])).hexdigest()[:32] for number in range(5)]
    told = representatives.content_tokens(pa.array(digests)).tolist()
    assert told == [int(digest[:16], 16) for digest in digests]


def test_who_wins_as_a_pair_alone_is_told_apart() -> None:
    """No model has to look at it where images are to be unique."""
    won = {"token": [1], "unit": ["u"], "row": [3], "id": [identity("a")], "captions_digest": [7]}
    schema = representatives.row_schema(()).empty_table().select(representatives.WON).schema
    winners = Winners((schema.empty_table(), schema.empty_table(), pa.table(won, schema=schema)))
    assert winners.rows_of("u").tolist() == [3]
    assert winners.rows_of("u", (HASH, CONTENT)).tolist() == []
    assert winners.rows_of("v").tolist() == []


TIED = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(-1, 1), st.sampled_from([1.0, 2.0, None]),
        st.integers(0, 1), st.sampled_from("ab"), st.sampled_from("xy"),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


@given(TIED)
def test_the_best_of_groups_is_the_first_of_each_when_all_are_sorted(rows: list[tuple]) -> None:
    """Also among those that a crowded unit passes on."""
    token, depth, pixels, said, content, key = map(list, zip(*rows, strict=True))
    made = {
        "token": token, "unit": ["u"] * len(rows), "row": range(len(rows)), "depth": depth,
        "pixels": pixels, "caption_length": said, "captions_digest": said,
        "id": [identity(text) for text in content], "key": key, "uri": key[::-1],
    }  # fmt: skip
    schema = representatives.row_schema(QUALITY)
    table = pa.table({name: pa.array(made[name]).cast(schema.field(name).type) for name in made})
    keys = [(name, "descending") for name in ("depth", "pixels", "caption_length")]
    keys += [(name, "ascending") for name in ("id", "key", "uri", "row")]
    expected = {}
    for row in table.sort_by([("token", "ascending"), *keys]).to_pylist():
        expected.setdefault(row["token"], row)
    assert representatives.best(table, QUALITY, HASH).to_pylist() == [*expected.values()]
    nothing = representatives.Members(np.empty(0, np.uint64))
    fewer = representatives.narrowed(table, (nothing, nothing), QUALITY)
    assert fewer.num_rows == (
        len(rows) if len(rows) <= representatives.CROWDED * len(expected) else len(expected)
    )
    assert representatives.best(fewer, QUALITY, HASH).to_pylist() == [*expected.values()]
