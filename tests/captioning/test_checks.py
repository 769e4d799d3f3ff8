"""Captions held against what was read and seen in their images."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning import checks
from captioning.checks import Seen
from captioning.quotes import agreement, plain, quotes
from curation.shard.annotation import KEYS, Annotation
from curation.shard.quotations import prose


def said(caption: str, watermarks: list[str] | None = None, abnormal: str = "no") -> Annotation:
    values = caption, "photograph", "realistic", watermarks or [], abnormal
    return Annotation.model_validate(dict(zip(KEYS, values, strict=True)))


@pytest.mark.parametrize(
    ("caption", "spans"),
    [
        ('A sign reads "OPEN" and “关门”.', ["OPEN", "关门"]),
        ("「出口」と『入口』", ["出口", "入口"]),
        ("I'm sorry, but I can't", []),
        ("It says 'no entry' here, doesn't it", ["no entry"]),
        ('an empty "" one', []),
        ("Tom's and Ann's dogs", []),
        ('A 24" x 36" poster says "EXIT 5"', ["EXIT 5"]),
    ],
)
def test_what_is_quoted(caption: str, spans: list[str]) -> None:
    assert quotes(caption) == spans
    assert not any(span in prose(caption) for span in spans)


@pytest.mark.parametrize(
    ("caption", "lines", "recall", "precision", "invented"),
    [
        ('Signs: "OPEN", "Coffee Shop"', ["Open", "COFFEE SHOP"], 1.0, 1.0, ()),
        ('A sign "OPEN"', ["OPEN", "CLOSED"], 0.4, 1.0, ()),
        ('A sign "OPEN SUNDAYS"', ["OPEN"], 1.0, 0.0, ("OPEN SUNDAYS",)),
        ("A plain wall", [], None, None, ()),
        ("A plain wall", ["EXIT"], 0.0, None, ()),
        ('It says "quick brown fox jumps"', ["quick brown f0x jumps"], 1.0, 1.0, ()),
        ('It says "fix"', ["fox"], 0.0, 0.0, ("fix",)),  # three letters are equal or not
        ("写着“欢迎光临”", ["欢迎光临！"], 1.0, 1.0, ()),
        ('Two lines as "HELLO WORLD"', ["HELLO", "WORLD"], 1.0, 1.0, ()),
    ],
)
def test_quotes_and_what_was_read(
    caption: str,
    lines: list[str],
    recall: float | None,
    precision: float | None,
    invented: tuple[str, ...],
) -> None:
    of = agreement(caption, lines)
    assert of.recall == pytest.approx(recall) and of.precision == pytest.approx(precision)
    assert of.invented == invented


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=4))
def test_shares_are_shares(caption: str, lines: list[str]) -> None:
    values = checks.values(said(caption or "x"), "en", Seen(lines, lines[:1], bool(lines)))
    assert values.keys() == checks.COLUMNS.keys()
    assert all(0 <= value <= 1 for value in values.values())


@given(st.lists(st.text("abcdefghij", min_size=1, max_size=9), min_size=1, max_size=4))
def test_what_quotes_all_that_was_read_agrees_in_full(lines: list[str]) -> None:
    caption = "A page with " + ", ".join(f'"{line}"' for line in lines)
    of = agreement(caption, lines)
    assert of.recall == 1 and of.precision == 1


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("A dog sits on the grass beside a red ball and looks at the camera.", False),
        ("the dog and the cat and the bird and the fish in the pond by the house", False),
        ("a red car, a red car, a red car, a red car, a red car", True),
        ("very very very very very large", True),
        ("一只猫坐在沙发上，旁边有一盏灯和一张桌子，窗外是花园。", False),
        ("一只猫一只猫一只猫一只猫一只猫", True),
        ("The image shows a table. " * 12, True),
        ("", False),
    ],
)
def test_loops_are_told_from_prose(text: str, loops: bool) -> None:
    assert (checks.loop(text) > 0.3) is loops


def test_quoted_text_says_nothing_of_the_language_or_of_loops() -> None:
    caption = said('一块牌子上写着"OPEN OPEN OPEN OPEN OPEN EVERY DAY"。')
    values = checks.values(caption, "zh", Seen(["OPEN OPEN OPEN OPEN OPEN EVERY DAY"]))
    assert values["in_language"] == 1 and values["loop"] == 0
    assert checks.in_language("Une table", "zh") == 0
    assert checks.in_language("一张 table", "zh") == pytest.approx(2 / 7)


@pytest.mark.parametrize(
    ("watermarks", "seen", "agree"),
    [
        ([], [], 1.0),
        (["Getty Images"], ["gettyimages"], 1.0),
        (["Getty Images"], [], 0.0),
        ([], ["shutterstock"], 0.0),
        (["a", "b"], ["a"], 2 / 3),
    ],
)
def test_watermarks_that_are_said_and_seen(
    watermarks: list[str], seen: list[str], agree: float
) -> None:
    values = checks.values(said("x", watermarks), "en", Seen(watermarks=seen))
    assert values["watermarks_agree"] == pytest.approx(agree)


def test_abnormal_elements_are_believed_where_they_were_seen() -> None:
    assert checks.values(said("x", abnormal="yes"), "en", Seen(abnormal=True))["abnormal_agrees"]
    assert not checks.values(said("x", abnormal="yes"), "en", Seen())["abnormal_agrees"]


def test_letters_are_compared_without_width_case_and_marks() -> None:
    assert plain("Ｃａｆé — 12 %") == plain("cafÉ12")
