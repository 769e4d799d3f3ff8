"""Mode scene: every medium in two languages, the same bytes again, true captions and boxes."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pyarrow as pa
import pytest
from making.made_fonts import all_characters, make
from PIL import Image

from curation import shard
from curation.failures.errors import UsageError
from synthesis import jobs, modes
from synthesis.corpus import Paragraph
from synthesis.job import Job
from synthesis.sample import Rejected, Sample, row
from synthesis.scene import geometry, media, rendered, writing
from synthesis.scene.bends import Bend, Cylinder, Flat, Wave
from synthesis.scene.geometry import Surface
from synthesis.scene.medium import Medium
from synthesis.unrenderable import UnrenderableError

TRIES = 25
LEVELS = {"block": 0, "line": 1, "word": 2, "glyph": 3}


@pytest.fixture(scope="module", params=["en", "zh"])
def job(request: pytest.FixtureRequest) -> Job:
    try:
        return jobs.prepare(request.param, "scene", seed=3, size="640x640")
    except UsageError as problem:
        pytest.skip(str(problem))


def drawn_on(job: Job, medium: Medium, count: int = 1) -> list[Sample]:
    """So many samples on one medium."""
    found: list[Sample] = []
    for number in range(TRIES):
        try:
            found.append(
                rendered.render_on(Random(f"{medium.name.english}/{number}"), job, [medium])
            )
        except UnrenderableError:
            continue
        if len(found) == count:
            break
    return found


@pytest.fixture(scope="module")
def samples(job: Job) -> dict[str, Sample]:
    """One sample of each medium that could be drawn."""
    drawn_here = {one.name.english: drawn_on(job, one) for one in media.all_media()}
    return {name: found[0] for name, found in drawn_here.items() if found}


def pixels(sample: Sample) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(sample.image)))


def glyphs(sample: Sample) -> Iterator[np.ndarray]:
    for box in sample.boxes:
        if box.level == "glyph":
            yield np.array(box.quad).reshape(4, 2)


def test_every_medium_draws(samples: dict[str, Sample]) -> None:
    assert len(media.all_media()) >= 14
    assert set(samples) == {one.name.english for one in media.all_media()}
    for sample in samples.values():
        assert pixels(sample).shape == (640, 640, 3)


def test_captions_name_the_medium_and_quote_exactly_what_is_drawn(
    job: Job, samples: dict[str, Sample]
) -> None:
    known = {one.text for one in job.paragraphs}
    for medium in media.all_media():
        sample = samples[medium.name.english]
        assert sample.text in known
        assert sample.text in sample.caption
        assert medium.name.name(job.language) in sample.caption
        lines = [box.text for box in sample.boxes if box.level == "line"]
        assert "".join("".join(lines).split()) == "".join(sample.text.split())
        assert sample.annotation and sample.annotation["Image Type"] == "photograph"


def test_boxes_keep_their_order_and_are_inside(samples: dict[str, Sample]) -> None:
    for sample in samples.values():
        levels = [LEVELS[box.level] for box in sample.boxes]
        assert levels[:2] == [0, 1]
        assert all(after <= before + 2 for before, after in pairwise(levels))
        for box in sample.boxes:
            corners = np.array(box.quad).reshape(4, 2)
            assert (corners >= 0).all()
            assert (corners <= (sample.width, sample.height)).all()
            assert cv2.contourArea(corners.astype(np.float32), oriented=True) > 0  # clockwise


def test_the_text_is_there(samples: dict[str, Sample]) -> None:
    """Rectified by its quad, most glyphs differ from what is around them."""
    for name, sample in samples.items():
        grey = cv2.cvtColor(pixels(sample), cv2.COLOR_RGB2GRAY)
        target = np.array([(0, 0), (32, 0), (32, 32), (0, 32)], np.float32)
        spreads = []
        for corners in glyphs(sample):
            upright = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
            patch = cv2.warpPerspective(grey, upright, (32, 32))
            spreads.append(np.percentile(patch, 95) - np.percentile(patch, 5))
        assert np.median(spreads) > 40, name


def test_the_same_bytes_again_and_in_any_order(job: Job) -> None:
    first = [modes.render(job, index) for index in range(6)]
    again = [modes.render(job, index) for index in reversed(range(6))]
    assert first == again[::-1]
    assert len({one.image for one in first if isinstance(one, Sample)}) > 1


def test_samples_are_rows_of_a_shard(samples: dict[str, Sample], tmp_path: Path) -> None:
    rows = [dict(row(one, f"scene/{name}", "CC0-1.0")) for name, one in samples.items()]
    path = str(tmp_path / "part-00000.parquet")
    schema = shard.schema()
    shard.write(path, [pa.RecordBatch.from_pylist(rows, schema=schema)], schema)
    read = [one["image"]["bytes"] for batch in shard.read(path) for one in batch.to_pylist()]
    assert read == [one.image for one in samples.values()]


@pytest.mark.parametrize("size", ["256x256", "368x1104", "1104x368", "928x1664"])
def test_other_sizes_and_shapes(size: str) -> None:
    job = jobs.prepare("en", "scene", seed=5, size=size)
    found = [modes.render_until_kept(job, index)[0] for index in range(4)]
    assert all(found)
    width, height = map(int, size.split("x"))
    assert {pixels(one).shape for one in found if one} == {(height, width, 3)}


@pytest.mark.parametrize("size", ["16x16", "64x64", "1600x48", "90x900"])
def test_the_smallest_pictures_are_drawn_or_rejected(size: str) -> None:
    job = jobs.prepare("en", "scene", seed=5, size=size)
    for index in range(12):
        assert isinstance(modes.render(job, index), Sample | Rejected)


def test_fonts_of_rectangles_do(tmp_path: Path) -> None:
    fonts = make(tmp_path / "test.ttf", all_characters("zh"))
    job = jobs.prepare("zh", "scene", fonts=fonts, size="640x640")
    assert any(isinstance(modes.render(job, index), Sample) for index in range(8))


def test_a_text_no_medium_takes_is_rejected(job: Job) -> None:
    long = replace(job, paragraphs=(Paragraph("word " * 2000),))
    result = modes.render(long, 0)
    assert isinstance(result, Rejected)
    assert result.reason == "no_medium"


def test_long_texts_go_to_media_that_have_room(job: Job) -> None:
    long = replace(job, paragraphs=(Paragraph("word " * 60),))
    for number in range(20):
        found = writing.choose(Random(number), long, media.all_media(), 640 * 640)
        assert found and found[1].columns[1] >= 300


BENDS = [
    Flat(),
    Cylinder(200.0, 180.0, -0.15),
    Wave(((4.0, -3.0, 0.01, 0.006, 0.4), (-2.0, 3.0, 0.0, 0.012, 1.0))),
]


@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: type(bend).__name__)
def test_a_bend_and_its_inverse_cancel(bend: Bend) -> None:
    points = np.random.default_rng(1).uniform((20, 0), (380, 400), (200, 2))
    assert np.abs(bend.inverse(bend.forward(points)) - points).max() < 1e-3


@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: type(bend).__name__)
def test_pixels_and_points_go_the_same_way(bend: Bend) -> None:
    """Dots on a sheet are seen where their middles are projected."""
    tilt = geometry.moved(210, 220) @ geometry.scaled(300, 300)
    tilt = tilt @ geometry.tilted(0.4, -0.3, 0.1, 2.0) @ geometry.scaled(1 / 300, 1 / 300)
    surface = Surface(tilt @ geometry.moved(-200, -200), bend)
    sheet = np.zeros((400, 400), np.uint8)
    dots = np.array([(x, y) for x in range(60, 360, 50) for y in range(60, 360, 50)], float)
    for x, y in dots.astype(int):
        sheet[y - 2 : y + 3, x - 2 : x + 3] = 255
    region = geometry.Region(10, 20, 400, 380)
    seen = surface.warp(sheet, region)
    for expected in surface.project(dots + 0.5):
        left, top = (expected - (10, 20)).astype(int) - 5
        window = seen[top : top + 12, left : left + 12].astype(float)
        rows, columns = np.mgrid[0 : window.shape[0], 0 : window.shape[1]] + 0.5
        middle = np.array([(columns * window).sum(), (rows * window).sum()]) / window.sum()
        assert np.abs(middle - (expected - np.array([left + 10, top + 20]))).max() < 0.25
