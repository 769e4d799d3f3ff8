"""Captions: every text is quoted to the letter and in its order, in well-formed sentences."""

import re
from itertools import product
from random import Random
from string import Formatter

import pytest
from pydantic import ValidationError

from curation.picture.colours import COLOURS
from synthesis import captions
from synthesis.captions import grammar, places, plain, roles, sentences
from synthesis.captions.annotation import Annotation
from synthesis.captions.patterns import PATTERNS
from synthesis.description import Description, Group, Name, Words
from synthesis.unrenderable import UnrenderableError

LANGUAGES = ("en", "zh", "zh-Hant", "ja", "ar")
HOSTILE = (
    'He said "no"',
    "他说：“好”。",
    "{ink} {0} {{}} %s",
    "two\nlines\n\nand a gap",
    '«a» “b” "c" 「d」 『e』',
    "ends with a stop.",
    "它完了。",
    "' ` ‘ ’",
    "\\n \\",
)


def words(text: str, role: str = "text", ink: str = "black", **place: float) -> Words:
    return Words(text, role, COLOURS[ink], **place)


def page(text: str, **changes: object) -> Description:
    settings = {"kind": Name("page", "页面"), "background": COLOURS["cream"], **changes}
    return Description(words=(words(text, ink="navy blue"),), **settings)  # type: ignore[arg-type]


def described(kind: Name, *groups: Group, **changes: object) -> Description:
    """A design of groups of texts."""
    texts = tuple(one for group in groups for row in group.rows for one in row)
    settings = {"background": COLOURS["white"], "image_type": "design", **changes}
    return Description(kind, texts, groups=groups, **settings)  # type: ignore[arg-type]


def alone(text: str, role: str, ink: str = "black", **place: float) -> Group:
    return Group(((words(text, role, ink, **place),),))


SLIDE = described(
    Name("slide", "幻灯片"),
    alone("Annual report", "title", "navy blue", across=0.5, down=0.1),
    alone("The year in figures", "subtitle", "blue", across=0.5, down=0.2),
    Group(
        tuple(
            (words(f"Point {number}", "bullet", across=0.2, down=0.4 + number / 20),)
            for number in range(3)
        )
    ),
    alone("Costs", "heading", "red", across=0.8, down=0.4),
    alone('Energy "crisis"', "bullet", across=0.8, down=0.5),
    Group(tuple((words(f"{n} %", "value", across=0.2 + n / 5, down=0.8),) for n in range(4))),
    alone("page 3", "page number", "dark grey", across=0.95, down=0.95),
    layout=Name("two columns", "分两栏"),
)
BOARD = Description(
    kind=Name("old blackboard", "旧黑板"),
    words=(
        words("今天放假", "title", "white", down=0.2),
        words("明天上课", "text", "white", down=0.7),
    ),
    background=COLOURS["black"],
    writing="handwritten",
    surroundings=Name("classroom with wooden desks", "有木课桌的教室"),
    image_type="photo",
    details=(Name("chalk dust", "粉笔灰"), Name("soft shadows", "柔和的阴影")),
)


def unquoted(caption: str, description: Description) -> str:
    for one in description.words:
        caption = caption.replace(one.text, "#", 1)
    return caption


def quotation(caption: str, text: str) -> bool:
    """Whether the text stands in quotation marks that are not in it."""
    found = caption.find(text)
    around = caption[found - 1] + caption[found + len(text)]
    return around in {"".join(pair) for pair in grammar._QUOTES["en"]} and not set(around) & {*text}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_patterns_are_many_and_well_formed(language: str) -> None:
    patterns = PATTERNS[language]
    assert len({*patterns}) == len(patterns) >= 30
    known = {"quoted", "ink", "ground", "a_ground", "written", "writing", "text"}
    known |= {grammar.capitalised(name) for name in known}
    for pattern in patterns:
        slots = [name for _, name, _, _ in Formatter().parse(pattern) if name]
        assert {*slots} <= known, pattern
        assert slots.count("quoted") == 1
        told = " ".join(slots).lower()
        assert "ink" in told and "ground" in told and "writ" in told, pattern
        assert pattern[-1] in ".。"
        assert pattern[0] == "{" or not pattern[0].islower()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_pattern_quotes_every_text_exactly(language: str) -> None:
    for pattern, text in product(PATTERNS[language], HOSTILE):
        for description in (page(text), page(text, gradient=True, writing="handwritten")):
            caption = plain.fill(pattern, language, description)
            assert caption.count(text) == 1 and quotation(caption, text), caption
            rest = unquoted(caption, description)
            assert not re.search(r"[{}]|  |\ba [aeiou]|\ban [^aeiou]", rest), rest
            assert COLOURS["navy blue"].name(language) in rest.replace("Navy", "navy")
            assert COLOURS["cream"].name(language) in rest.replace("Cream", "cream")
            assert ("gradient" in rest or "渐变" in rest) == description.gradient
            by_hand = "handwrit" in rest.lower() or "手写" in rest
            assert by_hand == (description.writing == "handwritten")


def test_a_text_that_ends_a_sentence_has_no_second_stop() -> None:
    told = [plain.fill(one, "en", page("It is done.")) for one in PATTERNS["en"]]
    assert not any('".' in one for one in told)
    assert plain.fill("{Ground}: {quoted}.", "en", page("Done")).endswith('"Done".')


@pytest.mark.parametrize(
    ("language", "text", "quoted"),
    [
        ("en", "Open", '"Open"'),
        ("en", 'Say "hi"', '“Say "hi"”'),
        ("zh", "营业中", "“营业中”"),
        ("zh", "他说：“好”", "「他说：“好”」"),
    ],
)
def test_quotation_marks_do_not_collide(language: str, text: str, quoted: str) -> None:
    assert grammar.quoted(language, text) == quoted


def test_a_text_with_every_quotation_mark_is_refused() -> None:
    everything = "".join("".join(pair) for pair in grammar._QUOTES["en"])
    with pytest.raises(UnrenderableError, match="unquotable"):
        captions.caption(Random(0), "en", page(everything))


def test_texts_of_one_caption_are_quoted_alike_where_they_can_be() -> None:
    caption = captions.caption(Random(0), "en", SLIDE)
    assert caption.count("“") == len(SLIDE.words)


@pytest.mark.parametrize("description", [SLIDE, BOARD], ids=["slide", "board"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_composed_captions_tell_everything_in_reading_order(
    language: str, description: Description
) -> None:
    told_in = captions.caption_language(language)
    seen = set()
    for seed in range(60):
        caption = captions.caption(Random(seed), language, description)
        seen.add(caption)
        position = 0
        for one in description.words:
            found = caption.find(one.text, position)
            assert found >= position and quotation(caption[found - 1 :], one.text)
            position = found + len(one.text)
            assert one.ink.name(told_in) in caption.lower()
        rest = unquoted(caption, description)
        lower = rest.lower()
        assert description.kind.name(told_in) in lower
        assert description.background.name(told_in) in lower
        assert not re.search(r"[{}]|  | \.|\ba [aeiou]|\ban [^aeiou]|\bNone\b", rest), rest
        if description.surroundings:
            assert description.surroundings.name(told_in) in lower
        if description.layout:
            assert description.layout.name(told_in) in rest
        assert all(one.name(told_in) in rest for one in description.details)
        assert all(sentence[0].isupper() for sentence in rest.split(". ") if told_in == "en")
    assert len(seen) > 40


def test_chinese_pictures_are_told_in_chinese_and_all_others_in_english() -> None:
    for language in LANGUAGES:
        caption = unquoted(captions.caption(Random(1), language, BOARD), BOARD)
        assert bool(re.search("[一-鿿]", caption)) == language.startswith("zh")
    assert "Korean text" in plain.fill("{A_ground}: {text} {quoted}.", "en", page("문"), "ko")


def row(down: float, *cells: tuple[str, str, str]) -> tuple[Words, ...]:
    return tuple(
        words(text, role, ink, across=0.3 + number / 4, down=down)
        for number, (text, role, ink) in enumerate(cells)
    )


def told(language: str, *groups: Group, kind: Name | None = None) -> set[str]:
    whole = described(kind or Name("board", "牌"), alone("Top", "title", "red", down=0.1), *groups)
    return {captions.caption(Random(seed), language, whole) for seed in range(30)}


def test_texts_that_belong_together_are_told_in_rows_of_what_they_are() -> None:
    rows = Group(
        tuple(
            row(0.2 + k / 5, (f"{k}:00", "time", "brown"), (f"Town {k}", "place", "black"))
            for k in range(3)
        ),
        "departure",
    )
    english = told("en", rows, kind=Name("board with rows", "班次表"))
    quoted = 'three departures, each with a brown time and a black place: "0:00", "Town 0"; "1:00",'
    assert all(quoted in one for one in english)
    assert all("with rows, which has a white" in one for one in english)
    chinese = told("zh", rows, kind=Name("board with rows", "班次表"))
    assert all("三个班次，各有棕色的时间和黑色的地点：“0:00”、“Town 0”；" in one for one in chinese)
    assert all("一张班次表" in one for one in chinese)


def test_a_table_is_told_row_by_row_and_not_by_the_number_of_its_texts() -> None:
    numbers = iter(range(1, 16))
    weeks = [3, 7, 5]
    month = Group(
        tuple(
            row(0.4 + k / 9, *((f"{next(numbers)}", "day", "black") for _ in range(days)))
            for k, days in enumerate(weeks)
        ),
        "week",
    )
    first = '"1", "2", "3"; "4", "5", "6", "7", "8", "9", "10"; "11", "12", "13", "14", "15".'
    assert all("hree weeks of black day numbers" in one for one in told("en", month))
    assert all(one.endswith(first) for one in told("en", month))
    assert all("三周黑色的日期" in one for one in told("zh", month))


def test_rows_that_differ_are_told_without_saying_what_their_texts_are() -> None:
    rows = (
        row(0.3, ("a", "name", "black"), ("b", "price", "black")),
        row(0.5, ("c", "name", "black")),
    )
    assert all(' two dishes: "a", "b"; "c".' in one for one in told("en", Group(rows, "dish")))


def test_inks_that_differ_from_row_to_row_are_left_out() -> None:
    rows = tuple(
        row(0.3 + k / 5, (f"{k}", "number", ink), (f"x{k}", "label", "black"))
        for k, ink in enumerate(["blue", "red"])
    )
    assert all("each with a number and a black label" in one for one in told("en", Group(rows)))
    assert all("two rows, each" in one for one in told("en", Group(rows)))


def test_what_is_below_several_texts_is_below_them() -> None:
    both = Group((row(0.5, ("a", "button", "blue")), row(0.55, ("b", "button", "blue"))))
    after = alone("c", "link", across=0.3, down=0.6)
    assert all("elow them" in one and "elow it" not in one for one in told("en", both, after))
    above = alone("d", "link", across=0.3, down=0.4)
    assert not any("elow" in one or "eside" in one for one in told("en", both, above))


@pytest.mark.parametrize(
    ("across", "down", "english", "chinese"),
    [
        (0.1, 0.1, "at the top left", "左上角"),
        (0.5, 0.5, "in the centre", "中央"),
        (0.9, 0.5, "on the right", "右侧"),
        (0.5, 0.9, "at the bottom", "下方"),
    ],
)
def test_places_are_those_of_a_grid(across: float, down: float, english: str, chinese: str) -> None:
    here = words("x", across=across, down=down)
    assert places.place("en", [here]) == english
    assert places.place("zh", [here]) == chinese


def test_several_texts_have_the_place_they_share() -> None:
    row = [words("x", across=across, down=0.1) for across in (0.1, 0.5, 0.9)]
    column = [words("x", across=0.9, down=down) for down in (0.1, 0.5, 0.9)]
    assert places.place("en", row) == "across the top"
    assert places.place("zh", column) == "右半边"
    assert places.place("en", [*row, *column]) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("poster", "a poster"),
        ("open book", "an open book"),
        ("university wall", "a university wall"),
        ("hourglass", "an hourglass"),
        ("city lights", "city lights"),
        ("sheet of lined paper", "a sheet of lined paper"),
        ("stack of boxes", "a stack of boxes"),
        ("crumpled paper", "crumpled paper"),
        ("the sea", "the sea"),
        ("bus", "a bus"),
        ("pair of glasses", "a pair of glasses"),
    ],
)
def test_articles(name: str, expected: str) -> None:
    assert grammar.with_article(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("幻灯片", "一张幻灯片"),
        ("旧黑板", "一块旧黑板"),
        ("打开的书", "一本打开的书"),
        ("砖墙", "一面砖墙"),
        ("白色T恤", "一件白色T恤"),
        ("一张纸", "一张纸"),
        ("东西", "一个东西"),
    ],
)
def test_measure_words(name: str, expected: str) -> None:
    assert grammar.with_measure_word(name) == expected


def test_roles_have_plurals_and_unknown_ones_are_told_as_they_are() -> None:
    assert roles.role_name("en", "price", 2) == "prices"
    assert roles.role_name("en", "dish", 2) == "dishes"
    assert roles.role_name("en", "menu", 2) == "menu entries"
    assert roles.role_name("en", "body", 2) == "pieces of body text"
    assert roles.role_name("en", "flight_number") == "flight number"
    assert roles.role_name("zh", "flight_number") == "文字"
    assert roles.entry_name("en", "forecast", 2) == "days of the forecast"
    assert roles.entry_name("en", None, 3) == "rows"
    assert roles.entry_name("zh", "dish", 3) == "道菜品"
    for role, (english, chinese) in (*roles.ROLES.items(), *roles.ENTRIES.items()):
        assert english and re.search("[一-鿿]", chinese), role


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentences_are_well_formed(language: str) -> None:
    told = sentences.SENTENCES[language]
    several = (*told.single, *told.several, *told.rows, *told.tables)
    for pattern in (pattern for patterns in several for pattern in patterns):
        assert pattern.count("{quoted}") == 1 and pattern[-1] not in ".。"
        assert "{role}" in pattern
    with_place = (*told.single[1], *told.several[1], *told.rows[1], *told.tables[1], *told.mixed[1])
    assert all("{where}" in one.lower() for one in with_place)
    wholes = (*told.settings, *told.layouts, *told.one_ink, *told.many_inks, *told.details)
    openings = tuple(one for patterns in told.openings.values() for one in patterns)
    assert all(one[-1] in ".。" for one in (*wholes, *openings))


def test_the_annotation_has_the_keys_of_the_schema() -> None:
    annotation = captions.annotation(SLIDE, "A slide.")
    keys = ["Caption", "Image Type", "Image Style", "Watermark List", "Abnormal Element"]
    assert list(annotation) == keys
    assert annotation["Caption"] == "A slide."
    assert annotation["Watermark List"] == [] and annotation["Abnormal Element"] == "no"
    assert annotation["Image Type"] == "graphic design"
    assert captions.annotation(BOARD, "x")["Image Type"] == "photograph"


def test_watermarks_and_what_hinders_viewing_are_annotated() -> None:
    mark = words("Example", "watermark", down=0.9)
    described = Description(Name("page", "页面"), (mark,), COLOURS["white"])
    annotation = captions.annotation(described, "x")
    assert annotation["Watermark List"] == ["Example"]
    assert annotation["Abnormal Element"] == "yes"
    assert captions.annotation(page("x", abnormal=True), "x")["Abnormal Element"] == "yes"


@pytest.mark.parametrize(
    "change",
    [{"Caption": ""}, {"Abnormal Element": "maybe"}, {"Watermark List": "x"}, {"Mood": "calm"}],
)
def test_a_wrong_annotation_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Annotation.model_validate(captions.annotation(SLIDE, "A slide.") | change)
