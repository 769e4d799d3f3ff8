"""Contrast as WCAG defines it, and pairs that keep their bound."""

from itertools import product
from random import Random

import cv2
import numpy as np
import pytest

from curation.picture import colours
from curation.picture.colour_names import REGIONS
from synthesis.pure import pairs


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
    drawn = [pairs.choose(random, gradient=gradient) for _ in range(3000)]
    for pair in drawn:
        for end in (pair.near_end, pair.far_end):
            assert colours.contrast_ratio(pair.ink_rgb, end) >= pairs.LEAST_CONTRAST
        assert pair.is_gradient == gradient
    assert {pair.background for pair in drawn} == {*pairs.PALETTE}


def test_every_ink_goes_with_a_background_that_has_a_name() -> None:
    names = {one.english for one in pairs.PALETTE}
    assert len(names) == len(pairs.PALETTE)
    assert {*pairs._INKS} == names
    assert {ink for inks in pairs._INKS.values() for ink in inks} <= names


def test_names_are_different_in_both_languages() -> None:
    known = colours.COLOURS.values()
    assert len({one.chinese for one in known}) == len({one.english for one in known}) == len(known)
    assert {one.name for one in REGIONS} == {*colours.COLOURS}


def test_a_drawn_colour_keeps_its_name() -> None:
    """Whatever jitter and the ends of a gradient make of it."""
    steps = (-pairs.JITTER, 0, pairs.JITTER)
    for one in pairs.PALETTE:
        for jitter, slope in product(product(steps, repeat=3), (-1, 0, 1)):
            by = [step + slope * pairs.GRADIENT for step in jitter]
            moved = np.clip(np.add(one.rgb, by), 0, 255).tolist()
            assert colours.nearest(tuple(moved)) == one, moved


def test_every_colour_there_is_has_a_name() -> None:
    levels = range(0, 256, 15)
    used = {colours.names(rgb)[0].english for rgb in product(levels, repeat=3)}
    assert used == {*colours.COLOURS}


@pytest.mark.parametrize("one", colours.COLOURS.values(), ids=lambda one: one.english)
def test_what_is_typical_of_a_name_has_that_name(one: colours.Colour) -> None:
    assert colours.nearest(one.rgb) == one


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((38, 66, 118), "dark blue"),  # what once were dark greys and light greys
        ((26, 48, 84), "navy blue"),
        ((38, 60, 52), "dark green"),
        ((62, 42, 27), "dark brown"),
        ((84, 22, 24), "maroon"),
        ((88, 52, 22), "brown"),
        ((246, 222, 222), "pale pink"),
        ((206, 176, 112), "golden"),
        ((240, 218, 156), "pale gold"),
        ((226, 212, 184), "beige"),
        ((238, 231, 187), "pale yellow"),
        ((84, 62, 92), "dark purple"),
        ((36, 19, 70), "dark purple"),
        ((44, 46, 48), "charcoal"),
        ((128, 0, 0), "dark red"),
        ((128, 128, 0), "olive"),
        ((112, 128, 144), "greyish blue"),
        ((210, 180, 140), "tan"),
        ((255, 215, 0), "yellow"),
        ((0, 0, 128), "navy blue"),
        ((188, 143, 143), "dusty pink"),
        ((64, 224, 208), "turquoise"),
        ((160, 82, 45), "reddish brown"),
        ((105, 105, 105), "dark grey"),
        ((192, 192, 192), "light grey"),
    ],
)
def test_dark_and_muted_colours_have_names_of_their_own(rgb: colours.RGB, name: str) -> None:
    assert colours.nearest(rgb).english == name


def test_a_colour_near_a_border_has_both_names_and_no_others() -> None:
    assert {one.english for one in colours.names((190, 190, 190))} == {"light grey", "grey"}
    assert {one.english for one in colours.names((200, 20, 40))} == {"red"}
    for rgb in ((250, 10, 10), (0, 0, 0), (255, 255, 255), (16, 30, 74)):
        assert colours.names(rgb)[0] == colours.nearest(rgb)


def test_cielab_is_that_of_opencv() -> None:
    chance = np.random.Generator(np.random.PCG64(0))
    rgb = chance.integers(0, 256, (200, 3)).astype(np.uint8)
    expected = cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    found = [colours.lab(tuple(one)) for one in rgb.tolist()]
    assert np.abs(np.subtract(found, expected)).max() < 0.3
