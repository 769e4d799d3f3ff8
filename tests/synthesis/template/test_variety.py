"""Pictures of one template differ: forms under the layout, swapped parts, gaps and sizes."""

from random import Random

import numpy as np
import pytest

from synthesis.image_sizes import Size
from synthesis.template import backdrops, laying, resources
from synthesis.template.backdrops import Backdrop
from synthesis.template.colouring import LEAST_CONTRAST, LEAST_CONTRAST_LARGE, least_contrast
from synthesis.template.contents import Contents, Filler, Scope
from synthesis.template.expanding import Expansion, Part
from synthesis.template.models import Node

SIZE: Size = (96, 64)
GROUND, COLOUR = (250, 250, 246), (20, 60, 160)
FORMS = ("disc", "discs", "band", "corner", "hill", "side", "shade")
NODE = Node(column=(Node(text="a", style="title"), Node(text="b")), swap=True)


def expanded(seed: int, node: Node, palette: str = "paper") -> Part:
    colours = resources.colours(palette)
    ground = colours.roles["background"]
    backdrop = backdrops.choose(Random(seed), "any", colours, ground, shaded=False)
    styles, random = resources.shared_styles(), Random(seed)
    scope = Scope(Filler(random, "en", Contents({}, {})), {"a": "One", "b": "Two"})
    return Expansion(random, "en", styles, colours, "wide", 1.0, backdrop).root(node, scope)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_there_and_within_its_two_colours(form: str) -> None:
    for seed in range(6):
        backdrop = Backdrop((form,), COLOUR, 0.1, seed)
        pixels = backdrops.ground(SIZE, GROUND, backdrop)
        ends = np.array([GROUND, backdrop.tinted(GROUND)])
        assert pixels.shape == (SIZE[1], SIZE[0], 4)
        assert (pixels[..., :3] >= ends.min(axis=0) - 1).all()
        assert (pixels[..., :3] <= ends.max(axis=0) + 1).all()
        assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 1
        assert np.array_equal(pixels, backdrops.ground(SIZE, GROUND, backdrop))


def test_no_backdrop_is_one_colour() -> None:
    pixels = backdrops.ground(SIZE, GROUND, None)
    assert (pixels == (*GROUND, 255)).all()
    found = [
        backdrops.choose(Random(seed), "none", resources.colours("ink"), GROUND, shaded=False)
        for seed in range(9)
    ]
    assert found == [None] * 9


@pytest.mark.parametrize("palette", sorted(resources.palettes()))
def test_texts_can_be_read_on_both_colours_of_the_ground(palette: str) -> None:
    for seed in range(12):
        title, text = sorted(expanded(seed, NODE, palette).children, key=lambda one: one.text)
        assert least_contrast(title.ink, title.grounds) >= LEAST_CONTRAST_LARGE
        assert least_contrast(text.ink, text.grounds) >= LEAST_CONTRAST


def test_parts_may_stand_the_other_way_round() -> None:
    orders = {tuple(one.text for one in expanded(seed, NODE).children) for seed in range(20)}
    assert orders == {("One", "Two"), ("Two", "One")}
    fixed = NODE.model_copy(update={"swap": False})
    assert len({tuple(one.text for one in expanded(s, fixed).children) for s in range(9)}) == 1


def test_swapped_colours_are_those_of_the_palette() -> None:
    plain, swapped = (resources.colours("paper", swapped=told) for told in (False, True))
    assert plain.roles["primary"] == swapped.roles["accent"]
    assert plain.roles["accent"] == swapped.roles["primary"]
    assert plain.roles["background"] == swapped.roles["background"]


def test_a_manner_is_what_its_seed_says() -> None:
    found = [laying.Manner.of(seed) for seed in range(50)]
    assert found == [laying.Manner.of(seed) for seed in range(50)]
    assert len({one.loose for one in found}) == len(found)
    assert {one.smaller for one in found} == {0, 1, 2, 3}
