"""One line of text in an image, held against what captions quote."""

import cv2
import numpy as np
import pytest
from making.training_shards import png
from PIL import Image

from captioning.single_line import COLUMNS, likeness, single_line
from curation.signals.row import Row


@pytest.mark.parametrize(
    ("caption", "read", "alike"),
    [
        ('The text "H51K" in blue.', "H51K", 1.0),
        ('The text "h 51k" in blue.', "H51K", 1.0),
        ('The text "H51K" in blue.', "QD44", 0.0),
        ('The text "H51K" in blue.', "H5", 0.5),
        ('The text "50S" in blue.', "5OS", 1.0),
        ('The text "AB" in blue.', "", 0.0),
        ("A blue sky.", "AB", 1.0),
    ],
)
def test_how_like_what_was_read_is_to_what_is_quoted(caption: str, read: str, alike: float) -> None:
    assert likeness(caption, read) == pytest.approx(alike)


def image(text: str) -> bytes:
    canvas = np.full((256, 512, 3), (250, 245, 230), np.uint8)
    cv2.putText(canvas, text, (60, 170), cv2.FONT_HERSHEY_COMPLEX, 3.5, (20, 60, 140), 10)
    return png(Image.fromarray(canvas))


def test_the_line_of_an_image_is_read_for_each_caption() -> None:
    pytest.importorskip("rapidocr")
    said = {"caption_raw": ['"QUAY"', '"TRAM"', "A word."], "caption_recaption": ['A sign "QUAY".']}
    rows = [Row("a", image("QUAY"), said, {}, []), Row("b", image(""), said, {}, [])]
    raw, recaption = COLUMNS["raw"], COLUMNS["recaption"]
    seen = single_line.function()(rows)
    assert seen[0] == {raw: [1.0, 0.25, 1.0], recaption: [1.0]}
    assert seen[1] == {raw: [0.0, 0.0, 1.0], recaption: [0.0]}
