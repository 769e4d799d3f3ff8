"""The batches of a run: each row as often as it should be, few sizes and lengths mixed."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.data.index import Index, RowGroup
from train.data.plan import _LENGTHS, Plan
from train.seeds import seed_for


def index(sizes, weight=None, captions=None, group_rows=7, lengths=None):
    """Rows of these sizes; ``captions`` (N, S) are counts of captions per split."""
    count = len(sizes)
    captions = np.ones((count, 1), np.uint8) if captions is None else np.array(captions, np.uint8)
    ends = np.cumsum(captions.sum(1))
    lengths = np.full(ends[-1], 50) if lengths is None else np.array(lengths)
    return Index(
        tuple(RowGroup("a", number) for number in range(-(-count // group_rows))),
        ((32, 16), (48, 16), (64, 16)),
        (np.arange(count) // group_rows).astype(np.int32),
        (np.arange(count) % group_rows).astype(np.int32),
        np.array(sizes, np.int16),
        None if weight is None else np.array(weight, np.float32),
        captions,
        np.concatenate([[0], ends[:-1]]).astype(np.int32),
        lengths.astype(np.uint16),
    )


def plan(rows, size=4, seed=1, shares=(1.0,), window=10):
    return Plan(rows, size, seed, shares, window)


def epoch(made, number=0):
    first = number * made.per_epoch + 1
    return [made.at(step) for step in range(first, first + made.per_epoch)]


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 2), min_size=1, max_size=120),
    size=st.integers(1, 20),
    seed=st.integers(0, 2**63 - 1),
    number=st.integers(0, 5),
    window=st.integers(1, 200),
    data=st.data(),
)
def test_an_epoch_shows_every_row_once_and_mixes_no_sizes(sizes, size, seed, number, window, data):
    long = st.lists(st.integers(1, 3000), min_size=len(sizes), max_size=len(sizes))
    rows = index(sizes, lengths=data.draw(long))
    made = plan(rows, size, seed, window=window)
    batches = epoch(made, number)
    rows_shown = sorted(row for batch in batches for row in batch.rows.tolist())
    assert rows_shown == list(range(len(sizes)))
    for batch in batches:
        assert 0 < len(batch.rows) <= size
        assert len(set(rows.size[batch.rows].tolist())) == 1
    fresh = plan(rows, size, seed, window=window)  # begun anywhere, as a resumed run is
    for place in data.draw(st.permutations(range(len(batches)))):
        again = fresh.at(number * made.per_epoch + 1 + place)
        assert np.array_equal(again.rows, batches[place].rows)
        assert np.array_equal(again.captions, batches[place].captions)


def test_epochs_and_seeds_differ():
    def order(seed, number):
        return np.concatenate(
            [batch.rows for batch in epoch(plan(index([0] * 50), seed=seed), number)]
        ).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert seed_for(1, "step", 2) != seed_for(1, "noise", 2)


def test_a_stretch_of_steps_needs_few_row_groups():
    rows = index([0] * 2000, group_rows=100)
    made = plan(rows, 20, window=200)
    batches = epoch(made)
    for start in range(0, len(batches) - 10, 10):
        near = np.concatenate([batch.rows for batch in batches[start : start + 10]])
        assert len(set(rows.group[near].tolist())) <= 4  # two windows of two
    first = [set(rows.group[batch.rows].tolist()) for batch in batches[:3]]
    assert all(len(groups) == 2 for groups in first)  # and rows of a window are mixed


def test_rows_are_shown_in_proportion_to_weight():
    weight = np.array([0.5, 1, 2, 4] * 25)
    rows = index([0] * 60 + [1] * 40, weight)
    made = plan(rows)
    shown = [Counter(np.concatenate([batch.rows for batch in epoch(made, n)])) for n in range(200)]
    assert all(sum(counts.values()) == 100 for counts in shown)
    expected = weight / weight.mean()
    for counts in shown:
        assert all(
            np.floor(0.97 * expected[row]) <= counts[row] <= np.ceil(1.03 * expected[row])
            for row in range(100)
        )
    mean = np.array([np.mean([counts[row] for counts in shown]) for row in range(100)])
    for value in (0.5, 1, 2, 4):
        assert mean[weight == value].mean() == pytest.approx(value / weight.mean(), rel=0.05)


def test_captions_are_chosen_by_the_shares_of_the_splits_a_row_has():
    captions = [[1, 2], [3, 0], [0, 1]] * 400
    made = plan(index([0] * 1200, captions=captions), size=50, shares=(1.0, 3.0))

    def choices(number):
        batches = epoch(made, number)
        rows = np.concatenate([batch.rows for batch in batches]).tolist()
        captions = np.concatenate([batch.captions for batch in batches]).tolist()
        return dict(zip(rows, captions, strict=True))

    chosen = choices(0)
    both, first, second = (Counter(chosen[row] for row in range(at, 1200, 3)) for at in range(3))
    assert set(both) == {0, 1, 2}
    assert 60 < both[0] < 140  # a quarter
    assert 100 < both[1] < 200  # half of the other three
    assert set(first) == {0, 1, 2}
    assert all(90 < count < 180 for count in first.values())
    assert set(second) == {0}
    assert choices(1) != chosen


def test_a_batch_is_of_one_class_of_lengths_but_for_the_rest():
    lengths = np.random.default_rng(0).integers(20, 2500, 3000)
    rows = index([0] * 3000, lengths=lengths)
    batches = epoch(plan(rows, 32, window=500))
    classes = [set(np.searchsorted(_LENGTHS, lengths[batch.rows]).tolist()) for batch in batches]
    assert sum(len(names) > 1 for names in classes) <= len(_LENGTHS)
    padded = sum(lengths[batch.rows].max() * len(batch.rows) for batch in batches)
    assert padded < 1.25 * lengths.sum()
    assert all(longer == round(longer) for longer in _LENGTHS)
    assert all(long > short for short, long in pairwise(_LENGTHS))
