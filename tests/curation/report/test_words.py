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


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *((0, "0 B"), (9_999, "9,999 B"), (10_000, "10 kB"), (999_499, "999 kB")),
        *((999_999, "1 MB"), (1_234_567, "1.23 MB"), (999_600_000, "1 GB"), (5e12, "5 TB")),
        *((1.234e15, "1,234 TB"), (-20_000, "-20 kB")),
    ],
)
def test_sizes_are_read_without_counting_digits(number: float, shown: str) -> None:
    assert text.size(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *((0.0, "0.00 s"), (9.994, "9.99 s"), (9.996, "10.0 s"), (59.94, "59.9 s")),
        *(
            (59.96, "1 min 00 s"),
            (119.7, "2 min 00 s"),
            (3599.6, "1 h 00 min"),
            (7290, "2 h 01 min"),
        ),
    ],
)
def test_durations_never_say_sixty_of_anything(number: float, shown: str) -> None:
    assert text.seconds(number) == shown


@given(st.floats(0, 1e16))
def test_sizes_and_durations_are_near_what_they_stand_for(number: float) -> None:
    factors = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
    value, unit = text.size(number).split()
    assert float(value.replace(",", "")) * factors[unit] == pytest.approx(
        number, rel=0.0051, abs=0.5
    )
    parts = text.seconds(number).split()
    of = {"s": 1, "min": 60, "h": 3600}
    total = sum(float(part) * of[unit] for part, unit in zip(parts[::2], parts[1::2], strict=True))
    assert total == pytest.approx(number, rel=0.017, abs=0.06)
    assert all(
        float(part) < 60 for part, unit in zip(parts[::2], parts[1::2], strict=True) if unit != "h"
    )


@given(st.text(max_size=300), st.integers(8, 100))
def test_whatever_a_name_is_it_stays_on_its_line(value: str, limit: int) -> None:
    for shown in (text.name(value, limit), text.prose(value, limit)):
        assert len(shown) <= max(limit, len("(empty)"))
        assert len(shown.splitlines()) <= 1
        shown.encode()
    assert text.name(value, limit)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_figures_have_no_exponent_but_tiny_ones(number: float) -> None:
    shown = text.figure(number)
    assert "e" not in shown or abs(number) < 1e-4
    assert float(shown.replace(",", "")) == pytest.approx(number, rel=6e-3)
