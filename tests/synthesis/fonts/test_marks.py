"""Combining marks are looked at before a face is used: those that cannot be read it has not."""

from pathlib import Path

import pytest
from making.installed_fonts import path_of
from making.made_fonts import all_characters, make

from curation.failures.errors import UsageError
from synthesis.fonts import files, index
from synthesis.fonts.face import Font
from synthesis.fonts.font_file import Entry
from synthesis.fonts.languages import LANGUAGES
from synthesis.text.shaping import shape

TONES = "\u0e48\u0e49\u0e4a\u0e4b"
VOWELS_ABOVE = "\u0e31\u0e34\u0e35\u0e36\u0e37"
SHADDA, FATHA, ACUTE, DAGESH = "\u0651", "\u064e", "\u0301", "\u05bc"


def refused(entry: Entry) -> set[str]:
    return {chr(code) for code in entry.mapped_characters - entry.characters}


def entry_of(file: str, number: int = 0) -> Entry:
    return next(one for one in index.entries(str(path_of(file))) if one.file.index == number)


def test_a_face_whose_marks_run_into_each_other_does_not_write_the_language(tmp_path: Path) -> None:
    ill_set = VOWELS_ABOVE + TONES[:3]
    make(tmp_path / "bad.ttf", all_characters("th"), ill_set=ill_set, family="Bad")
    make(tmp_path / "good.ttf", all_characters("th"), family="Good")
    assert [face.family for face in files.find("th", str(tmp_path))] == ["Good"]
    (bad,) = index.entries(str(tmp_path / "bad.ttf"))
    assert refused(bad) == {*ill_set}
    with pytest.raises(UsageError, match=r"\(Bad: marks run into each other\); install one"):
        files.find("th", str(tmp_path / "bad.ttf"))


def test_what_a_face_sets_badly_is_found_again_in_the_cache(tmp_path: Path) -> None:
    path = make(tmp_path / "bad.ttf", all_characters("th"), ill_set=TONES + VOWELS_ABOVE)
    first = index.entries(path)
    index.entries.cache_clear()
    assert index.entries(path) == first and refused(first[0])


def test_other_texts_are_not_the_worse_for_it(tmp_path: Path) -> None:
    both = "".join(sorted({*all_characters("th"), *all_characters("en")}))
    make(tmp_path / "bad.ttf", both, ill_set=VOWELS_ABOVE + TONES, family="Bad")
    assert [face.family for face in files.find("en", str(tmp_path))] == ["Bad"]


@pytest.mark.parametrize(
    ("file", "number", "expected"),
    [
        ("NotoLoopedThai-Regular.ttf", 0, {*TONES, *VOWELS_ABOVE}),
        ("NotoSansThai-Regular.ttf", 0, set()),
        ("NotoSerifThai-Bold.ttf", 0, set()),
        ("NotoSansDevanagari-Regular.ttf", 0, set()),
        ("NotoSerifDevanagari-Bold.ttf", 0, set()),
        ("NotoSansArabic-Regular.ttf", 0, set()),
        ("NotoNaskhArabic-Bold.ttf", 0, set()),
        ("NotoKufiArabic-Regular.ttf", 0, set()),
        ("NotoSansHebrew-Regular.ttf", 0, set()),
        ("NotoSerif-Italic.ttf", 0, set()),
        ("DejaVuSansMono.ttf", 0, {SHADDA, FATHA}),
        ("DejaVuSans-Bold.ttf", 0, {DAGESH}),
        ("wqy-microhei.ttc", 1, {ACUTE}),
        ("NotoSansCJK-Regular.ttc", 2, {ACUTE}),
    ],
)
def test_what_of_the_installed_faces_is_refused(file: str, number: int, expected: set[str]) -> None:
    found = refused(entry_of(file, number))
    assert expected <= found
    assert bool(found) == bool(expected)


@pytest.mark.parametrize("style", ["Sans", "Serif"])
def test_a_place_that_a_ligature_leaves_empty_is_no_missing_ink(style: str) -> None:
    (face,) = files.listed(str(path_of(f"Noto{style}Devanagari-Regular.ttf")))
    (first, second) = shape(Font(face), "हिंदी", "hi")
    assert (first.text, second.text) == ("हिं", "दी")


@pytest.mark.parametrize("language", LANGUAGES)
def test_stacks_are_of_characters_with_marks_or_of_joined_consonants(language: str) -> None:
    from synthesis.fonts.marks import _bare

    for stack in LANGUAGES[language].stacks.split():
        assert _bare(stack) != stack
