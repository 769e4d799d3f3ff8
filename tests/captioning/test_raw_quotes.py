"""What raw captions quote, held against the text that was read in the image."""

from typing import Any

import cv2
import numpy as np
import pytest
from making.training_shards import png
from PIL import Image

from captioning.raw_quotes import COLUMN, raw_quotes
from curation.signals.row import Row

pytest.importorskip("rapidocr")


def image(*lines: str) -> bytes:
    canvas = np.full((420, 640, 3), (250, 245, 230), np.uint8)
    for place, text in enumerate(lines):
        at = (60, 150 + 180 * place)
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_COMPLEX, 3.5, (20, 60, 140), 10)
    return png(Image.fromarray(canvas))


def measured(data: bytes, captions: list[str], *regions: dict[str, Any]) -> list[float]:
    row = Row("a", data, {"caption_raw": captions}, {"text_regions": list(regions)})
    [values] = raw_quotes.function()([row])
    return values[COLUMN]  # type: ignore[no-any-return]


def line(text: str, score: float = 0.9) -> dict[str, Any]:
    return {"kind": "latin", "text": text, "score": score, "quad": [0.0] * 8}


def test_each_caption_is_held_against_the_lines_that_were_read_for_sure() -> None:
    regions = [line("GRAND"), line("opening today"), line("TRAM", 0.5)]
    captions = ['A poster "Grand Opening"', 'A sign "GRAND" over "QUAYS"', '"TRAM"', "A poster"]
    assert measured(image(), captions, *regions) == [1.0, 0.5, 0.0, 1.0]


def test_large_letters_that_were_not_looked_for_are_read_as_a_line_or_a_page() -> None:
    captions = ['A sign "QUAY"', 'A sign "TRAM"', "A sign", "“出口”"]
    assert measured(image("QUAY"), captions) == [1.0, 0.25, 1.0, 0.0]
    assert measured(image("QUAY", "TRAM"), [*captions, '"EXIT"']) == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert measured(image(), captions) == [0.0, 0.0, 1.0, 0.0]


def test_an_image_whose_captions_quote_nothing_is_not_decoded() -> None:
    assert measured(b"no image", ["A sign", ""]) == [1.0, 1.0]
