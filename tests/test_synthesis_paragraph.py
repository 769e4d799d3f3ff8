"""Mode pure: what is drawn, said and boxed is the same text, whole, inside and legible."""

import math
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from synthesis_fonts import all_characters, make

from synthesis import colours, corpus, drawing, jobs, modes
from synthesis.corpus import Paragraph
from synthesis.fonts.face import Font, font
from synthesis.job import Job
from synthesis.problems import UsageError
from synthesis.pure import captions
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.text import layout, lines
from synthesis.text.layout import Frame, Setting
from synthesis.text.placing import Placed

COUNT = 120
CLOSING = "。，、；：！？）」』】》”’…"
OPENING = "（「『【《“‘"


@pytest.fixture(scope="module", params=["en", "zh", "system-en", "system-zh"])
def job(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Job:
    language = request.param[-2:]
    if request.param.startswith("system"):
        try:
            return jobs.prepare(language, "pure", seed=3)
        except UsageError as problem:
            pytest.skip(str(problem))
    path = tmp_path_factory.mktemp("fonts") / "test.ttf"
    return jobs.prepare(language, "pure", seed=3, fonts=make(path, all_characters(language)))


@pytest.fixture(scope="module")
def samples(job: Job) -> list[Sample]:
    drawn = [modes.draw_until_kept(job, index)[0] for index in range(COUNT)]
    return [one for one in drawn if one is not None]


def pixels(sample: Sample) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(sample.image)))


def line_boxes(sample: Sample) -> list[tuple[TextBox, list[TextBox]]]:
    """Every line with its glyphs."""
    grouped: list[tuple[TextBox, list[TextBox]]] = []
    for box in sample.boxes:
        if box.level == "line":
            grouped.append((box, []))
        else:
            grouped[-1][1].append(box)
    return grouped


def without_blanks(text: str) -> str:
    return "".join(text.split())


def test_everything_is_drawn(samples: list[Sample]) -> None:
    assert len(samples) == COUNT
    assert len({sample.text for sample in samples}) > COUNT / 3
    assert all((sample.width, sample.height) == pixels(sample).shape[1::-1] for sample in samples)


def test_caption_boxes_and_text_agree(job: Job, samples: list[Sample]) -> None:
    known = {one.text for one in job.paragraphs}
    for sample in samples:
        assert sample.text in known
        assert captions.quoted(job.language, sample.text) in sample.caption
        grouped = line_boxes(sample)
        drawn = "".join(line.text for line, _ in grouped)
        assert without_blanks(drawn) == without_blanks(sample.text)
        for line, glyphs in grouped:
            assert "".join(glyph.text for glyph in glyphs) == without_blanks(line.text)


def test_lines_break_where_the_language_allows(job: Job, samples: list[Sample]) -> None:
    for sample in samples:
        rest = sample.text
        for line, _ in line_boxes(sample):
            rest = rest.lstrip()
            assert rest.startswith(line.text)
            assert line.text == line.text.strip()
            rest = rest[len(line.text) :]
            if job.language == "zh":
                assert line.text[0] not in CLOSING
                assert line.text[-1] not in OPENING
            else:
                assert not rest or not (line.text[-1].isalnum() and rest[0].isalnum())
        assert not rest


def test_all_ink_is_in_the_boxes_and_every_box_has_ink(samples: list[Sample]) -> None:
    for sample in samples:
        picture = pixels(sample).astype(int)
        if "gradient" in sample.caption or "渐变" in sample.caption:
            continue
        ink = np.abs(picture - picture[0, 0]).max(axis=2) > 0
        boxed = np.zeros_like(ink)
        for line, glyphs in line_boxes(sample):
            for glyph in glyphs:
                x0, y0 = map(math.floor, glyph.quad[:2])
                x2, y2 = map(math.ceil, glyph.quad[4:6])
                assert 0 <= x0 < x2 <= sample.width
                assert 0 <= y0 < y2 <= sample.height
                assert ink[y0:y2, x0:x2].any(), (glyph, sample.caption)
                boxed[y0:y2, x0:x2] = True
            corners = np.array([glyph.quad for glyph in glyphs]).reshape(-1, 2)
            expected = (*corners.min(axis=0), *corners.max(axis=0))
            assert (*line.quad[:2], *line.quad[4:6]) == pytest.approx(expected)
        assert not (ink & ~boxed).any()


def test_a_box_is_a_glyph_drawn_alone_to_the_pixel(job: Job) -> None:
    """The box holds all the ink, and no side of it is more than a pixel from the ink."""
    text = "Quick, (jumpy) fox: 35%!" if job.language == "en" else "山高，（在）这里：好！一"
    for face in job.fonts[::7]:
        loaded = font(face)
        units = lines.units(loaded, text, job.language, 0.0)
        for size in (13, 17, 40):
            frame, how = Frame(8, 8, 240, 240), Setting("left", 1.4)
            for line in layout.place(units, frame, how, size, 240 / size):
                for one in line.clusters:
                    left, top, right, bottom = ink_bounds(loaded, size, one)
                    assert one.box == pytest.approx((left, top, right, bottom), abs=1.01)


def ink_bounds(loaded: Font, size: int, one: Placed) -> tuple[int, int, int, int]:
    """The bounds of the pixels a cluster drawn alone touches."""
    canvas = drawing.solid(256, 256, (0, 0, 0))
    drawing.draw(canvas, [drawing.Run(loaded, size, one.glyphs, one.origins)], (255, 255, 255))
    rows, columns = np.nonzero(canvas[..., 0])
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_caption_is_a_pattern_filled_with_the_colours_measured(
    job: Job, samples: list[Sample]
) -> None:
    checked = 0
    for sample in samples:
        picture = pixels(sample)
        near, far = nearest_colour(picture[0, 0]), nearest_colour(picture[-1, -1])
        assert near == far
        away = np.abs(picture.astype(int) - picture[0, 0]).sum(axis=2)
        ink = nearest_colour(picture.reshape(-1, 3)[away.argmax()])
        if any(box.quad[5] - box.quad[1] < 24 for box in sample.boxes if box.level == "line"):
            continue  # strokes too thin to show the ink unmixed
        checked += 1
        ends = tuple(picture[0, 0].tolist()), tuple(picture[-1, -1].tolist())
        pair = colours.Pair(near, ink, *ends, ink.rgb)
        assert sample.caption in {
            captions.fill(pattern, job.language, sample.text, pair)
            for pattern in captions.PATTERNS[job.language]
        }
    assert checked > COUNT / 8


def nearest_colour(rgb: np.ndarray) -> colours.Colour:
    """The colour of the palette nearest in CIELAB."""
    both = np.array([[rgb, *(one.rgb for one in colours.PALETTE)]], np.float32) / 255
    measured, *anchors = cv2.cvtColor(both, cv2.COLOR_RGB2LAB)[0]
    distances = np.linalg.norm(np.array(anchors) - measured, axis=1)
    return colours.PALETTE[int(distances.argmin())]


def test_patterns_name_background_ink_and_print() -> None:
    for language, printed in (("en", "print"), ("zh", "印")):
        assert len(captions.PATTERNS[language]) >= 8
        for pattern in captions.PATTERNS[language]:
            assert pattern.count("{quoted}") == 1
            assert "{ink}" in pattern
            assert "background}" in pattern
            assert printed in pattern.lower()


@pytest.mark.parametrize(
    ("language", "text", "quoted"),
    [
        ("en", "Open", '"Open"'),
        ("en", 'Say "hi"', '“Say "hi"”'),
        ("zh", "营业中", "“营业中”"),
        ("zh", "他说：“好”", "「他说：“好”」"),
    ],
)
def test_quotation_marks_do_not_collide(language: str, text: str, quoted: str) -> None:
    assert captions.quoted(language, text) == quoted


def test_one_missing_character_discards_the_paragraph(tmp_path: Path) -> None:
    characters = all_characters("en").replace("z", "") + "z"
    inkless = make(tmp_path / "test.ttf", characters, inkless="z")
    job = jobs.prepare("en", "pure", fonts=inkless)
    reasons = {}
    for text, reason in (("A lazy dog", "empty_glyph"), ("A 龙", "missing_character")):
        drawn = modes.draw(replace(job, paragraphs=(Paragraph(text),)), 0)
        reasons[reason] = drawn.reason if isinstance(drawn, Rejected) else "drawn"
    assert reasons == {"empty_glyph": "empty_glyph", "missing_character": "missing_character"}
    drawn = [modes.draw(job, index) for index in range(60)]
    assert any(isinstance(one, Rejected) for one in drawn)
    assert not any("z" in one.text for one in drawn if isinstance(one, Sample))


def test_another_font_steps_in_before_a_text_is_discarded(tmp_path: Path) -> None:
    make(tmp_path / "poor.ttf", all_characters("en"), family="Poor")
    make(tmp_path / "rich.ttf", all_characters("en") + "ß", family="Rich")
    job = jobs.prepare("en", "pure", fonts=str(tmp_path))
    job = replace(job, paragraphs=(Paragraph("Große Straße"),))
    drawn = [modes.draw(job, index) for index in range(20)]
    assert {one.font for one in drawn if isinstance(one, Sample)} == {"Rich-Regular"}
    assert not any(isinstance(one, Rejected) for one in drawn)


def test_too_long_a_text_is_rejected_not_cut(tmp_path: Path) -> None:
    job = jobs.prepare("en", "pure", fonts=make(tmp_path / "t.ttf", all_characters("en")))
    for text in ("word " * 400, "word " * 100_000, "x" * 60):
        drawn = modes.draw(replace(job, paragraphs=(Paragraph(text.strip()),)), 0)
        assert isinstance(drawn, Rejected) and drawn.reason == "does_not_fit"


def test_shipped_corpora_are_large_enough_and_all_of_it_can_be_drawn(job: Job) -> None:
    texts = corpus.load(job.language).paragraphs
    assert len(texts) >= 150
    for text in texts:
        drawn, _ = modes.draw_until_kept(replace(job, paragraphs=(text,)), 0)
        assert drawn is not None, text
