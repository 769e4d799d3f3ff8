"""The PNG files of drawn pictures: every decoder sees the same pixels."""

import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from synthesis import png

COLOURS = 5  # few, as in drawn pictures: then deflating finds matches


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_decoders_see_the_pixels(height: int, width: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    palette = chance.integers(0, 256, (COLOURS, 4), dtype=np.uint8)
    canvas = palette[chance.integers(0, COLOURS, (height, width))]
    data = png.encode(canvas)
    with Image.open(io.BytesIO(data)) as picture:
        picture.verify()  # checks the sums of all chunks
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.mode, picture.format) == ("RGB", "PNG")
        assert np.array_equal(np.asarray(picture), canvas[:, :, :3])
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(decoded, canvas[:, :, 2::-1])


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (12, 200, 99)])
def test_plain_pictures_are_small(colour: tuple[int, int, int]) -> None:
    canvas = np.full((640, 640, 4), (*colour, 255), np.uint8)
    assert len(png.encode(canvas)) < 20_000


def test_views_of_a_canvas_are_encoded_as_they_look() -> None:
    canvas = np.random.default_rng(1).integers(0, 256, (40, 60, 4), dtype=np.uint8)
    part = canvas[5:25, 10:50]
    assert png.encode(part) == png.encode(part.copy())


def test_noise_is_written_as_it_differs_from_pixel_to_pixel() -> None:
    slope = np.linspace(40, 210, 333)[None, :, None] + np.linspace(-30, 30, 200)[:, None, None]
    noise = np.random.default_rng(5).normal(0, 2, (200, 333, 4))
    canvas = (slope + noise).clip(0, 255).astype(np.uint8)
    canvas[..., 3] = 255
    data = png.encode(canvas)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(decoded, canvas[:, :, 2::-1])
    assert len(data) < 0.7 * len(zlib.compress(canvas[..., :3].tobytes()))
