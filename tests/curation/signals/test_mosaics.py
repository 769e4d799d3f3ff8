"""Mosaics: patches of even blocks are seen where they are, at the sizes that hide faces."""

from typing import Any

import cv2
import numpy as np
import pytest
from making import elements
from making.signal_pictures import PHOTOS, photo

from curation.signals import mosaics as mosaic_signal
from curation.signals.mosaics import mosaics
from curation.signals.row import Row
from curation.signals.signal import ready


def said(rgb: np.ndarray, quality: int = 85) -> dict[str, Any]:
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return dict(ready(mosaics)([Row("a", data, {}, {})])[0])


@pytest.mark.parametrize("block", [8, 12, 16, 24])
def test_a_patch_of_blocks_is_seen_where_it_is(block: int) -> None:
    value = said(elements.mosaic(photo("chelsea"), block, 0.08))
    assert 0.02 < value["mosaic"] < 0.2
    quads = [np.reshape(each["quad"], (4, 2)) for each in value["mosaic_regions"]]
    height, width = photo("chelsea").shape[:2]
    for quad in quads:
        assert np.abs(quad.mean(axis=0) / (width, height) - (0.45, 0.4)).max() < 0.15


@pytest.mark.parametrize("name", PHOTOS)
def test_photographs_have_none(name: str) -> None:
    assert said(photo(name))["mosaic"] == 0


def test_letters_and_frames_are_none() -> None:
    page = np.full((500, 700, 3), 255, np.uint8)
    for line in range(9):
        at = (30, 60 + 50 * line)
        cv2.putText(page, "Departures 08:15", at, 0, 1.1, (20, 20, 20), 2, cv2.LINE_AA)
    cv2.rectangle(page, (10, 10), (690, 490), (200, 30, 30), 3)
    assert said(page)["mosaic"] == 0


def test_letters_of_even_strokes_are_of_two_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many hanzi are, and windows of applications: the grid alone would not tell them."""
    page = np.full((500, 700, 3), 250, np.uint8)
    for left in range(40, 620, 90):
        for step in range(4):
            at = 16 * step
            cv2.rectangle(page, (left + at, 100), (left + at + 5, 154), (30, 30, 40), -1)
            cv2.rectangle(page, (left, 100 + at), (left + 54, 100 + at + 5), (30, 30, 40), -1)
    assert said(page)["mosaic"] == 0
    monkeypatch.setattr(mosaic_signal, "INKED", 1.1)
    assert said(page)["mosaic"] > 0.01  # the bound is 0.008


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (60, 60)])
def test_no_shape_is_too_odd(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    data = cv2.imencode(".png", noise)[1].tobytes()
    (value,) = ready(mosaics)([Row("a", data, {}, {})])
    assert value == {"mosaic": 0.0, "mosaic_regions": []}
