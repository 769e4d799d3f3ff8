"""What is read against what was to be read."""

import random

import pytest

from curation.networks.edit_distance import edits


@pytest.mark.parametrize(
    ("wanted", "read", "distance"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("abc", "", 3),
        ("", "abc", 3),
        ("kitten", "sitting", 3),
        ("天地玄黄", "天玄黄", 1),
        ("ab", "ba", 2),
        ("a" * 300, "a" * 299 + "b", 1),
    ],
)
def test_errors_are_the_edit_distance(wanted: str, read: str, distance: int) -> None:
    assert edits(wanted, read) == distance


def test_what_is_not_asked_may_be_read_as_anything_or_nothing() -> None:
    unasked = frozenset("x")
    for read in ("axb", "aqb", "ab"):
        assert edits("axb", read, unasked) == 0
    assert edits("axb", "aqqb", unasked) == 1
    assert edits("axb", "xb", unasked) == 1


def test_the_distance_is_levenshtein_s() -> None:
    distance = pytest.importorskip("rapidfuzz.distance").Levenshtein.distance
    chance = random.Random(0)
    for _ in range(200):
        words = ["".join(chance.choices("abc", k=chance.randrange(8))) for _ in range(2)]
        assert edits(*words) == distance(*words)
