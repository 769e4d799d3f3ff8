"""Bidirectional text: Unicode's own cases, every one."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthesis.text import bidi
from synthesis.text.bidi_explicit import REMOVED

CASES = Path("/usr/share/unicode/BidiCharacterTest.txt")


def test_unicodes_own_cases() -> None:
    if not CASES.is_file():
        pytest.skip(f"{CASES} is not here: Debian package unicode-data")
    count = 0
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        codes, direction, base, levels, order = line.split(";")
        text = "".join(chr(int(code, 16)) for code in codes.split())
        told = ("ltr", "rtl", "auto")[int(direction)]
        assert bidi.base_level(text, told) == int(base), line  # type: ignore[arg-type]
        found = bidi.levels(text, int(base))
        shown = [
            place for place, one in enumerate(text) if unicodedata.bidirectional(one) not in REMOVED
        ]
        expected = [int(one) for one in levels.split() if one != "x"]
        assert [found[place] for place in shown] == expected, line
        visual = [shown[place] for place in bidi.visual_order(expected)]
        assert visual == [int(one) for one in order.split()], line
        count += 1
    assert count > 90_000


@pytest.mark.parametrize(
    ("text", "base", "seen"),
    [
        ("car (גבא) 35%", 0, "car (אבג) 35%"),
        ("אבג 123 abc", 1, "abc 123 גבא"),
        ("plain text 中文", 0, "plain text 中文"),
        ("", 1, ""),
    ],
)
def test_order_on_the_page(text: str, base: int, seen: str) -> None:
    order = bidi.visual_order(bidi.levels(text, base))
    assert "".join(text[place] for place in order) == seen


# a letter of each kind, digits, blanks, brackets, and what opens or closes a part of the text
LETTERS = "aא\u0627\u06601 -+,.:()[]\u0301"
OPENING = "\u2066\u2067\u2068"  # isolates: to the right, to the left, as their first letter
EMBEDDING = "\u202a\u202b\u202d\u202e"
POP_ISOLATE, POP = "\u2069", "\u202c"
ANY = st.text(st.sampled_from(LETTERS + OPENING + EMBEDDING + POP_ISOLATE + POP), max_size=24)
PLAIN = st.text(st.sampled_from(LETTERS), max_size=8)


@given(ANY, st.integers(0, 1))
def test_every_character_has_a_level_and_one_place(text: str, base: int) -> None:
    levels = bidi.levels(text, base)
    assert len(levels) == len(text)
    assert all(base <= level <= 126 for level in levels)
    assert sorted(bidi.visual_order(levels)) == list(range(len(text)))


@given(st.lists(st.integers(0, 6), max_size=12))
def test_order_is_that_of_the_rule_as_it_is_written(levels: list[int]) -> None:
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):  # L2, to the lowest odd level
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = max(end, start + 1)
    assert bidi.visual_order(levels) == order


@given(PLAIN, PLAIN, PLAIN, st.sampled_from(OPENING), st.integers(0, 1))
def test_what_is_isolated_changes_nothing_around_it(
    before: str, inside: str, after: str, opening: str, base: int
) -> None:
    after += "x"  # blanks that end a line are outside of everything
    full = bidi.levels(before + opening + inside + POP_ISOLATE + after, base)
    empty = bidi.levels(before + opening + POP_ISOLATE + after, base)
    first, last = len(before) + 1, len(before) + 1 + len(inside)
    assert (*full[:first], *full[last:]) == empty
    assert all(level > base for level in full[first:last])


@given(PLAIN, st.sampled_from(EMBEDDING[2:]))
def test_an_override_forces_all_that_is_within(inside: str, opening: str) -> None:
    levels = bidi.levels(opening + inside + POP + "x", 0)[1:-2]
    assert set(levels) <= {1 if opening == EMBEDDING[3] else 2}


@given(st.integers(100, 300), st.sampled_from(OPENING + EMBEDDING), PLAIN)
def test_depth_has_an_end_and_closing_finds_its_way_back(
    depth: int, opening: str, after: str
) -> None:
    closing = POP_ISOLATE if opening in OPENING else POP
    levels = bidi.levels(opening * depth + "a" + closing * depth + "\u2029" + after, 0)
    assert max(levels) <= 126
    alone = bidi.levels(after, 0)
    assert levels[len(levels) - len(after) :] == alone or opening not in OPENING


@given(PLAIN)
def test_closing_what_is_not_open_does_nothing(text: str) -> None:
    assert bidi.levels(POP + text, 0)[1:] == bidi.levels(text, 0)
