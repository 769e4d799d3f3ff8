"""Text in images: against pages whose texts and quads are known, because we rendered them."""

from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from making.collection import drawing, encoded

from curation.picture import decoding
from curation.signals import languages
from curation.signals.row import Row
from curation.signals.signal import MissingModelError, ready
from curation.signals.text import TextSettings, is_sparse, seen, strokes, text
from synthesis import jobs, modes
from synthesis.sample import Sample

PAGES = 2


@pytest.fixture(scope="module")
def measure() -> Any:
    try:
        return ready(text)
    except MissingModelError as error:
        pytest.skip(str(error))


@cache
def page(language: str, index: int) -> Sample:
    sample, _ = modes.render_until_kept(
        jobs.prepare(language, "pure", seed=77, size="480x480"), index
    )
    assert sample
    return sample


def rows(*data: bytes) -> list[Row]:
    return [Row(str(place), each, {}, {}) for place, each in enumerate(data)]


@pytest.mark.parametrize(
    ("language", "split"), [("en", "English"), ("zh", "Chinese"), ("ja", "Other"), ("fr", "Other")]
)
def test_pages_are_measured_as_they_were_rendered(measure: Any, language: str, split: str) -> None:
    pages = [page(language, index) for index in range(PAGES)]
    for sample, said in zip(pages, measure(rows(*(each.image for each in pages))), strict=True):
        quads = [np.reshape(box.quad, (4, 2)) for box in sample.boxes if box.level == "line"]
        area = sum(cv2.contourArea(quad.astype(np.float32)) for quad in quads)
        sides = [np.hypot(*(quad[way] - quad[0])) for quad in quads for way in (1, 3)]
        assert said["text_language"] == split
        assert said["text_area"] * sample.width * sample.height == pytest.approx(area, rel=0.05)
        smallest = said["character_height"] * min(sample.width, sample.height)
        assert smallest == pytest.approx(min(sides), abs=1)
        assert said["text_lines"] == len(said["text_regions"])
        assert all(0.7 <= each["score"] <= 1 for each in said["text_regions"])


def test_a_plain_image_is_not_searched_and_has_no_text(measure: Any) -> None:
    blank = np.full((300, 400, 3), 200, np.uint8)
    (said,) = measure(rows(cv2.imencode(".png", blank)[1].tobytes()))
    assert said == {
        "strokes": 0.0,
        "text_area": 0.0,
        "text_lines": 0,
        "text_unread": 0,
        "text_characters": 0,
        "character_height": 1.0,
        "text_language": "None",
        "text_regions": [],
    }


def test_boxes_are_in_pixels_of_the_original(measure: Any) -> None:
    small = page("en", 0)
    large = cv2.resize(
        cv2.imdecode(np.frombuffer(small.image, np.uint8), cv2.IMREAD_COLOR), None, fx=3, fy=3
    )
    said = measure(rows(small.image, cv2.imencode(".png", large)[1].tobytes()))
    first, second = ([each["quad"] for each in of["text_regions"]] for of in said)
    assert len(first) == len(second) > 0
    assert np.allclose(np.array(first) * 3, second, atol=6)
    assert said[0]["character_height"] == pytest.approx(said[1]["character_height"], abs=0.004)


def test_short_lines_and_doubtful_ones_do_not_count_alone() -> None:
    from curation.networks.ocr import Region
    from curation.signals.text import counted

    def line(words: str, score: float) -> Region:
        return Region(np.zeros((4, 2), np.float32), words, score)

    settings = TextSettings()
    assert counted([line("A", 0.99), line("x .", 0.6), line("- ", 0.95)], settings) == []
    beside = [line("Exit", 0.8), line("&", 0.95), line("o", 0.8)]
    assert counted(beside, settings) == beside[:2]


@pytest.mark.parametrize(("language", "index"), [("ru", 1), ("ko", 3), ("ko", 4)])
def test_scripts_that_the_reader_does_not_know_are_another_language(
    measure: Any, language: str, index: int
) -> None:
    """Of their lines nothing is read, or signs and digits alone; not English, and not None."""
    assert sum(box.level == "line" for box in page(language, index).boxes) >= 2
    (said,) = measure(rows(page(language, index).image))
    assert said["text_unread"] >= 2
    assert said["text_language"] == "Other"


def test_a_line_of_few_letters_for_its_length_is_sparse() -> None:
    from curation.networks.ocr import Region

    box = np.array([(0, 0), (300, 0), (300, 30), (0, 30)], np.float32)
    sparse = {
        "": True,
        " 14   19 ,  .": True,
        "M E N U S": False,
        "保持好奇心": False,
        ". . . ,": True,
    }
    upright = box[:, ::-1]
    for corners in (box, upright):
        lines = {said: Region(corners, said, 0.9) for said in sparse}
        assert {said: is_sparse(line) for said, line in lines.items()} == sparse


def test_strokes_rise_with_letters_and_not_with_shapes() -> None:
    grey = cv2.cvtColor(np.asarray(drawing(3, 400)), cv2.COLOR_RGB2GRAY)
    written = cv2.putText(grey.copy(), "a harbour", (40, 200), 2, 0.8, 255, 1, cv2.LINE_AA)
    assert strokes(written) > strokes(grey) + 0.05
    assert strokes(np.zeros((1, 1), np.uint8)) == 0
    assert 0 <= strokes(np.random.default_rng(0).integers(0, 256, (90, 900), np.uint8)) <= 1


def test_what_is_searched_is_no_larger_than_asked() -> None:
    large = decoding.decode(encoded(drawing(1, 1400)), 640)
    assert seen(large).shape == (640, 640, 3)


@pytest.mark.parametrize(
    ("lines", "split"),
    [
        ([], "None"),
        (["Mind your head"], "English"),
        (["The café on the corner is open until nine", "and serves breakfast all day"], "English"),
        (["Geänderte Öffnungszeiten"], "Other"),
        (["Le musée est fermé"], "Other"),
        (["Ein Winter"], "Other"),
        (["¿Tiene cita previa?"], "Other"),
        (["保持好奇"], "Chinese"),
        (["新款 iPhone", "立即购买"], "Chinese"),
        (["図書館は八月三日から"], "Other"),
        (["2024", "08:15"], "Other"),
        (["Открыто"], "Other"),
    ],
)
def test_the_split_of_a_text(lines: list[str], split: str) -> None:
    assert languages.split(lines) == split


@pytest.mark.parametrize(
    ("line", "script"),
    [("Café 12", "latin"), ("東京タワー", "kana"), ("地铁", "han"), ("12:00", "none")],
)
def test_the_script_of_a_line(line: str, script: str) -> None:
    assert languages.script(line) == script
