"""What captions of scenes say of colours is seen in the picture, and texts fit their media."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import product
from random import Random

import cv2
import numpy as np
import pytest
from making.colours_said import colours_said
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import colours
from curation.picture.colours import COLOURS
from synthesis import captions, corpus, jobs, modes
from synthesis.corpus import Paragraph
from synthesis.corpus.genres import Genre
from synthesis.description import Description, Name, Words
from synthesis.fonts.languages import LANGUAGES
from synthesis.job import Job
from synthesis.sample import Sample
from synthesis.scene import media, naming, rendered, writing
from synthesis.unrenderable import UnrenderableError

COUNT = 60
ROOM = 640 * 640  # pixels
LEVEL = (0.9, 0.9, 0.9)
NAMES = {one.name.english: one for one in media.all_media()}


@pytest.fixture(scope="module", params=["en", "zh"])
def job(request: pytest.FixtureRequest) -> Job:
    try:
        return jobs.prepare(request.param, "scene", seed=11, size="288x288")
    except UsageError as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def samples(job: Job) -> list[Sample]:
    found = [modes.render_until_kept(job, index)[0] for index in range(COUNT)]
    return [one for one in found if one]


def looks(rgb: np.ndarray) -> Iterator[colours.RGB]:
    """What may have that colour in a light that is dimmer, cooler or warmer than white."""
    tints = (-0.6, -0.2, 0.2, 0.6, 0.9)
    for level, warmth in product((0.6, 0.68, 0.76, 0.84, 0.92, 1.0), tints):
        gain = level * np.array([1 + 0.06 * warmth, 1, 1 - 0.084 * warmth])
        red, green, blue = np.clip(rgb / gain, 0, 255).astype(int).tolist()
        yield red, green, blue


def two_colours(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """The pixels around the lines of text, and those within that are farthest: ground and ink."""
    picture = np.asarray(Image.open(BytesIO(sample.image)))
    mask = np.zeros(picture.shape[:2], np.uint8)
    for box in sample.boxes:
        if box.level == "line":
            cv2.fillConvexPoly(mask, np.array(box.quad).reshape(4, 2).astype(np.int32), 1)
    around = cv2.dilate(mask, np.ones((9, 9), np.uint8)) - mask
    ground = np.median(picture[around > 0], axis=0)
    inside = picture[mask > 0].astype(float)
    away = np.abs(inside - ground).sum(axis=1)
    return ground, np.median(inside[away >= np.quantile(away, 0.97)], axis=0)


def test_the_colours_said_are_the_colours_seen(samples: list[Sample]) -> None:
    """Where strokes are wide enough to show their colour."""
    checked = 0
    for sample in samples:
        heights = [box.quad[5] - box.quad[1] for box in sample.boxes if box.level == "line"]
        said = colours_said(sample)
        if min(heights) < 22 or len(said) < 2:
            continue
        checked += 1
        ground, ink = two_colours(sample)
        unmixed = [ground + share * (ink - ground) for share in (1, 1.2, 1.4)]
        for name, mixed in zip(said, ([ground], unmixed), strict=True):
            every = [look for rgb in mixed for look in looks(rgb)]
            known = {one.english for look in every for one in colours.names(look)}
            assert name in known, (name, mixed[0], known, sample.caption)
    assert checked > COUNT / 4


def test_nearly_all_scenes_have_colours_that_can_be_named(samples: list[Sample]) -> None:
    counts = Counter(len(colours_said(one)) for one in samples)
    glass = sum("glass window" in one.caption or "玻璃窗" in one.caption for one in samples)
    assert counts[2] > 0.85 * (len(samples) - glass)


@pytest.mark.parametrize(
    ("paint", "measured", "behind", "light", "name"),
    [
        # white letters in the shade, thin and blurred; a maroon pen; gilt; chalk
        ((250, 250, 248), (190, 188, 182), (46, 48, 48), (0.84, 0.82, 0.8), "white"),
        ((104, 26, 40), (104, 48, 55), (226, 205, 204), (0.9, 0.9, 0.9), "dark red"),
        ((70, 20, 24), (80, 51, 52), (214, 212, 207), (0.88, 0.89, 0.9), "maroon"),
        ((206, 176, 112), (180, 150, 96), (38, 38, 40), (0.92, 0.9, 0.88), "golden"),
        ((238, 238, 232), (150, 150, 146), (36, 58, 50), (0.9, 0.9, 0.9), "white"),
        # strokes of which the picture shows next to nothing, or something else
        ((250, 250, 248), (100, 100, 98), (46, 48, 48), (0.9, 0.9, 0.9), None),
        ((24, 24, 28), (150, 40, 40), (230, 228, 220), (0.9, 0.9, 0.9), None),
    ],
)
def test_inks_are_named_as_they_are_seen(
    paint: colours.RGB,
    measured: colours.RGB,
    behind: colours.RGB,
    light: tuple[float, float, float],
    name: str | None,
) -> None:
    named = naming.ink(paint, measured, behind, light)
    assert (named.english if named else None) == name


@pytest.mark.parametrize(
    ("painted", "measured", "name"),
    [
        ((38, 66, 118), (34, 59, 106), "dark blue"),
        ((30, 52, 46), (27, 47, 41), "dark green"),
        ((62, 42, 27), (56, 38, 24), "dark brown"),
        ((246, 222, 222), (221, 200, 200), "pale pink"),
        ((250, 248, 243), (225, 223, 219), "white"),
        ((250, 248, 243), (205, 203, 199), "white"),  # in a fold
        ((150, 154, 158), (135, 139, 142), "grey"),
        ((210, 205, 166), (189, 184, 149), "pale yellow"),
        ((104, 80, 112), (94, 72, 101), "purple"),
        ((36, 40, 46), (90, 88, 80), None),  # around letters that glow
    ],
)
def test_grounds_are_named_as_they_are_seen(
    painted: colours.RGB, measured: colours.RGB, name: str | None
) -> None:
    named = naming.ground(painted, measured, LEVEL)
    assert (named.english if named else None) == name


def test_what_could_be_white_or_cream_in_warm_light_is_not_named() -> None:
    white, warm = (250, 249, 247), (0.95, 0.88, 0.78)
    measured = (238, 219, 193)
    assert naming.ground(white, measured, warm) is None
    cold = (0.88, 0.9, 0.92)
    named = naming.ground(white, (220, 224, 227), cold)
    assert named and named.english == "white"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_medium_has_texts_in_every_language(language: str) -> None:
    texts = corpus.load(language).paragraphs
    assert all(one.genre for one in texts)
    for medium in media.all_media():
        fitting = [one for one in texts if writing.bears(medium, one.genre)]
        assert any(writing.suits(medium, one.text, ROOM) for one in fitting), medium.name.english


def test_every_genre_has_a_medium() -> None:
    assert {genre for one in media.all_media() for genre in one.bears} == {*Genre}


def test_texts_stand_on_what_bears_them(job: Job) -> None:
    met = Counter()
    for number in range(600):
        found = writing.choose(Random(number), job, media.all_media(), ROOM)
        assert found
        paragraph, medium = found
        assert paragraph.genre in medium.bears, (medium.name.english, paragraph.text)
        met[medium.name.english] += 1
    assert min(met.values()) > 600 / len(NAMES) / 2 and len(met) == len(NAMES)


def test_a_parking_ban_stands_on_no_jar_and_no_book(job: Job) -> None:
    ban = next(one for one in job.paragraphs if one.text in {"No parking", "禁止停车"})
    alone = replace(job, paragraphs=(ban,))
    for name in ("jar", "book cover", "T-shirt", "card"):
        assert writing.choose(Random(1), alone, [NAMES[name]], ROOM) is None
        with pytest.raises(UnrenderableError, match="no_medium"):
            rendered.render_on(Random(1), alone, [NAMES[name]])
    assert writing.choose(Random(1), alone, [NAMES["street sign"]], ROOM)


def test_texts_of_no_genre_stand_on_all_media(job: Job) -> None:
    own = replace(job, paragraphs=(Paragraph("A user's own"), Paragraph("text, ten words or so")))
    chosen = [writing.choose(Random(number), own, media.all_media(), ROOM) for number in range(400)]
    assert {found[1].name.english for found in chosen if found} == {*NAMES}


def test_captions_call_texts_what_they_are(job: Job) -> None:
    cover = next(
        one
        for number in range(9)
        if isinstance(one := _drawn_on(job, "book cover", number), Sample)
    )
    assert ("title" if job.language == "en" else "标题") in cover.caption.replace(cover.text, "")


def _drawn_on(job: Job, name: str, number: int) -> Sample | None:
    try:
        return rendered.render_on(Random(number), job, [NAMES[name]])
    except UnrenderableError:
        return None


def test_a_colour_that_has_no_name_is_left_out() -> None:
    """Neither of the ground nor of the ink, nor a surface nothing is known of."""
    unknown = Words("OPEN", "text", None)
    window = Description(Name("glass window", "玻璃窗"), (unknown,), None, image_type="photo")
    shirt = replace(window, kind=Name("T-shirt", "T恤"), surface=Name("fabric", "面料"))
    for seed, one, language in product(range(20), (window, shirt), ("en", "zh")):
        rest = captions.caption(Random(seed), language, one).replace(unknown.text, "").lower()
        assert one.kind.name(language).lower() in rest
        assert not re.search(r"none|surface|fabric|表面|面料| in \.|  |，。|用印", rest), rest


def test_what_texts_stand_on_and_how_they_are_written_is_said() -> None:
    label = Name("label", "标签")
    jar = Description(
        Name("jar", "罐子"),
        (Words("HONEY", "text", COLOURS["dark brown"]),),
        COLOURS["pale gold"],
        surface=label,
    )
    jar = replace(jar, image_type="photo")
    assert "a jar with a pale gold label" in captions.caption(Random(0), "en", jar).lower()
    assert "一个罐子，淡金色的标签" in captions.caption(Random(0), "zh", jar)
    board = replace(jar, writing="chalk")
    for seed in range(10):
        assert "chalked in dark brown" in captions.caption(Random(seed), "en", board)
        assert "粉笔字" in captions.caption(Random(seed), "zh", board)
