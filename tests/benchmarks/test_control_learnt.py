"""How far a shape is followed: by place, size and colour."""

from dataclasses import replace

import numpy as np

from benchmarks import control_learnt, shapes


def test_overlap_is_that_of_the_shape_in_its_colour():
    made = shapes.shapes(3, 40)
    assert made == shapes.shapes(3, 40)
    assert {each.kind for each in made} == set(shapes.KINDS)
    images = [shapes.render(each) for each in made]
    assert min(control_learnt.overlaps(images, made)) > 0.9
    moved = [replace(each, across=each.across - each.radius) for each in made]
    assert max(control_learnt.overlaps(images, moved)) < 0.6
    other = [replace(each, colour="red" if each.colour != "red" else "blue") for each in made]
    assert max(control_learnt.overlaps(images, other)) < 0.1


def test_an_outline_says_nothing_of_the_colour():
    (shape,) = shapes.shapes(5, 1)
    outlines = [
        control_learnt.outline(replace(shape, colour=name)) > 0 for name in ("red", "black")
    ]
    assert np.logical_xor(*outlines).mean() < 0.02
    assert set(np.unique(control_learnt.outline(shape))) == {0, 255}
