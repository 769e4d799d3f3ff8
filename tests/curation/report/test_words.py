"""The report's axes and words: no value lost, no share rounded away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.report import text
from curation.report.histogram import Histogram, choose_axis
from curation.report.outcome import Bound

BOUNDS = st.lists(
    st.builds(
        Bound,
        stage=st.just("s1"),
        before=st.none(),
        deeper=st.booleans(),
        column=st.just("c"),
        side=st.sampled_from(["min", "max"]),
        bound=st.floats(-1e6, 1e9) | st.integers(-5, 5).map(float),
    ),
    min_size=1,
    max_size=4,
)


@given(st.lists(st.floats(-1e9, 1e12) | st.just(float("inf")), max_size=50), BOUNDS, st.booleans())
def test_axes_show_every_bound_and_lose_no_value(
    values: list[float], bounds: list[Bound], whole: bool
) -> None:
    array = np.array([np.round(value) if whole else value for value in values], np.float64)
    axis = choose_axis(array[np.isfinite(array)], bounds, whole)
    assert (np.diff(axis.edges) > 0).all()
    assert len(axis.edges) < 200
    for bound in bounds:
        assert axis.edges[0] <= bound.value <= axis.edges[-1]
        assert 0 <= axis.place(bound.value) <= 1
    histogram = Histogram("c", tuple(bounds), axis)
    histogram.add(array, *np.zeros((2, len(array)), np.bool_))
    assert (histogram.rest + histogram.beyond).sum() == len(values) == histogram.measured
    beyond = np.zeros(len(array), np.bool_)
    for bound in bounds:
        beyond |= bound.beyond(array) & (not bound.deeper)
    assert histogram.beyond.sum() == beyond.sum()


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 %"), (1, "< 0.1 %"), (5000, "50.0 %"), (9999, "> 99.9 %"), (10000, "100 %")],
)
def test_shares_never_round_to_nothing_or_all(number: int, told: str) -> None:
    assert text.share(number, 10000) == told


def test_a_configuration_reads_like_its_file() -> None:
    deep: dict = {}
    for _ in range(50):
        deep = {"in": [deep, deep, {"a": 1, "b": None}]}
    lines = text.yaml_lines({"stages": {"s1": {"bounds": {"size": {"min": 1024.0}}}}, "keep": "s1"})
    assert lines == ["stages:", "  s1:", "    bounds:", "      size: {min: 1024}", "keep: s1"]
    assert text.yaml_lines({"signals": [], "quality": ["pixels", True]})[1] == (
        "quality: [pixels, true]"
    )
    assert len(text.yaml_lines(list(range(5000)))) == 601
    assert text.yaml_lines(deep)


def test_names_are_cut_in_the_middle_and_prose_at_its_end() -> None:
    assert text.name("a" * 500 + "/end.jpg", 20) == "aaaaaaaaa…aa/end.jpg"
    assert text.prose("word " * 100, 12) == "word word w…"
    assert text.name("a\nb\x00c") == "a b\ufffdc"
