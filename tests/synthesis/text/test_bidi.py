"""Bidirectional text: Unicode's own cases, every one."""

import unicodedata
from pathlib import Path

import pytest

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
