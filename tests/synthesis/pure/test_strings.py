"""Style strings: the trainer's toy task keeps its promises to the pixel."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from making.made_fonts import all_characters, make
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import colours
from synthesis import jobs, modes
from synthesis.job import Job
from synthesis.pure import strings
from synthesis.sample import Sample

COUNT = 200


@pytest.fixture(scope="module", params=["en", "zh", "system-en", "system-zh"])
def job(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Job:
    language = request.param[-2:]
    if request.param.startswith("system"):
        try:
            return jobs.prepare(language, "strings")
        except UsageError as problem:
            pytest.skip(str(problem))
    path = tmp_path_factory.mktemp("fonts") / "test.ttf"
    characters = {*all_characters(language), *strings.CHARACTERS[language]}
    return jobs.prepare(language, "strings", fonts=make(path, "".join(sorted(characters))))


@pytest.fixture(scope="module")
def samples(job: Job) -> list[Sample]:
    drawn = [modes.render(job, index) for index in range(COUNT)]
    assert all(isinstance(one, Sample) for one in drawn)
    return [one for one in drawn if isinstance(one, Sample)]


def pixels(sample: Sample) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(sample.image)))


def test_caption_says_what_is_drawn(job: Job, samples: list[Sample]) -> None:
    pattern = {
        "en": r'The text "(.+)" in (\w+) on a white background\.',
        "zh": r"白色背景上写着(\w+)的文字“(.+)”。",
    }[job.language]
    inks = {colour.name(job.language): colour.rgb for colour in strings.INKS}
    for sample in samples:
        match = re.fullmatch(pattern, sample.caption)
        assert match
        text, ink = match.groups() if job.language == "en" else match.groups()[::-1]
        assert text == sample.text
        picture = pixels(sample)
        darkest = picture.reshape(-1, 3)[np.argmax(np.abs(255 - picture).sum(axis=2))]
        distances = {name: np.abs(darkest - np.array(rgb)).sum() for name, rgb in inks.items()}
        assert min(distances, key=distances.__getitem__) == ink


def test_every_character_has_ink_in_its_cell_and_nowhere_else(
    job: Job, samples: list[Sample]
) -> None:
    for sample in samples:
        ink = (pixels(sample) != 255).any(axis=2)
        line, *glyphs = sample.boxes
        assert line.text == "".join(glyph.text for glyph in glyphs) == sample.text
        cell = strings.cell_width(job.language, sample.height)
        for place, glyph in enumerate(glyphs):
            left, right = place * cell, (place + 1) * cell
            expected = (left, 0, right, 0, right, sample.height, left, sample.height)
            assert glyph.quad == pytest.approx(expected)
            assert ink[:, left:right].any()
        assert not ink[:, len(glyphs) * cell :].any()


def test_the_same_character_looks_the_same_in_every_cell(job: Job, samples: list[Sample]) -> None:
    cell = strings.cell_width(job.language, samples[0].height)
    seen: dict[tuple[str, str], bytes] = {}
    for sample in samples:
        picture = pixels(sample)
        said = sample.caption.replace(sample.text, "")
        for place, character in enumerate(sample.text):
            drawn = picture[:, place * cell : (place + 1) * cell].tobytes()
            assert seen.setdefault((character, said), drawn) == drawn
    assert len(seen) < sum(len(sample.text) for sample in samples)


def test_lengths_characters_and_inks_are_all_used(job: Job, samples: list[Sample]) -> None:
    assert {len(sample.text) for sample in samples} == {1, 2, 3, 4}
    assert {*"".join(sample.text for sample in samples)} == {*strings.CHARACTERS[job.language]}
    assert len(strings.CHARACTERS[job.language]) == 36


def test_characters_in_need_stand_among_others_as_often_as_they_are_needed(
    tmp_path: Path,
) -> None:
    need, face = tmp_path / "need.tsv", tmp_path / "test.ttf"
    need.write_text("Q\t3\n%\t2\n\u9f98\t4\n", "utf-8")
    fonts = make(face, "".join(sorted({"%", *all_characters("en"), *strings.CHARACTERS["en"]})))
    job = jobs.prepare("en", "strings", fonts=fonts, need=str(need))
    plain = jobs.prepare("en", "strings", fonts=fonts)
    assert jobs.number(job, None) == 5
    assert job.digest() != plain.digest()
    [_, lacking] = job.needed.notes()
    assert lacking == "--need: no font here can render 1 of them: \u9f98"
    texts = [str(getattr(modes.render(job, index), "text", "")) for index in range(5)]
    assert sum("Q" in text for text in texts) >= 3
    assert sum("%" in text for text in texts) == 2
    assert {"Q", "%"} <= set("".join(texts[:2]))  # the first round has every character


def test_inks_stand_out() -> None:
    ratios = [colours.contrast_ratio(ink.rgb, (255, 255, 255)) for ink in strings.INKS]
    assert min(ratios) >= strings.LEAST_CONTRAST


def test_a_canvas_too_narrow_is_refused() -> None:
    with pytest.raises(UsageError, match="64x32 or wider"):
        strings.check_size("en", 48, 32)
