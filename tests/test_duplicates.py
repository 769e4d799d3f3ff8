"""Which copy stays: the best by a stated rank, whatever the order of the rows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.groups import duplicates, near

Row = tuple[int, int, float, str]  # hash, stages passed, quality, id


def decide(rows: list[Row], radius: int = 2) -> dict[int, tuple[int, int, int]]:
    """Row -> (exact, near, better row) with every row a candidate."""
    hashes = np.array([row[0] for row in rows], np.uint64)
    edges = near.join(hashes, radius)
    table = pa.table(
        {
            "depth": [row[1] for row in rows],
            "pixels": [row[2] for row in rows],
            "caption_length": [0] * len(rows),
            "id": [row[3] for row in rows],
            "key": [f"k{number:03}" for number in range(len(rows))],
            "uri": [f"u{number:03}" for number in range(len(rows))],
        }
    )
    rank = duplicates.ranks(table, ("pixels",))
    ids = np.unique(np.array([row[3] for row in rows]), return_inverse=True)[1]
    found = duplicates.resolve(hashes, edges, ids, rank)
    triples = zip(found.exact.tolist(), found.near.tolist(), found.better.tolist(), strict=True)
    return dict(enumerate(triples))


def test_the_larger_copy_stays() -> None:
    assert decide([(0b0, 2, 100.0, "a"), (0b1, 2, 400.0, "b")]) == {0: (0, 1, 1), 1: (0, 0, -1)}


def test_a_row_its_own_rules_drop_never_pushes_out_a_good_one() -> None:
    told = decide([(0b0, 2, 100.0, "good"), (0b1, 1, 900.0, "large but blurred")])
    assert told == {0: (0, 0, -1), 1: (0, 1, 0)}


def test_equal_contents_keep_one() -> None:
    told = decide([(5, 2, 1.0, "same"), (5, 2, 1.0, "same"), (5, 2, 1.0, "same")])
    assert [exact for exact, _, _ in told.values()] == [0, 1, 1]


def test_distance_beyond_the_radius_is_no_copy() -> None:
    assert decide([(0b0, 2, 1.0, "a"), (0b111, 2, 2.0, "b")])[0] == (0, 0, -1)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 15), st.integers(0, 2), st.sampled_from([1.0, 2.0]), st.sampled_from("abcd")
    ),
    max_size=12,
)


@given(ROWS)
def test_agrees_with_the_definition(rows: list[Row]) -> None:
    def rank(number: int) -> tuple[float, float, str, int]:
        return -rows[number][1], -rows[number][2], rows[number][3], number

    for row, (exact, near_copy, better) in decide(rows).items():
        ahead = [other for other in range(len(rows)) if rank(other) < rank(row)]
        same = [other for other in ahead if rows[other][3] == rows[row][3]]
        close = [o for o in ahead if (rows[o][0] ^ rows[row][0]).bit_count() <= 2]
        assert (exact, near_copy) == (int(bool(same)), int(bool(close)))
        chosen = min(same or close, key=rank, default=-1)
        assert better == chosen


@pytest.mark.parametrize("edges", [[], [(1, 2)], [(1, 9), (4, 8)]])
def test_candidates_are_rows_that_share_a_hash_or_have_an_edge(edges: list) -> None:
    hashes = np.array([1, 2, 3, 3, 4, 0, 0], np.uint64)
    known = np.array([1, 1, 1, 1, 1, 0, 0], bool)
    found = duplicates.candidates(hashes, known, np.array(edges, np.uint64).reshape(-1, 2))
    ends = {end for edge in edges for end in edge}
    expected = [n for n in range(5) if hashes[n] == 3 or int(hashes[n]) in ends]
    assert found.tolist() == expected
