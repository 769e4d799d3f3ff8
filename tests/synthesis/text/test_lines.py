"""Lines of the shipped corpora: no forbidden beginning or end, no word parted."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from making.made_fonts import all_characters, make

from synthesis import corpus
from synthesis.fonts import files as font_files
from synthesis.fonts.face import Font
from synthesis.fonts.files import FontFile
from synthesis.text import filling, lines
from synthesis.text.lines import Line

MEASURES = (5.5, 8.0, 11.3, 16.0, 23.7)  # ems
NEVER_FIRST = frozenset("。，、；：！？）」』》〉】〕”’…—·～％℃.,;:!?)]}")
NEVER_LAST = frozenset("（「『《〈【〔“‘([{")
PARTED_WORD = re.compile(r"[^\W\d_][’']?[^\W\d_]|\d[\d.,]*\d", re.UNICODE)
PARTED_WEEKDAY = re.compile("周[一二三四五六日末]$|(星期|礼拜)[一二三四五六日天]$")


@pytest.fixture(scope="module", params=["en", "zh"])
def broken(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[list[Line]]]:
    """The language, and the lines of every hard line of its corpus in every measure."""
    path = tmp_path_factory.mktemp("fonts") / "test.ttf"
    language = request.param
    loaded = Font(font_files.find(language, make(path, all_characters(language)))[0])
    found = []
    for paragraph in corpus.load(language).paragraphs:
        for hard_line in paragraph.text.split("\n"):
            units = lines.measured(lines.units(loaded, hard_line, language, 0.0))
            for measure in MEASURES:
                for filled in (lines.fill(units, measure), _balanced(units, measure)):
                    if filled is not None:
                        found.append(filled)
    return language, found


def _balanced(units: list[lines.Measured], measure: float) -> list[Line] | None:
    try:
        return filling.balance(units, measure)
    except ValueError:
        return None


def test_no_forbidden_beginning_or_end(broken: tuple[str, list[list[Line]]]) -> None:
    language, texts = broken
    count = 0
    for filled in texts:
        count += len(filled)
        for one, following in pairwise(filled):
            assert one.text[-1:] not in NEVER_LAST
            if language == "zh":
                assert following.text[:1] not in NEVER_FIRST, (one.text, following.text)
    assert count > 3000


def test_no_word_is_parted(broken: tuple[str, list[list[Line]]]) -> None:
    for filled in broken[1]:
        for one, following in pairwise(filled):
            ends_blank = one.clusters[-1].ink is None
            around = one.text[-1:] + following.text[:1]
            if not ends_blank and around.isascii():
                assert not PARTED_WORD.fullmatch(around), (one.text, following.text)
            joint = one.text[-2:] + following.text[:1]
            assert not PARTED_WEEKDAY.search(joint), (one.text, following.text)


def test_lines_hold_the_whole_text(broken: tuple[str, list[list[Line]]]) -> None:
    for filled in broken[1]:
        assert all(line.text for line in filled) or len(filled) == 1


def test_a_mark_at_a_line_end_gives_its_blank_half_back(tmp_path: Path) -> None:
    loaded = Font(font_files.find("zh", make(tmp_path / "t.ttf", all_characters("zh")))[0])
    units = lines.measured(lines.units(loaded, "好天气，我们走。", "zh", 0.0))
    (line, *_) = lines.fill(units, 3.5) or []
    assert line.text == "好天气，"
    assert line.width == pytest.approx(3.5)
    (line,) = lines.fill(lines.measured(lines.units(loaded, "（好）", "zh", 0.0)), 9) or []
    assert line.width == pytest.approx(2.0)


def test_a_heading_is_broken_between_words(tmp_path: Path) -> None:
    text = "智能手机新品发布会"
    path = make(tmp_path / "t.ttf", text)
    loaded = Font(FontFile(path, 0, "Test", "Regular", "Test", 400))
    units = lines.measured(lines.units(loaded, text, "zh", 0.0))
    assert [line.text for line in filling.balance(units, 5.5)] == ["智能手机", "新品发布会"]
    assert [line.text for line in lines.fill(units, 5.5) or []] == ["智能手机新", "品发布会"]
