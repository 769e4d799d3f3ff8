"""Boxes of mode scene against each glyph drawn alone, enlarged, through the same surface."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
import pytest

from curation.failures.errors import UsageError
from synthesis import jobs, raster
from synthesis.sample import TextBox
from synthesis.scene import inscribed, media
from synthesis.scene.bends import Bend, Points
from synthesis.scene.geometry import Region, Surface, scaled
from synthesis.scene.inscribed import Inscribed
from synthesis.text import words
from synthesis.text.placing import Placed
from synthesis.unrenderable import UnrenderableError

LARGE = 150  # pixels: the shorter sides of boxes are enlarged to at least that
DECENT = 6.0  # pixels: the shorter side of a glyph's box, below which a pixel is a sixth of it
PER_MEDIUM = 3
GLYPHS = 14  # of each text, spread over it
CANVAS = (640, 640)
CURVED = ("arched sign", "T-shirt", "jar with a label")


@dataclass(frozen=True)
class Window:
    """A bend as seen from an enlarged window of the sheet that begins at ``origin``."""

    bend: Bend
    origin: tuple[int, int]
    enlarged: int

    def forward(self, points: Points) -> Points:
        return self.bend.forward((points + self.origin) / self.enlarged)

    def inverse(self, points: Points) -> Points:
        return self.bend.inverse(points) * self.enlarged - self.origin


def glyphs(text: Inscribed) -> Iterator[tuple[Placed, TextBox, TextBox]]:
    """Clusters with their boxes on the sheet and in the picture."""
    clusters = [one for line in text.block.lines for _, some in words.of(line) for one in some]
    pairs = [
        (flat, box) for flat, box in zip(text.flat, text.boxes, strict=True) if box.level == "glyph"
    ]
    for cluster, (flat, box) in zip(clusters, pairs, strict=True):
        assert cluster.text == flat.text == box.text
        yield cluster, flat, box


def of_several(text: Inscribed) -> Iterator[tuple[list[Placed], TextBox, TextBox]]:
    """The clusters of each word and line, with their boxes on the sheet and in the picture."""
    pairs = iter(zip(text.flat, text.boxes, strict=True))
    for line in text.block.lines:
        wanted = [("line", list(line.clusters))]
        wanted += [("word", list(some)) for word, some in words.of(line) if word]
        for level, clusters in wanted:
            flat, box = next(pair for pair in pairs if pair[0].level == level)
            yield clusters, flat, box


def side_lengths(corners: Points) -> Points:
    return np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)


def overlap(text: Inscribed, clusters: list[Placed], flat: TextBox, box: TextBox) -> float:
    """Intersection over union of the box and the ink, both rectified by the box."""
    corners = np.array(flat.quad).reshape(4, 2)
    times = max(2, round(LARGE / side_lengths(corners).min()))
    corners *= times
    low = np.floor(corners.min(axis=0)).astype(int) - 6 * times
    high = np.ceil(corners.max(axis=0)).astype(int) + 6 * times
    layer = np.zeros((*(high - low)[::-1], 4), np.uint8)
    for cluster in clusters:
        origins = [(x * times - low[0], y * times - low[1]) for x, y in cluster.origins]
        angles = [cluster.angle] * len(origins) if cluster.angle else ()
        run = raster.Run(cluster.font, text.block.size * times, cluster.glyphs, origins, angles)
        raster.render(layer, [run], (255, 255, 255))
    enlarged = scaled(times, times) @ text.surface.matrix
    surface = Surface(enlarged, Window(text.surface.bend, (int(low[0]), int(low[1])), times))
    quad = np.array(box.quad).reshape(4, 2) * times
    left, top = np.floor(quad.min(axis=0)).astype(int) - 3 * times
    right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 3 * times
    region = Region(int(left), int(top), int(right - left), int(bottom - top))
    seen = surface.warp(np.ascontiguousarray(layer[..., 3]), region)
    rows, columns = np.nonzero(seen > 96)
    if not len(rows):
        return 0.0
    ink = np.stack([columns + left, rows + top], axis=1)
    edges = np.concatenate([ink + step for step in ((0, 0), (1, 0), (0, 1), (1, 1))])
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    upright = cv2.getPerspectiveTransform(quad.astype(np.float32), unit)
    flattened = cv2.perspectiveTransform(edges[None].astype(np.float64), upright)[0]
    first, last = flattened.min(axis=0), flattened.max(axis=0)
    common = np.prod(np.clip(np.minimum(last, 1) - np.maximum(first, 0), 0, None))
    return float(common / (1 + np.prod(last - first) - common))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_boxes_are_true_after_every_warp(language: str) -> None:
    try:
        job = jobs.prepare(language, "scene", seed=3, size="640x640")
    except UsageError as problem:
        pytest.skip(str(problem))
    found: list[float] = []
    for medium in media.all_media():
        texts = 0
        for number in range(20):
            try:
                random = Random(f"boxes/{medium.name.english}/{number}")
                text = inscribed.inscribe(random, job, CANVAS, [medium])
            except UnrenderableError:
                continue
            every = list(glyphs(text))
            for cluster, flat, box in every[:: max(1, len(every) // GLYPHS)]:
                if side_lengths(np.array(box.quad).reshape(4, 2)).min() >= DECENT:
                    found.append(overlap(text, [cluster], flat, box))
            texts += 1
            if texts == PER_MEDIUM:
                break
        assert texts, medium.name.english
    overlaps = np.array(found)
    assert len(overlaps) > 400
    assert (overlaps >= 0.95).mean() >= 0.999, np.sort(overlaps)[:10]
    assert np.median(overlaps) > 0.97


@pytest.mark.parametrize("language", ["en", "zh"])
def test_boxes_of_curved_texts_are_true_at_every_level(language: str) -> None:
    try:
        job = jobs.prepare(language, "scene", seed=3, size="640x640")
    except UsageError as problem:
        pytest.skip(str(problem))
    found: dict[str, list[float]] = {"line": [], "word": [], "glyph": []}
    texts = 0
    for medium in [one for one in media.all_media() if one.name.english in CURVED]:
        for number in range(8):
            try:
                random = Random(f"curved/{medium.name.english}/{number}")
                text = inscribed.inscribe(random, job, CANVAS, [medium])
            except UnrenderableError:
                continue
            if text.lines == "arc":
                texts += 1
                for clusters, flat, box in of_several(text):
                    found[box.level].append(overlap(text, clusters, flat, box))
                for cluster, flat, box in list(glyphs(text))[::2]:
                    found["glyph"].append(overlap(text, [cluster], flat, box))
    assert texts >= 5
    for level, overlaps in found.items():
        good = [one >= 0.95 for one in overlaps]
        assert sum(good) >= 0.99 * len(good), (level, sorted(overlaps)[:10])
