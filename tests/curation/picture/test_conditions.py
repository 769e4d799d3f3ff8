"""Conditions made from images: what is bright in them, and that it is the same each time."""

import numpy as np
import pytest
from PIL import Image

from curation.picture import conditions


def grey(plane):
    return np.repeat(np.asarray(plane, np.uint8)[:, :, None], 3, axis=2)


def step(low=60, high=190, side=64):
    """Two halves, left and right."""
    plane = np.full((side, side), low)
    plane[:, side // 2 :] = high
    return grey(plane)


def noise(amount, side=64):
    random = np.random.default_rng(0)
    return grey(128 + random.integers(-amount, amount + 1, (side, side)))


@pytest.mark.parametrize("name", conditions.COMPUTED)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 33)])
def test_of_any_size_they_are_grey_as_large_and_the_same_again(name, shape):
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    kept = image.copy()
    made = conditions.COMPUTED[name](image)
    assert made.shape == image.shape
    assert made.dtype == np.uint8
    assert (made[:, :, 0] == made[:, :, 1]).all()
    assert (made[:, :, 0] == made[:, :, 2]).all()
    assert (made == conditions.COMPUTED[name](image)).all()
    assert (image == kept).all()
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    assert (
        conditions.COMPUTED[name](image.transpose(1, 0, 2)) == conditions.COMPUTED[name](turned)
    ).all()


@pytest.mark.parametrize("name", conditions.COMPUTED)
def test_nothing_is_made_of_an_even_image(name):
    assert not conditions.COMPUTED[name](grey(np.full((32, 32), 77))).any()


def test_canny_is_a_line_at_an_edge_by_its_thresholds():
    edges = conditions.canny(step())[:, :, 0]
    assert set(np.unique(edges)) == {0, 255}
    assert (edges.sum(1) == 255).all()
    assert abs(int(edges[30].argmax()) - 32) <= 1
    assert not conditions.canny(step(100, 140)).any()
    assert conditions.canny(step(100, 140), low=20, high=100).any()
    colour = step()
    colour[:, :, 1:] = 100  # an edge of red alone
    assert conditions.canny(colour).any()
    for low, high in ((-1, 5), (9, 8)):
        with pytest.raises(ValueError, match="expected 0 <= low <= high"):
            conditions.canny(step(), low, high)


def test_soft_edges_are_bright_at_outlines_and_dim_in_textures():
    image = np.concatenate([step(), noise(65)], axis=1)  # of the same contrast
    edges = conditions.soft_edge(image)[:, :, 0].astype(float)
    assert edges[:, 32].min() > 240
    assert edges[:, :20].max() < 10
    assert edges[8:-8, 80:].mean() < 90
    weak = conditions.soft_edge(np.concatenate([step(), step(60, 90)], axis=1), gamma=1.0)
    lifted = conditions.soft_edge(np.concatenate([step(), step(60, 90)], axis=1), gamma=0.5)
    assert 20 < weak[30, 96, 0] < lifted[30, 96, 0] < weak[30, 32, 0]
    assert conditions.soft_edge(noise(1)).max() < 128  # which is not stretched
    with pytest.raises(ValueError, match="gamma 0; expected more than 0"):
        conditions.soft_edge(step(), gamma=0)


def test_line_art_is_where_it_is_darker_than_around():
    plane = np.full((64, 64), 200)
    plane[20:22, 8:56] = 40  # a dark line
    plane[44:46, 8:56] = 255  # a bright one
    lines = conditions.line_art(grey(plane))[:, :, 0]
    assert lines[20:22, 12:52].min() > 200
    assert lines[44:46, 12:52].max() == 0
    assert lines[30:36].max() == 0
    broad = conditions.line_art(grey(plane), width=3.0)[:, :, 0]
    assert (broad[:, 32] > 0).sum() > (lines[:, 32] > 0).sum()
    with pytest.raises(ValueError, match="width -1; expected more than 0"):
        conditions.line_art(grey(plane), width=-1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_hole_is_what_the_pipeline_makes_of_a_mask(mode):
    from diffusers.image_processor import VaeImageProcessor

    plane = np.zeros((50, 70), np.uint8)
    plane[10:33, 20:51] = 255
    plane[40:45] = 130
    mask = Image.fromarray(plane).convert(mode)
    processor = VaeImageProcessor(
        vae_scale_factor=16, do_convert_grayscale=True, do_normalize=False, do_binarize=True
    )
    expected = processor.preprocess(mask, height=32, width=48)[0, 0].numpy() > 0.5
    hole = conditions.hole(mask, (48, 32))
    assert hole.shape == (32, 48)
    assert hole.any()
    assert (hole == expected).all()
    image = np.full((32, 48, 3), 9, np.uint8)
    shown = conditions.with_hole(image, hole)
    assert shown.dtype == np.uint8
    assert (shown[hole] == 0).all()
    assert (shown[~hole] == 9).all()
