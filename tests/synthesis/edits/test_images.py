"""Restoration and tasks: the source is worse as is said of it, the result is what is asked for."""

from functools import cache
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest
from making.edits import Make, made, prepared

from curation.picture import decoding
from curation.picture.colours import contrast_ratio
from curation.signals.detail import detail
from curation.signals.grid import grid
from curation.signals.signal import Signal, ready
from curation.signals.texture import texture
from synthesis import jobs, png
from synthesis.edits import clean, restoration, tasks
from synthesis.edits.edit import Edit
from synthesis.sample import TextBox

MAKES: dict[str, Make] = {
    "restoration.deblur": restoration.deblur,
    "restoration.denoise": restoration.denoise,
    "restoration.decompress": restoration.decompress,
    "restoration.uncrop": restoration.uncrop,
    "restoration.rotate": restoration.rotate,
    "task.boxes": tasks.boxes,
    "task.mask": tasks.mask,
    "task.edges": tasks.edges,
    "task.super_resolution": tasks.super_resolution,
}
COUNT, TRIES = 4, 60


@cache
def edits(operation: str, language: str = "en", count: int = COUNT) -> list[Edit]:
    return made(MAKES[operation], operation, language, count, TRIES)


def measured(pixels: np.ndarray, signal: Signal, column: str) -> float:
    picture = decoding.decode(png.encode(pixels), short_side=None)
    return float(ready(signal)(picture)[column])


@pytest.mark.parametrize("operation", MAKES)
def test_the_same_random_numbers_give_the_same_pair(operation: str) -> None:
    (first, *_), (again, *_) = edits(operation, "zh"), edits.__wrapped__(operation, "zh", 1)
    assert first.change == again.change
    assert (first.source == again.source).all() and (first.target == again.target).all()
    assert first.before == again.before


@pytest.mark.parametrize(
    ("operation", "signal", "column", "worse"),
    [
        ("restoration.deblur", detail, "curvature", -1),
        ("restoration.denoise", texture, "mean_noise", 1),
        ("restoration.decompress", grid, "grid", 1),
    ],
)
def test_the_signals_of_curation_see_what_the_source_suffers_from(
    operation: str, signal: Signal, column: str, worse: int
) -> None:
    for edit in edits(operation):
        source, target = (measured(image, signal, column) for image in (edit.source, edit.target))
        assert (source - target) * worse > 0
        assert edit.mask is None and edit.before == edit.after


def test_what_is_cut_off_holds_no_text() -> None:
    for edit in edits("restoration.uncrop", count=8):
        assert [box.text for box in edit.before] == [box.text for box in edit.after]
        part = corners_of(edit)
        unlike = cv2.matchTemplate(edit.target, part, cv2.TM_SQDIFF)
        x, y = cv2.minMaxLoc(unlike)[2]
        assert (edit.target[y : y + part.shape[0], x : x + part.shape[1]] == part).all()
        assert edit.source.shape != edit.target.shape or (edit.source != edit.target).any()


def corners_of(edit: Edit) -> np.ndarray:
    """What the source shows where its texts are."""
    quads = np.array([box.quad for box in edit.before]).reshape(-1, 2)
    left, top = np.maximum(np.floor(quads.min(axis=0)), 0).astype(int)
    right, bottom = np.ceil(quads.max(axis=0)).astype(int)
    return edit.source[top:bottom, left:right]


def test_a_turned_source_is_turned_back_by_what_is_said_and_its_boxes_with_it() -> None:
    quarters = {"90 degrees clockwise": 3, "180 degrees": 2, "90 degrees counterclockwise": 1}
    seen: set[str] = set()
    for edit in edits("restoration.rotate", count=12):
        amount = edit.change.amount.english if edit.change.amount else ""
        seen.add(amount)
        if amount in quarters:
            assert (np.rot90(edit.source, quarters[amount]) == edit.target).all()
        for box, after in zip(edit.before, edit.after, strict=True):
            if box.level == "line":
                alike = cv2.absdiff(flattened(edit.source, box), flattened(edit.target, after))
                assert alike.mean() < 12
    assert seen & {*quarters} and seen - {*quarters}


@pytest.mark.parametrize("operation", ["restoration.rotate", "restoration.uncrop"])
def test_what_is_around_an_image_is_told_from_it(operation: str) -> None:
    for ground in ((252, 252, 252), (8, 8, 8), (128, 128, 128)):
        of = plain(ground)
        for number in range(20):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(restoration, "clean", lambda *_, of=of, **__: of)
                edit = MAKES[operation](Random(number), prepared("en"))
            around = (edit.source[..., :3] != ground).all(axis=2)
            apart = np.abs(edit.source[around][:, :3].astype(int) - ground[0])
            assert not around.any() or np.median(apart) >= 60


def test_what_is_compressed_keeps_its_colours() -> None:
    of = plain((250, 244, 224), (242, 230, 208))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restoration, "clean", lambda *_, **__: of)
        patch.setattr(restoration, "check_seen", lambda *_: None)
        for number in range(12):
            edit = restoration.decompress(Random(number), prepared("en"))
            means = [
                cv2.resize(side, (24, 24), interpolation=cv2.INTER_AREA)
                for side in (edit.source, edit.target)
            ]
            assert np.quantile(cv2.absdiff(*means).max(axis=2), 0.75) <= 8


def plain(top: tuple[int, ...], bottom: tuple[int, ...] | None = None) -> clean.Clean:
    """An image without text, from one colour to another."""
    share = np.linspace(0, 1, 384)[:, None, None]
    rgb = np.array(top) * (1 - share) + np.array(bottom or top) * share
    pixels = np.full((384, 384, 4), 255, np.uint8)
    pixels[..., :3] = np.broadcast_to(rgb, (384, 384, 3)).round()
    return clean.Clean(pixels, (), "none")


def test_every_frame_is_seen_and_beside_its_text() -> None:
    of = plain((255, 255, 255))
    of.pixels[:100, :, :3] = (16, 104, 76)
    quads = [(40.0, y, 300.0, y, 300.0, y + 20, 40.0, y + 20) for y in (30.0, 150.0, 200.0, 250.0)]
    lines = tuple(TextBox(f"line {number}", quad, "line") for number, quad in enumerate(quads))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "clean", lambda *_, **__: clean.Clean(of.pixels, lines, "none"))
        for number in range(20):
            edit = tasks.boxes(Random(number), prepared("en"))
            assert edit.change.colour and edit.change.colour.english not in ("green", "dark green")
            for x0, y0, _, _, x1, y1, _, _ in quads:
                inside = np.s_[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
                assert (edit.source[inside] == edit.target[inside]).all()


def flattened(image: np.ndarray, box: TextBox) -> np.ndarray:
    """What a box holds, as 64 x 16 pixels."""
    quad = np.array(box.quad, np.float32).reshape(4, 2) - 0.5
    there = np.array([(0, 0), (64, 0), (64, 16), (0, 16)], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(quad, there)
    return np.asarray(cv2.warpPerspective(image, matrix, (64, 16), flags=cv2.INTER_AREA))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_frames_of_the_named_colour_are_around_texts_and_nothing_else_differs(
    language: str,
) -> None:
    for edit in edits("task.boxes", language, 6):
        assert edit.mask is not None and edit.change.colour
        differs = (edit.source != edit.target).any(axis=2)
        assert not (differs & (edit.mask == 0)).any()
        drawn = (edit.target[..., :3] == edit.change.colour.rgb).all(axis=2) & differs
        assert drawn.any()
        level = "line" if edit.change.old is None and edit.change.thing is None else "block"
        framed = [box for box in edit.after if box.level == level]
        if level == "block":
            assert contrast_ratio(edit.change.colour.rgb, (0, 0, 0)) > 1
            continue
        _, labels = cv2.connectedComponents(drawn.astype(np.uint8))
        assert labels.max() >= 1
        for box in framed:  # a frame crosses the line from the middle of a box to far above it
            x, y = np.array(box.quad).reshape(4, 2).mean(axis=0)
            beside = drawn[:, max(0, int(x) - 3) : int(x) + 4]
            assert beside[: int(y)].any() or beside[int(y) :].any()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_masks_are_white_on_glyphs_and_black_elsewhere(language: str) -> None:
    for edit in edits("task.mask", language, 6):
        assert set(np.unique(edit.target[..., :3])) <= {0, 255}
        white = edit.target[..., 0] == 255
        for box in edit.after:
            if box.level == "word":
                x0, y0 = np.array(box.quad).reshape(4, 2).min(axis=0).astype(int)
                x1, y1 = np.ceil(np.array(box.quad).reshape(4, 2).max(axis=0)).astype(int)
                assert white[max(0, y0) : y1, max(0, x0) : x1].any()
        outside = np.ones(white.shape, bool)
        for box in edit.after:
            if box.level == "block":
                corners = np.round(np.array(box.quad)).reshape(4, 2).astype(np.int32)
                hole = np.zeros(white.shape, np.uint8)
                cv2.fillConvexPoly(hole, corners, (1,))
                outside &= cv2.dilate(hole, np.ones((41, 41), np.uint8)) == 0
        assert not edit.after or not (white & outside).any()


def test_edges_are_where_the_image_changes() -> None:
    for edit in edits("task.edges"):
        assert set(np.unique(edit.target[..., :3])) == {0, 255}
        grey = cv2.cvtColor(edit.source, cv2.COLOR_RGBA2GRAY)
        steep = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        white = edit.target[..., 0] == 255
        assert steep[white].mean() > steep[~white].mean()


def test_a_small_source_is_smaller_by_what_is_said() -> None:
    times = {name.english: factor for factor, name in tasks._AMOUNTS.items()}
    for edit in edits("task.super_resolution", count=8):
        factor = times[edit.change.amount.english] if edit.change.amount else 1
        height, width = edit.source.shape[:2]
        assert (height * factor, width * factor) == edit.target.shape[:2]
        if factor == 1:
            sharp = [measured(image, detail, "curvature") for image in (edit.source, edit.target)]
            assert sharp[0] < sharp[1]
        first, after = edit.before[0].quad, edit.after[0].quad
        assert np.allclose(np.array(first) * factor, after, atol=0.01)


def test_the_users_own_images_are_restored_too(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    image = cv2.resize(chance.integers(0, 256, (40, 60, 3), np.uint8), (600, 400))
    cv2.imwrite(str(tmp_path / "own.png"), image)
    own = jobs.prepare("en", "edit", size="384x384", backgrounds=str(tmp_path))
    images = [clean._own(Random(number), own) for number in range(2)]
    assert all(image.size == (384, 384) and not image.boxes for image in images)
    for number in range(20):
        edit = restoration.rotate(Random(number), own)
        if not edit.after:
            return
    raise AssertionError("none of 20 is the user's")
