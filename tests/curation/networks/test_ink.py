"""Ink within a box: found to a pixel, whatever room the box leaves, else a share of the box."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.networks.ink import NOMINAL, shorter_side, tight


def blocks(left: int, top: int, width: int, height: int) -> np.ndarray:
    """Five dark bars, as a line of text has stems, within these bounds of a light page."""
    page = np.full((200, 400, 3), 230, np.uint8)
    for step in range(5):
        at = left + step * (width - 6) // 4
        page[top : top + height, at : at + 6] = (20, 30, 60)
    return page


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(30, 60),
    st.integers(40, 80),
    st.integers(80, 300),
    st.integers(10, 60),
    st.floats(0.05, 0.3),
)
def test_ink_is_found_to_half_a_pixel(
    left: int, top: int, width: int, height: int, room: float
) -> None:
    more = room * height
    loose = box(left - more, top - more, left + width + more, top + height + more)
    ink = tight(blocks(left, top, width, height), loose)
    last = left + 4 * ((width - 6) // 4) + 6  # whole pixels lie between the bars
    assert np.abs(ink - box(left, top, last, top + height))[:, 1].max() <= 0.5
    assert ink[0, 0] == pytest.approx(left, abs=0.5)


def test_a_turned_line_keeps_its_angle() -> None:
    page = blocks(100, 80, 200, 30)
    turn = cv2.getRotationMatrix2D((200, 95), 20, 1)
    turned = cv2.warpAffine(page, turn, (400, 200), borderValue=(230, 230, 230))
    loose = cv2.transform(box(95, 73, 305, 117)[None], turn)[0].astype(np.float32)
    ink = tight(turned, loose)
    assert shorter_side(ink) == pytest.approx(30, abs=1.2)


def test_a_neighbours_descenders_and_a_rule_through_the_box_are_left_out() -> None:
    page = blocks(60, 80, 200, 30)
    page[60:73, 100:104] = 20  # reaches in from above
    page[:, 258:260] = 20  # a vertical rule beside the line
    ink = tight(page, box(50, 70, 262, 120))
    assert ink[0, 1] == pytest.approx(80, abs=0.5)


def test_without_contrast_it_is_a_share_of_the_box() -> None:
    loose = box(50, 50, 250, 100)
    ink = tight(np.full((200, 400, 3), 90, np.uint8), loose)
    assert shorter_side(ink) == pytest.approx(50 * NOMINAL, rel=0.01)
