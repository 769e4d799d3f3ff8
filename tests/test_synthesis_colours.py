"""Contrast as WCAG defines it, and pairs that keep their bound."""

from random import Random

import pytest

from synthesis import colours


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ((0, 0, 0), (255, 255, 255), 21.0),
        ((255, 255, 255), (255, 255, 255), 1.0),
        ((119, 119, 119), (255, 255, 255), 4.478),  # the example grey of WCAG's guides
    ],
)
def test_contrast_ratio(one: colours.RGB, other: colours.RGB, ratio: float) -> None:
    assert colours.contrast_ratio(one, other) == pytest.approx(ratio, abs=1e-3)
    assert colours.contrast_ratio(other, one) == colours.contrast_ratio(one, other)


@pytest.mark.parametrize("gradient", [False, True])
def test_every_pair_contrasts(gradient: bool) -> None:
    random = Random(0)
    pairs = [colours.choose_pair(random, gradient=gradient) for _ in range(3000)]
    for pair in pairs:
        for end in (pair.near_end, pair.far_end):
            assert colours.contrast_ratio(pair.ink_rgb, end) >= colours.PARAGRAPH_CONTRAST
        assert pair.is_gradient == gradient
    assert {pair.background for pair in pairs} == {*colours.PALETTE}
