"""Boxes are true: the bounds of a glyph's ink, measured by drawing it alone and enlarged."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from making.installed_fonts import path_of

from synthesis import raster
from synthesis.fonts.files import FontFile
from synthesis.text import block, paths, placing
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Frame, Setting
from synthesis.text.placing import Placed

LEAST_IOU = 0.95
LEAST_SHARE = 0.999
SIZES = (10, 13, 17, 24, 60)
_FINEST = 120  # pixels: what the thinner side of the ink is enlarged to, at least


@dataclass(frozen=True)
class Case:
    """A face by its file's name, and a text of its language."""

    file: str
    language: str
    text: str
    index: int = 0


CASES = (
    Case("DejaVuSans.ttf", "en", "Quick, (jumpy) fox: 35%! Ünï çõ|l_~'\"-."),
    Case("DejaVuSerif-Bold.ttf", "en", "Affine flow; Žluťoučký kůň."),
    Case("wqy-microhei.ttc", "zh", "山高，（在）这里：好！一二三“永”……·"),
    Case("NotoSansCJK-Regular.ttc", "zh", "天地玄黄，宇宙洪荒。《书》丶、", 2),
    Case("NotoSerifCJK-Bold.ttc", "ja", "ちょっと、ニャー「名前」は？"),
    Case("NotoSerifCJK-Regular.ttc", "zh", "春眠不觉晓，处处闻啼鸟。", 2),
    Case("NotoNaskhArabic-Regular.ttf", "ar", "وُهبوا عقلاً وضميرًا، الإخاء"),
    Case("NotoSansHebrew-Regular.ttf", "he", "כָּל בְּנֵי הָאָדָם"),
    Case("NotoSansDevanagari-Regular.ttf", "hi", "स्वतन्त्रता और बुद्धि प्राप्त है।"),
    Case("NotoSansThai-Regular.ttf", "th", "น้ำผึ้ง ผู้ใหญ่ ปั๊ม มนุษย์"),
    Case("NotoSerif-Italic.ttf", "ru", "Все люди, ёж и йод; fly."),
)


def face(case: Case) -> FontFile:
    return FontFile(str(path_of(case.file)), case.index, case.file, "", case.file, 400)


def set_at(case: Case, size: int, *, vertical: bool = False) -> Block:
    typography = Typography(case.language, (face(case),), Setting("left", 1.6), vertical=vertical)
    return block.at(case.text, typography, Frame(5.3, 7.7, 700, 700), size)


def iou_with_ink(one: Placed, size: float) -> float:
    """IoU of a cluster's box, in the frame of its own angle, with its ink drawn alone."""
    left, top, right, bottom = one.box
    scale = max(16.0, math.ceil(_FINEST / min(right - left, bottom - top)))
    width, height = (math.ceil(side * scale) + 40 for side in (right - left, bottom - top))
    origins = [((x - left) * scale + 20, (y - top) * scale + 20) for x, y in one.origins]
    canvas = raster.solid(width, height, (255, 255, 255))
    angles = [one.angle] * len(origins) if one.angle else ()
    run = raster.Run(one.font, size * scale, one.glyphs, origins, angles)
    raster.render(canvas, [run], (0, 0, 0))
    rows, columns = np.nonzero(canvas[..., :3].min(axis=2) < 128)
    ink = (columns.min() - 20, rows.min() - 20, columns.max() - 19, rows.max() - 19)
    box = (0, 0, (right - left) * scale, (bottom - top) * scale)
    return intersection_over_union(box, ink)


def intersection_over_union(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    def area(box: tuple[float, ...]) -> float:
        return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)

    both = (*map(max, one[:2], other[:2]), *map(min, one[2:], other[2:]))
    return area(both) / (area(one) + area(other) - area(both))


def straightened(one: Placed) -> Placed:
    """The cluster with its box in the frame of its own angle."""
    if not one.angle:
        return one
    turned = placing.turn(one, -one.angle, one.origins[0])
    return turned._replace(angle=0.0, corners=None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_glyph_boxes_are_their_ink(case: Case) -> None:
    found = []
    for size in SIZES:
        for line in set_at(case, size).lines:
            found += [iou_with_ink(one, size) for one in line.clusters]
    assert np.mean(np.array(found) >= LEAST_IOU) >= LEAST_SHARE, sorted(found)[:5]


@pytest.mark.parametrize("case", CASES[3:6], ids=lambda case: case.file)
def test_boxes_in_columns_are_their_ink(case: Case) -> None:
    case = replace(case, text=case.text + "共12本iPhone")
    lines = set_at(case, 19, vertical=True).lines
    found = [iou_with_ink(one, 19) for line in lines for one in line.clusters]
    assert min(found) >= LEAST_IOU


def test_quads_on_an_arc_are_their_ink() -> None:
    typography = Typography("en", (face(CASES[0]),), Setting("left", 1.4))
    drawn = paths.on_arc("The old lighthouse.", typography, 23, (200, 200), 140, 25)
    (line,) = drawn.lines
    for one in line.clusters:
        level = straightened(one)
        assert level.quad[1] == pytest.approx(level.quad[3], abs=1e-6)
        assert iou_with_ink(level, 23) >= LEAST_IOU
    assert [box.level for box in drawn.boxes()[:3]] == ["block", "line", "word"]


def test_what_is_drawn_turned_is_inside_its_quads() -> None:
    typography = Typography("en", (face(CASES[0]),), Setting("left", 1.4))
    level = block.at("Turned by far, 25 degrees.", typography, Frame(60, 60, 180, 180), 26)
    drawn = paths.turned(level, 25, (150, 150))
    canvas = raster.solid(300, 300, (255, 255, 255))
    raster.render(canvas, drawn.runs, (0, 0, 0))
    ink = canvas[..., 0] < 128
    covered = np.zeros_like(ink)
    for line in drawn.lines:
        for one in line.clusters:
            covered |= _inside(np.array(one.quad).reshape(4, 2), ink.shape)
    assert ink.sum() > 500
    assert not (ink & ~covered).any()


def _inside(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.ones(shape, bool)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        edge = end - start
        distance = edge[0] * (rows - start[1]) - edge[1] * (columns - start[0])
        inside &= distance >= -0.75 * np.hypot(*edge)
    return inside
