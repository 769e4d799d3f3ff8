"""The layout of the treemap: areas are shares, nothing overlaps, nothing sticks out."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.report.nearest import Pick
from curation.report.sections import treemap
from curation.report.squarified import Rectangle, squarified

SIZES = st.lists(st.integers(1, 10_000), min_size=1, max_size=40)
SIDES = st.floats(10, 2000)


def overlap(a: Rectangle, b: Rectangle) -> float:
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    return max(0.0, width) * max(0.0, height)


@given(SIZES, SIDES, SIDES)
def test_rectangles_have_their_shares_and_do_not_overlap(
    sizes: list[int], width: float, height: float
) -> None:
    laid = squarified(sizes, width, height)
    area = width * height
    for size, of in zip(sizes, laid, strict=True):
        assert math.isclose(of.width * of.height, area * size / sum(sizes), rel_tol=1e-6)
        assert of.left >= 0 and of.left + of.width <= width * (1 + 1e-9)
        assert of.top >= 0 and of.top + of.height <= height * (1 + 1e-9)
    assert sum(overlap(a, b) for a, b in combinations(laid, 2)) < 1e-6 * area


def test_equal_sizes_are_nearly_square() -> None:
    """As the paper's aim is; slices of the same sizes would be 1:24."""
    laid = squarified([1] * 24, 600, 400)
    assert max(max(of.width / of.height, of.height / of.width) for of in laid) < 1.6
    assert squarified([], 600, 400) == []


def picks(count: int, name: str) -> list[Pick]:
    return [Pick(0.0, f"{n:04}", f"{name}/{n}", f"{n}", "u", 0.0) for n in range(count)]


@given(st.dictionaries(st.sampled_from("abcd"), SIZES, min_size=1))
def test_the_map_loses_no_row_and_shows_a_bounded_number_of_images(
    counted: dict[str, list[int]],
) -> None:
    sizes = {
        name: {(name, place): size for place, size in enumerate(of)} for name, of in counted.items()
    }
    shown = {
        key: picks(min(12, size), str(key)) for of in sizes.values() for key, size in of.items()
    }
    domains = treemap.lay_out(sizes, shown)
    assert sum(of.size for of in domains) == sum(map(sum, counted.values()))
    for domain in domains:
        keys = [key for cell in domain.cells for key in cell.keys]
        assert sorted(keys) == sorted(sizes[domain.name])
        assert sum(cell.size for cell in domain.cells) == domain.size
        for cell in domain.cells:
            assert cell.size == sum(sizes[domain.name][key] for key in cell.keys)
            for columns in (cell.wide_columns, cell.tall_columns):
                assert len(cell.picks) % columns == 0  # no hole in the grid
    cells = [cell for of in domains for cell in of.cells]
    assert sum(len(cell.picks) for cell in cells) <= treemap.IMAGES
    assert len(cells) <= treemap.CELLS + 2 * len(domains)


def test_what_is_large_has_images_and_what_is_tiny_is_put_together() -> None:
    sizes = {"a": {"large": 900, **{f"tiny {n}": 1 for n in range(100)}}}
    (domain,) = treemap.lay_out(sizes, {"large": picks(12, "large"), "tiny 3": picks(1, "tiny")})
    large, rest = domain.cells
    assert large.keys == ("large",) and len(large.picks) == 12
    assert len(rest.keys) == 100 and rest.size == 100
    assert [pick.uri for pick in rest.picks] == ["tiny/0"]
    assert large.places.wide.width == pytest.approx(90, abs=0.1)
