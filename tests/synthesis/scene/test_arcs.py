"""Texts on arcs: which curve, that they stay within what they are given, and are read unrolled."""

import math
from random import Random

import cv2
import numpy as np
import pytest
from making.made_fonts import all_characters, make

from synthesis import jobs, raster, unrolling
from synthesis.description import Name
from synthesis.job import Job
from synthesis.scene import arcs, emblems, media, rendered
from synthesis.scene.arcs import Arc
from synthesis.text import block
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Frame, Setting
from synthesis.unrenderable import UnrenderableError

MASK = np.zeros((4, 4), np.uint8)
EMBLEM = emblems.Emblem(Name("star", "一颗五角星"), MASK)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    path = tmp_path_factory.mktemp("fonts") / "test.ttf"
    return jobs.prepare("en", "scene", fonts=make(path, all_characters("en")), size="640x640")


@pytest.fixture(scope="module")
def typography(job: Job) -> Typography:
    return Typography("en", job.fonts, Setting("centre", 1.3))


def on_arc(typography: Typography, text: str, least: int = 10) -> tuple[Block, Arc]:
    arc = Arc((300.0, 320.0), 200.0, 120.0, 60.0, 1.0, EMBLEM)
    return arcs.on_arc(Random(1), text, typography, arc, least), arc


@pytest.mark.parametrize("text", ["Open", "Second-hand books", "Tickets from 4.50 today"])
def test_a_text_stays_within_its_arc(typography: Typography, text: str) -> None:
    placed, arc = on_arc(typography, text)
    assert placed.size <= arc.largest
    corners = np.array([one.quad for one in placed.lines[0].clusters]).reshape(-1, 2) - arc.centre
    turns = np.degrees(np.arctan2(corners[:, 0], -corners[:, 1]))
    assert np.abs(turns).max() <= arc.span / 2 + 1
    assert np.abs(turns.min() + turns.max()) < 4  # its middle is at the top
    away = np.hypot(*corners.T)
    assert np.abs(away - arc.radius).max() < placed.size


def test_what_would_be_too_small_is_told(typography: Typography) -> None:
    with pytest.raises(UnrenderableError) as caught:
        on_arc(typography, "Tickets from 4.50 today", least=40)
    assert caught.value.reason == "does_not_fit"


@pytest.mark.parametrize(
    ("text", "curves"),
    [
        ("Second-hand books", True),
        ("欢迎光临", True),
        ("two\nlines", False),
        ("much too long for any arc there is", False),
        ("أهلا وسهلا", False),
    ],
)
def test_one_short_line_of_letters_that_do_not_join_curves(text: str, curves: bool) -> None:
    assert arcs.curves(text) == curves


def test_captions_tell_the_arc_and_the_emblem(job: Job) -> None:
    (sign,) = [one for one in media.all_media() if one.name.english == "arched sign"]
    told = []
    for number in range(12):
        try:
            told.append(rendered.render_on(Random(f"told/{number}"), job, [sign]).caption)
        except UnrenderableError:
            continue
    curved = [one for one in told if "in an arc" in one]
    assert len(curved) >= 3
    names = [name.english for name, _ in emblems._SHAPES]
    assert all(any(f"a {name}" in one for name in names) for one in curved)


def test_an_unrolled_arc_is_the_text_set_straight(typography: Typography) -> None:
    placed, _ = on_arc(typography, "Second-hand books")
    assert unrolling.is_curved([one.quad for one in placed.lines[0].clusters])
    level = block.at(placed.text, typography, Frame(20, 20, 800, 100), placed.size)
    assert not unrolling.is_curved([one.quad for one in level.lines[0].clusters])
    canvas = raster.solid(600, 600, (255, 255, 255))
    raster.render(canvas, placed.runs, (0, 0, 0))
    glyphs = [one.quad for one in placed.lines[0].clusters]
    line = next(box for box in placed.boxes() if box.level == "line")
    corners = np.array(line.quad, np.float32).reshape(4, 2)
    rgb = np.ascontiguousarray(canvas[..., :3])
    strip = unrolling.unrolled(rgb, corners, glyphs, 48, 0.2)
    ink = cv2.threshold(cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY), 128, 255, cv2.THRESH_BINARY_INV)[1]
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    assert count - 1 == len(glyphs)  # rectangles, each whole and apart
    left, right = stats[1:, 0].min(), (stats[1:, 0] + stats[1:, 2]).max()
    assert left > 4 and right < strip.shape[1] - 4
    filled = stats[1:, 4] / (stats[1:, 2] * stats[1:, 3])
    assert filled.min() > 0.8 and math.isclose(
        float(np.median(filled)), 1.0, abs_tol=0.1
    )  # upright
