"""Layouts fill the long canvases they are offered for, and legends stand at their charts."""

from pathlib import Path

import numpy as np
import pytest
from making.layouts import LANGUAGES, job, path_of, placed, size_of

from synthesis.job import Job
from synthesis.template import loading
from synthesis.template.laying import Placed
from synthesis.template.models import RATIOS

SEEDS = (1, 2)
LEAST_EXTENT, MOST_GAP = 0.35, 0.5  # of the long side: what content spans, what it leaves empty
LEAST_COVER = 0.05  # of the canvas
MOST_APART = 0.15  # of the long side: a chart and its legend, a label and its value
NO_CONTENT = {None, "fill", "rule", "dots", "wave", "dashes", "tail"}
SQUARE = {"pie", "donut", "gauge", "avatar", "icon"}
CELL = 4  # pixels
Box = tuple[float, float, float, float]  # left, top, right, bottom


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    folder = tmp_path_factory.mktemp("fonts")
    return {language: job(folder, language) for language in LANGUAGES}


def contents(one: Placed) -> list[Box]:
    """Where the ink of texts is, and what is drawn beside them."""
    boxes: list[Box] = [text.box for _, text in one.texts]
    for part, box, _ in one.parts[1:]:
        if part.node.shape in NO_CONTENT and part.share is None:
            continue
        side = min(box.width, box.height) if part.node.shape in SQUARE else None
        across, down = ((box.width - side) / 2, (box.height - side) / 2) if side else (0.0, 0.0)
        left, top = box.left + across, box.top + down
        boxes.append((left, top, left + (side or box.width), top + (side or box.height)))
    return boxes


def long_templates() -> list[tuple[str, str]]:
    paths = loading.shipped_paths()
    told = {path: loading.template(path, "en").template.ratios for path in paths}
    return [(path, ratio) for path in paths for ratio in ("1:3", "3:1") if ratio in told[path]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("path", "ratio"), long_templates(), ids=lambda one: Path(one).stem)
def test_long_canvases_are_filled(
    made: dict[str, Job], path: str, ratio: str, language: str
) -> None:
    width, height = size_of(ratio)
    for seed in SEEDS:
        covered = np.zeros((height // CELL + 1, width // CELL + 1), bool)
        for box in contents(placed(made[language], path, (width, height), seed)):
            left, top, right, bottom = (int(value) // CELL for value in box)
            covered[top : bottom + 1, left : right + 1] = True
        along = covered.any(0 if width > height else 1)
        there = np.flatnonzero(along)
        edges = np.concatenate([[-1], there, [len(along)]])
        assert (there[-1] - there[0]) / len(along) >= LEAST_EXTENT
        assert np.diff(edges).max() / len(along) <= MOST_GAP
        assert covered.mean() >= LEAST_COVER


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["chart-pie", "infographic-donut"])
def test_legends_stand_at_their_charts(made: dict[str, Job], name: str, language: str) -> None:
    path = path_of(name)
    for ratio in loading.template(path, language).template.ratios:
        size = size_of(ratio)
        one = placed(made[language], path, size, seed=1)
        chart = next(box for part, box, _ in one.parts if part.node.shape in {"pie", "donut"})
        side, middle = min(chart.width, chart.height), chart.left + chart.width / 2
        radius, level = side / 2, chart.top + chart.height / 2
        labels, values = (
            [text.box for part, text in one.texts if part.node.role == role]
            for role in ("label", "value")
        )
        most = MOST_APART * max(size)
        for label, value in zip(labels, values, strict=True):
            assert value[0] - label[2] <= most
        left, top, *_ = labels[0]
        assert max(left - middle - radius, top - level - radius) <= most


def test_no_ratio_is_poor_in_layouts() -> None:
    told = [loading.template(path, "en").template.ratios for path in loading.shipped_paths()]
    assert min(sum(ratio in one for one in told) for ratio in RATIOS) >= 16
