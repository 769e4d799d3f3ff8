"""Pixels on their way to a network and back."""

import warnings

import numpy as np
import torch

from train.pixels import as_image, scaled


def test_pixels_that_nobody_may_write_to_come_back_as_they_were():
    given = np.frombuffer(bytes(range(24)), np.uint8).reshape(2, 4, 3)
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tensor = scaled(given)
    finally:
        torch.set_warn_always(always)
    assert tensor.shape == (1, 3, 2, 4) and -1 == tensor.min() < tensor.max() < 1
    assert np.array_equal(np.asarray(as_image(tensor[0])), given)
