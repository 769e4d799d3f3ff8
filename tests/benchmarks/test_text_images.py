"""The benchmark of text images: what it calls a fault is one, and it draws only what is asked."""

import numpy as np
import pytest

from benchmarks.peers import breaks, faults
from benchmarks.peers.materials import Materials
from synthesis import png, raster
from synthesis.sample import Sample, TextBox, upright_quad


@pytest.mark.parametrize(
    ("language", "before", "after", "wrong"),
    [
        ("zh", "天气", "，很好", True),
        ("zh", "他说：“", "好", True),
        ("zh", "天气", "很好", False),
        ("zh", "今天。", "“好”", False),
        ("zh", "阿尔伯特", "·爱因斯坦", True),
        ("es", "2,50 € ", "· Té", False),
        ("en", "a box (", "of tea)", True),
        ("de", "„Regen“ ", "heißt", False),
        ("de", "„Regen", "“ heißt", True),
    ],
)
def test_kinsoku_is_told_by_the_characters_at_the_break(
    language: str, before: str, after: str, wrong: bool
) -> None:
    assert breaks.breaks_kinsoku(before, after, language) is wrong


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        ("remark", "able", True),
        ("page 1", "2", True),
        ("well-", "known", False),
        ("one ", "two", False),
        ("汉", "字", False),
        ("用", "Python", False),
    ],
)
def test_a_word_on_two_lines_is_split(before: str, after: str, wrong: bool) -> None:
    assert breaks.splits_word(before, after) is wrong


def _box(text: str, level: str) -> TextBox:
    return TextBox(text, upright_quad(2, 2, 12, 12), level)


def test_lines_are_paired_with_the_blanks_between_them() -> None:
    boxes = [_box("one two\nthree", "block")]
    boxes += [_box(text, "line") for text in ("one", "two", "three")]
    found = list(faults._line_pairs(boxes))
    assert found == [("", "one", True), ("one ", "two", False), ("two\n", "three", True)]


def test_a_glyph_without_ink_is_found() -> None:
    canvas = raster.solid(32, 16, (250, 250, 250))
    canvas[4:10, 4:10] = (20, 20, 20, 255)
    empty = TextBox("。", upright_quad(20, 2, 30, 12), "glyph")
    made = Sample(png.encode(canvas), 32, 16, "", "", "zh", (), "")
    assert list(faults._empty(made, [_box("字", "glyph"), empty])) == [empty]


def test_pictures_to_look_at_are_shared_out_whole() -> None:
    tasks = faults.tasks(100_000)
    assert sum(count for *_, count in tasks) == pytest.approx(100_000, abs=100)
    starts = [(language, mode, size, first) for language, mode, size, first, _ in tasks]
    assert len(set(starts)) == len(starts)
    assert np.min([count for *_, count in tasks]) > 0


def test_json_lines_lie_beside_the_plain_ones(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert Materials.json_lines(tmp_path / "lines.txt") == tmp_path / "lines.jsonl"
