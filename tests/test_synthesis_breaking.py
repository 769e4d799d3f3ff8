"""Line breaks: UAX 14 as ``uniseg`` has it, stricter where our rules say so."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uniseg.linebreak import line_break_boundaries

from synthesis.breaking import halves, opportunities, phrases

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
    assert phrases("Keep left", "en") == [9]
    assert halves("小心地滑", "zh") == [2, 4]
