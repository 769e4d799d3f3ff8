"""Mode pure: what is drawn, said and boxed is the same text, whole, inside and legible."""

import math
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
import pytest
from making.colours_said import colours_said
from making.made_fonts import all_characters, make
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import colours
from synthesis import corpus, jobs, modes, raster
from synthesis.characters import sampler
from synthesis.corpus import Paragraph
from synthesis.fonts.face import Font
from synthesis.job import Job
from synthesis.pure import backgrounds, limits
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.text import block
from synthesis.text.block import Typography
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
    drawn = [modes.render_until_kept(job, index)[0] for index in range(COUNT)]
    return [one for one in drawn if one is not None]


def pixels(sample: Sample) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(sample.image)))


def rim(picture: np.ndarray) -> np.ndarray:
    """The pixels (N, 3) along the four sides, where there is no text."""
    top_and_bottom = np.concatenate([picture[:5], picture[-5:]]).reshape(-1, 3)
    sides = np.concatenate([picture[:, :5], picture[:, -5:]], axis=1).reshape(-1, 3)
    return np.concatenate([top_and_bottom, sides])


def line_boxes(sample: Sample) -> list[tuple[TextBox, list[TextBox]]]:
    """Every line with its glyphs."""
    grouped: list[tuple[TextBox, list[TextBox]]] = []
    for box in sample.boxes:
        if box.level == "line":
            grouped.append((box, []))
        elif box.level == "glyph":
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
    for index, sample in enumerate(samples):
        rare = sampler.text(Random(0), job, index) is not None
        assert rare or {*sample.text.split("\n\n")} <= known
        assert sample.caption.count(sample.text) == 1
        assert sample.annotation is not None and sample.annotation["Caption"] == sample.caption
        assert [box.text for box in sample.boxes if box.level == "block"] == [sample.text]
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
    checked = 0
    for sample in samples:
        picture = pixels(sample).astype(int)
        if len(np.unique(rim(picture), axis=0)) > 1:
            continue  # a gradient or a texture
        checked += 1
        ink = np.abs(picture - picture[0, 0]).max(axis=2) > 0
        boxed = np.zeros_like(ink)
        for line, glyphs in line_boxes(sample):
            for glyph in glyphs:
                left, right = math.floor(min(glyph.quad[::2])), math.ceil(max(glyph.quad[::2]))
                top, bottom = math.floor(min(glyph.quad[1::2])), math.ceil(max(glyph.quad[1::2]))
                assert 0 <= left < right <= sample.width
                assert 0 <= top < bottom <= sample.height
                assert ink[top:bottom, left:right].any(), (glyph, sample.caption)
                boxed[top:bottom, left:right] = True
            corners = np.array([glyph.quad for glyph in glyphs]).reshape(-1, 2)
            expected = (*corners.min(axis=0), *corners.max(axis=0))
            assert (*line.quad[:2], *line.quad[4:6]) == pytest.approx(expected)
        assert not (ink & ~boxed).any()
    assert checked > COUNT / 5


def test_a_box_is_a_glyph_drawn_alone_to_the_pixel(job: Job) -> None:
    """The box holds all the ink, and no side of it is more than a pixel from the ink."""
    text = "Quick, (jumpy) fox: 35%!" if job.language == "en" else "山高，（在）这里：好！一"
    for face in job.fonts[::7]:
        typography = Typography(job.language, (face,), Setting("left", 1.4))
        for size in (13, 17, 40):
            placed = block.at(text, typography, Frame(8, 8, 240, 240), size)
            for one in (one for line in placed.lines for one in line.clusters):
                ink = ink_bounds(one.font, size, one)
                outward = (*np.floor(one.box[:2]), *np.ceil(one.box[2:]))
                assert np.abs(np.subtract(outward, ink)).max() <= 1, (one, ink)


def ink_bounds(loaded: Font, size: int, one: Placed) -> tuple[int, int, int, int]:
    """The bounds of the pixels a cluster drawn alone touches."""
    canvas = raster.solid(256, 256, (0, 0, 0))
    raster.render(canvas, [raster.Run(loaded, size, one.glyphs, one.origins)], (255, 255, 255))
    rows, columns = np.nonzero(canvas[..., 0])
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_the_colours_said_are_the_colours_measured(samples: list[Sample]) -> None:
    """The ground of nearly every pixel at the rim, and the ink of large letters."""
    checked = 0
    for sample in samples:
        picture = pixels(sample)
        border = rim(picture)
        seen, counts = np.unique(border, axis=0, return_counts=True)
        shares: dict[str, int] = {}
        for rgb, count in zip(seen.tolist(), counts.tolist(), strict=True):
            name = colours.nearest(tuple(rgb)).english
            shares[name] = shares.get(name, 0) + count
        background = max(shares, key=lambda name: shares[name])
        assert shares[background] > 0.9 * len(border), sample.caption  # ruled lines are the rest
        said = colours_said(sample)
        assert background in said, (background, sample.caption)
        said.remove(background)
        if any(box.quad[5] - box.quad[1] < 24 for box in sample.boxes if box.level == "line"):
            continue  # strokes too thin to show the ink unmixed
        checked += 1
        away = np.abs(picture.astype(int) - np.median(border, axis=0)).sum(axis=2)
        most = picture.reshape(-1, 3)[away.argmax()]
        assert said == [colours.nearest(tuple(most.tolist())).english], sample.caption
    assert checked > COUNT / 8


def test_textures_and_gradients_are_told_and_only_where_they_are(samples: list[Sample]) -> None:
    """A texture of its own kind shows in the pixels that are not ink."""
    for sample in samples:
        said = sample.caption.replace(sample.text, "")
        names = [one.texture for one in backgrounds.GROUNDS.values() if one.texture]
        told = [one for one in names if one.english in said or one.chinese in said]
        gradient = "gradient" in said or "渐变" in said
        assert len(told) + gradient <= 1
        shades = len(np.unique(rim(pixels(sample)), axis=0))
        assert (shades > 1) == bool(told or gradient), sample.caption


def test_no_sample_breaks_the_limits(job: Job, samples: list[Sample]) -> None:
    for sample in samples:
        size = (sample.width, sample.height)
        found = limits.measure(job.language, sample.boxes, size)
        assert limits.broken(job.language, found, size) is None


def test_one_missing_character_discards_the_paragraph(tmp_path: Path) -> None:
    characters = all_characters("en").replace("z", "") + "z"
    inkless = make(tmp_path / "test.ttf", characters, inkless="z")
    job = jobs.prepare("en", "pure", fonts=inkless)
    reasons = {}
    for text, reason in (("A lazy dog", "empty_glyph"), ("A 龙", "missing_character")):
        drawn = modes.render(replace(job, paragraphs=(Paragraph(text),)), 0)
        reasons[reason] = drawn.reason if isinstance(drawn, Rejected) else "drawn"
    assert reasons == {"empty_glyph": "empty_glyph", "missing_character": "missing_character"}
    drawn = [modes.render(job, index) for index in range(60)]
    assert any(isinstance(one, Rejected) for one in drawn)
    assert not any("z" in one.text for one in drawn if isinstance(one, Sample))


def test_another_font_steps_in_before_a_text_is_discarded(tmp_path: Path) -> None:
    make(tmp_path / "poor.ttf", all_characters("en"), family="Poor")
    make(tmp_path / "rich.ttf", all_characters("en") + "ß", family="Rich")
    job = jobs.prepare("en", "pure", fonts=str(tmp_path))
    job = replace(job, paragraphs=(Paragraph("Große Straße"),))
    drawn = [modes.render(job, index) for index in range(20)]
    assert {one.font for one in drawn if isinstance(one, Sample)} == {"Rich-Regular"}
    assert not any(isinstance(one, Rejected) for one in drawn)


def test_too_long_a_text_is_rejected_not_cut(tmp_path: Path) -> None:
    job = jobs.prepare("en", "pure", fonts=make(tmp_path / "t.ttf", all_characters("en")))
    for text in ("word " * 400, "word " * 100_000, "x" * 60):
        drawn = modes.render(replace(job, paragraphs=(Paragraph(text.strip()),)), 0)
        assert isinstance(drawn, Rejected) and drawn.reason == "does_not_fit"


def test_shipped_corpora_are_large_enough_and_all_of_it_can_be_drawn(job: Job) -> None:
    texts = corpus.load(job.language).paragraphs
    assert len(texts) >= 150
    for text in texts:
        drawn, _ = modes.render_until_kept(replace(job, paragraphs=(text,)), 0)
        assert drawn is not None, text
