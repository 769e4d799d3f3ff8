"""What a step is shown: each row as often as it should be, each stream as much as its share."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.data.index import Index, RowGroup
from train.data.plan import Stream, Stretch, at
from train.seeds import seed_for


def index(count, weight=None, captions=None, group_rows=7, languages=None):
    """Rows whose ``captions`` (N, S) are counts of captions per split, in ``languages`` (M,)."""
    captions = np.ones((count, 1), np.uint8) if captions is None else np.array(captions, np.uint8)
    ends = np.cumsum(captions.sum(1))
    return Index(
        tuple(RowGroup("a", number) for number in range(-(-count // group_rows))),
        ((32, 16),),
        (np.arange(count) // group_rows).astype(np.int32),
        (np.arange(count) % group_rows).astype(np.int32),
        np.zeros(count, np.int16),
        None if weight is None else np.array(weight, np.float32),
        captions,
        np.concatenate([[0], ends[:-1]]).astype(np.int32),
        np.zeros(ends[-1], np.uint8) if languages is None else np.array(languages, np.uint8),
        ("en", "zh"),
        np.zeros(count, bool),
    )


def stream(rows, seed=1, shares=(1.0,), window=10, only=None, **options):
    every = np.arange(len(rows)) if only is None else np.array(only)
    return Stream(rows, every, 0, "t2i", seed, "a", shares, window, **options)


def stretch(*streams, size=4, shares=None, first=1, last=10**9):
    return Stretch(first, last, size, streams, shares or [1.0] * len(streams))


def epoch(of, number=0):
    count = len(of.rows)
    return of.between(number * count, (number + 1) * count)


@settings(deadline=None)
@given(
    count=st.integers(1, 120),
    size=st.integers(1, 20),
    seed=st.integers(0, 2**63 - 1),
    number=st.integers(0, 5),
    window=st.integers(1, 200),
    data=st.data(),
)
def test_an_epoch_shows_every_row_once_and_batches_follow_without_a_break(
    count, size, seed, number, window, data
):
    rows = index(count)
    made = stream(rows, seed, window=window)
    assert sorted(epoch(made, number).rows.tolist()) == list(range(count))
    whole = stretch(made, size=size)
    shown = [whole.at(step)[0] for step in range(1, 3 * count // size + 2)]
    assert all(len(each.rows) == size for each in shown)
    together = np.concatenate([each.rows for each in shown])
    epochs = [epoch(made, n).rows for n in range(len(together) // count + 1)]
    assert np.array_equal(together, np.concatenate(epochs)[: len(together)])
    fresh = stretch(stream(rows, seed, window=window), size=size)  # begun anywhere, as a resume is
    for place in data.draw(st.permutations(range(len(shown)))):
        again = fresh.at(place + 1)[0]
        assert np.array_equal(again.rows, shown[place].rows)
        assert np.array_equal(again.captions, shown[place].captions)


def test_epochs_and_seeds_differ():
    def order(seed, number):
        return epoch(stream(index(50), seed), number).rows.tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert seed_for(1, "step", 2) != seed_for(1, "noise", 2)


def test_a_stretch_of_steps_needs_few_row_groups():
    rows = index(2000, group_rows=100)
    shown = epoch(stream(rows, window=200)).rows
    for start in range(0, 1800, 200):
        assert len(set(rows.group[shown[start : start + 200]].tolist())) <= 4  # two windows of two
    for start in range(3):  # and rows of a window are mixed
        assert len(set(rows.group[shown[20 * start : 20 * start + 20]].tolist())) == 2


def test_rows_are_shown_in_proportion_to_weight():
    weight = np.array([0.5, 1, 2, 4] * 25)
    made = stream(index(100, weight))
    shown = [Counter(epoch(made, n).rows.tolist()) for n in range(200)]
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
    made = stream(index(1200, captions=captions), shares=(1.0, 3.0))

    def choices(number):
        shown = epoch(made, number)
        return dict(zip(shown.rows.tolist(), shown.captions.tolist(), strict=True))

    chosen = choices(0)
    both, first, second = (Counter(chosen[row] for row in range(at, 1200, 3)) for at in range(3))
    assert set(both) == {0, 1, 2}
    assert 60 < both[0] < 140  # a quarter
    assert 100 < both[1] < 200  # half of the other three
    assert set(first) == {0, 1, 2}
    assert all(90 < count < 180 for count in first.values())
    assert set(second) == {0}
    assert choices(1) != chosen


def test_captions_of_a_split_are_chosen_by_the_shares_of_their_languages():
    rows = index(3000, captions=[[3]] * 3000, languages=[0, 1, 0] * 3000)
    chosen = Counter(epoch(stream(rows, languages={"en": 1.0, "zh": 6.0})).captions.tolist())
    assert chosen[1] / 3000 == pytest.approx(6 / 8, abs=0.03)
    assert chosen[0] == pytest.approx(chosen[2], rel=0.25)
    assert Counter(epoch(stream(rows)).captions.tolist())[1] / 3000 == pytest.approx(
        1 / 3, abs=0.03
    )


@settings(deadline=None, max_examples=50)
@given(
    shares=st.lists(st.floats(0.001, 10), min_size=1, max_size=5),
    size=st.integers(1, 40),
    step=st.integers(1, 10**6),
)
def test_streams_have_their_shares_at_every_length(shares, size, step):
    streams = [stream(index(50), seed=number) for number in range(len(shares))]
    made = stretch(*streams, size=size, shares=shares)
    before, after = made._places((step - 1) * size), made._places(step * size)
    assert sum(after) - sum(before) == size
    assert all(one <= two for one, two in zip(before, after, strict=True))
    for share, place in zip(shares, after, strict=True):
        wanted = share / sum(shares) * step * size
        assert abs(place - wanted) <= 16 + step * size / 2**13  # van der Corput's discrepancy
    assert sum(len(part.rows) for part in made.at(step)) == size


def test_the_stretch_of_a_step_is_the_first_that_reaches_it():
    first, second = stretch(stream(index(5)), last=3), stretch(stream(index(5)), first=4, last=9)
    assert [at([first, second], step) for step in (1, 3, 4, 9, 12)] == [
        first,
        first,
        second,
        second,
        second,
    ]
    assert np.array_equal(second.at(4)[0].rows, first.at(1)[0].rows)
