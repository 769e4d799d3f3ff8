"""Contrast as WCAG defines it, and pairs that keep their bound."""

from itertools import product
from random import Random

import cv2
import numpy as np
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


def test_every_ink_goes_with_a_background_that_has_a_name() -> None:
    names = {one.english for one in colours.PALETTE}
    assert len(names) == len(colours.PALETTE) == len({one.chinese for one in colours.PALETTE})
    assert {*colours._INKS} == names
    assert {ink for inks in colours._INKS.values() for ink in inks} <= names


def test_a_drawn_colour_is_nearest_to_its_name() -> None:
    """Jitter and the ends of a gradient leave a colour nearer to its own name than to any other."""
    steps = (-colours.JITTER, 0, colours.JITTER)
    for one in colours.PALETTE:
        for jitter, slope in product(product(steps, repeat=3), (-1, 0, 1)):
            by = [step + slope * colours.GRADIENT for step in jitter]
            moved = np.clip(np.add(one.rgb, by), 0, 255).tolist()
            assert colours.nearest(tuple(moved)) == one


def test_cielab_is_that_of_opencv() -> None:
    chance = np.random.Generator(np.random.PCG64(0))
    rgb = chance.integers(0, 256, (200, 3)).astype(np.uint8)
    expected = cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    found = [colours.lab(tuple(one)) for one in rgb.tolist()]
    assert np.abs(np.subtract(found, expected)).max() < 0.3


def test_several_colours_have_the_name_nearest_to_most_of_them() -> None:
    white, red, nearly = (255, 255, 255), (196, 24, 36), (199, 27, 39)
    assert colours.nearest_on_average({white: 3, red: 2}).english == "white"
    assert colours.nearest_on_average({white: 3, red: 2, nearly: 2}).english == "red"
