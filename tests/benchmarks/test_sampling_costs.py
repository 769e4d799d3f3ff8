"""The benchmark of what sampling takes: its figures have known answers."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.sampling_costs import psnr, read_as_asked, text
from infer.harness.rows import Line


def grey(level):
    return Image.fromarray(np.full((4, 8, 3), level, np.uint8))


class Reads:
    """The lines that it was made with, and the sizes of what it was shown."""

    def __init__(self, *lines):
        self.lines, self.sizes = lines, []

    def read(self, image):
        self.sizes.append(image.size)
        return tuple(Line(line, 1.0, (0, 0, 1, 1)) for line in self.lines)


def test_decibels_are_of_all_pixels_together():
    assert psnr([grey(5)], [grey(5)]) is None
    assert psnr([grey(5)], [grey(6)]) == pytest.approx(20 * np.log10(255))
    half = psnr([grey(5), grey(5)], [grey(5), grey(6)])
    assert half == pytest.approx(20 * np.log10(255) + 10 * np.log10(2))


def test_all_that_was_asked_for_is_read_and_nothing_else():
    reader = Reads("in K", "7")
    prompts = ['a sign "INK" over "7"', 'a sign "INK"']
    assert read_as_asked(reader, [grey(0), grey(0)], prompts, 64) == 0.5
    assert reader.sizes == [(64, 32)] * 2
    assert read_as_asked(reader, [grey(0)], ["no text"], 64) is None
    assert len(text(480)) == 480 and text(5) == "an ol"
