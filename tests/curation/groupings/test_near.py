"""The near-duplicate join finds exactly the pairs that comparing everything finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.duplicates import MIRRORED, apart, pairs_within, token

from curation.groupings.duplicates import near

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=30)


@pytest.mark.parametrize("radius", [0, 1, 3, 4, 8])
def test_join_equals_comparing_all(radius: int) -> None:
    random = np.random.default_rng(radius)
    base = random.integers(0, 2**64, 300, dtype=np.uint64)
    close = base.copy()
    for _ in range(radius + 1):
        bit = np.uint64(1) << random.integers(0, 64, len(base)).astype(np.uint64)
        close ^= np.where(random.random(len(base)) < 0.8, bit, np.uint64(0))
    close[::2] ^= np.uint64(MIRRORED)
    hashes = np.concatenate([base, close])
    expected = pairs_within(hashes, radius)
    assert {tuple(edge) for edge in near.join(hashes, radius).tolist()} == expected
    assert radius == 0 or expected


@given(HASHES, st.integers(0, 16), st.randoms())
def test_join_does_not_depend_on_order(values: list[int], radius: int, random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = near.join(np.array(values, np.uint64), radius)
    assert np.array_equal(first, near.join(np.array(shuffled * 2, np.uint64), radius))
    assert {tuple(edge) for edge in first.tolist()} == pairs_within(
        np.array(values, np.uint64), radius
    )


@given(HASHES, st.integers(0, 16))
def test_what_is_permuted_stands_for_a_hash_and_its_mirrored_one(
    values: list[int], radius: int
) -> None:
    hashes = np.array(values, np.uint64)
    for table in near.tables(radius):
        moved = table.permute(hashes)
        assert table.restore(moved).tolist() == [token(value) for value in values]
        assert np.array_equal(table.permute(hashes ^ np.uint64(MIRRORED)), moved)


@given(HASHES)
def test_bits_between_hashes_are_those_between_the_nearest_of_each(values: list[int]) -> None:
    hashes = np.array(values, np.uint64)
    expected = [apart(value, values[0]) for value in values]
    assert near.apart(hashes, hashes[:1]).tolist() == expected
    assert near.apart(near.tokens(hashes), hashes[:1]).tolist() == expected


def test_a_million_equal_hashes_cost_nothing() -> None:
    assert len(near.join(np.full(1_000_000, 7, np.uint64), 4)) == 0
