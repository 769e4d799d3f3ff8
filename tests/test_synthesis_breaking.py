"""Line breaks: UAX 14 as ``uniseg`` has it, stricter where our rules say so."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthesis_fonts import all_characters, make
from uniseg.linebreak import line_break_boundaries

from synthesis.fonts import files as font_files
from synthesis.fonts.face import Font
from synthesis.text import lines
from synthesis.text.breaking import halves, opportunities, phrases

CLOSING = "，。、；：？！）」』》】”’…"
OPENING = "（「『《【“‘"


def parts(text: str, language: str) -> list[str]:
    return [text[a:b] for a, b in pairwise([0, *opportunities(text, language)])]


@given(st.text("ab Zé中文。，（）\"'.%¥$/!?：、 \u00a0\u3000", max_size=30))
def test_english_breaks_are_those_of_uniseg(text: str) -> None:
    assert opportunities(text, "en") == [end for end in line_break_boundaries(text) if end]


@given(st.text("ab Z中文。，（）\"'-—–…019.%:", max_size=30), st.sampled_from(["en", "zh"]))
def test_our_own_rules_only_take_breaks_away(text: str, language: str) -> None:
    assert set(opportunities(text, language)) <= {*line_break_boundaries(text)}


@given(st.text(f"中文字a1 {CLOSING}{OPENING}", max_size=40))
def test_no_chinese_line_begins_closing_or_ends_opening(text: str) -> None:
    for end in opportunities(text, "zh")[:-1]:
        after_blanks = text[:end].endswith((" ", "\u3000"))
        assert text[end] not in CLOSING or after_blanks
        assert text[end - 1] not in OPENING


def test_chinese_quotes_may_be_parted_from_hanzi_outside_them() -> None:
    assert parts("书名“你好”很有名", "zh") == ["书", "名", "“你", "好”", "很", "有", "名"]
    assert parts("It’s ‘对’的", "zh") == ["It’s ", "‘对’", "的"]


@given(st.lists(st.from_regex(r"[A-Za-z]{1,9}(-[a-z]{1,9})?", fullmatch=True), min_size=1))
def test_english_words_stay_whole(words: list[str]) -> None:
    assert parts(" ".join(words), "en") == [f"{word} " for word in words[:-1]] + [words[-1]]


@pytest.mark.parametrize(
    ("text", "language", "kept"),
    [
        ("open at 8 a.m. today", "en", "8 a.m."),
        ("see Room 204 now", "en", "Room 204"),
        ("a well-known door", "en", "well-known"),
        ("pages 31–46 only", "en", "31–46 "),
        ("for the pie — 18.90", "en", "pie — 18.90"),
        ("价格18元整", "zh", "18元"),
        ("从9:00—21:30开", "zh", "9:00—21:30"),
        ("回答第2题", "zh", "第2题"),
        ("托尔斯泰·列夫", "zh", "泰·"),
    ],
)
def test_kept_together(text: str, language: str, kept: str) -> None:
    assert any(kept.strip() in part for part in parts(text, language))
    assert len(parts(text, language)) > 1


def test_phrases_and_halves() -> None:
    assert phrases("汤在锅里，记得关火。", "zh") == [5, 10]
    assert phrases("再按“开始”键。", "zh") == [8]
    assert phrases("“好！”他说，走。", "zh") == [4, 7, 9]
    assert phrases("Keep left", "en") == [9]
    assert halves("小心地滑", "zh") == [2, 4]


def test_balanced_lines_are_even_and_as_many_as_full_ones(tmp_path: Path) -> None:
    loaded = Font(font_files.find("en", make(tmp_path / "t.ttf", all_characters("en")))[0])
    text = "It was the sudden lack of wind that woke her at noon on it"
    units = lines.units(loaded, text, "en", 0.0)
    for measure in (6.0, 8.0, 11.0, 20.0, 60.0):
        full, even = lines.fill(units, measure), lines.balance(units, measure)
        assert full is not None
        assert len(even) == len(full)
        assert " ".join(line.text for line in even) == text
        assert max(line.width for line in even) <= measure
        spread = [max(x) - min(x) for x in ([one.width for one in set_] for set_ in (even, full))]
        assert spread[0] <= spread[1]
    assert min(line.width for line in lines.balance(units, 8.0)) > 4
