"""The back end without a model: what it says of made images, and that it says no more."""

import json
import re
from collections.abc import Mapping
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.places import ROOT
from numpy.typing import NDArray

from captioning import prompting
from captioning.backends.backend import Backend, Question
from captioning.backends.offline import Offline, annotation, facts
from captioning.composing.subject import above, class_names, kinds, subject
from captioning.parsing import parse
from captioning.quotes import quotes
from curation.networks import class_posterior
from curation.shard.annotation import json_schema
from curation.shard.quotations import prose
from curation.signals import captions
from curation.strict_yaml.importing import defined

NUMBERS = {of.noun.english: number for number, of in enumerate(class_names())}
SIZE = {"height": 300, "width": 400}


def line(text: str, y: float, score: float = 0.998, x: float = 100) -> dict[str, Any]:
    """A line of text 20 pixels high."""
    quad = [x, y, x + 100, y, x + 100, y + 20, x, y + 20]
    return {"kind": "latin", "text": text, "score": score, "quad": quad}


def noise(colour: tuple[int, int, int] = (60, 140, 60)) -> NDArray[np.uint8]:
    """What has the grain and the shades of a photograph, (300, 400, 3)."""
    random = np.random.default_rng(0)
    shade = np.linspace(0.4, 1.4, 400)[None, :, None]
    pixels = np.array(colour) * shade + random.normal(0, 12, (300, 400, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def drawing() -> NDArray[np.uint8]:
    """Flat figures on white, (300, 400, 3)."""
    rgb = np.full((300, 400, 3), 255, np.uint8)
    rgb[80:220, 100:200], rgb[80:220, 200:300] = (200, 30, 30), (20, 60, 200)
    return rgb


def asked(
    columns: Mapping[str, Any],
    rgb: NDArray[np.uint8] | None = None,
    of: str = "a",
    language: Any = "en",
) -> Question:
    turn = prompting.turn(prompting.prompt("annotate", language))
    return Question(of, [noise() if rgb is None else rgb], turn, language, columns)


def said(columns: Mapping[str, Any], rgb: Any = None, language: str = "en") -> list[str]:
    """The captions of the same under 24 ids: every length and wording."""
    return [annotation(asked(columns, rgb, str(n), language)).caption for n in range(24)]


def test_names_are_those_of_the_classifier() -> None:
    numbers = tuple(of.wordnet for of in class_names())
    assert numbers == class_posterior.wordnet()


def test_every_class_has_a_phrase_in_both_languages_and_a_known_kind() -> None:
    for of in class_names():
        assert re.fullmatch(r"[A-Za-z][A-Za-zé' -]+", of.noun.english), of
        assert re.fullmatch(r"一[一-鿿㐀-䶿T]{2,}", of.noun.chinese), of
        assert of.kind in kinds()
    lines = (ROOT / "captioning/data/class_names.tsv").read_text("utf-8").splitlines()
    assert len(lines) == len(set(lines)) == 1001
    english = {of.noun.english: of.noun.chinese for of in class_names()}
    assert all(english[of.noun.english] == of.noun.chinese for of in class_names())
    for name in english:
        article = name.split()[0]
        if article in ("a", "an"):
            next_word = name.split()[1]
            vowel = next_word[0] in "aeiouAEIO" and not next_word.startswith(
                ("Euro", "uni", "one-")
            )
            vowel |= next_word == "hourglass"
            assert (article == "an") == vowel, name


def test_kinds_lead_upwards_to_an_end() -> None:
    for name in kinds():
        assert len([*above(name)]) < 6


def test_a_sure_class_is_named_and_several_of_a_name_count_together() -> None:
    husky = [n for n, of in enumerate(class_names()) if of.noun.english == "a husky"]
    assert len(husky) == 2
    assert subject(husky, [0.5, 0.45]) == class_names()[husky[0]].noun
    assert subject([NUMBERS["a violin"]], [0.9]) == class_names()[NUMBERS["a violin"]].noun


def test_where_no_class_is_sure_its_kind_is_named_and_else_nothing() -> None:
    dogs = [NUMBERS["a Beagle"], NUMBERS["a Basset Hound"]]
    noun = subject(dogs, [0.5, 0.4])
    assert noun is not None and noun.english == "a dog" and noun.chinese_bare == "狗"
    mixed = subject([NUMBERS["a Beagle"], NUMBERS["a tiger"]], [0.5, 0.45])
    assert mixed is not None and mixed.english == "a mammal"
    assert subject([NUMBERS["a Beagle"], NUMBERS["a violin"]], [0.5, 0.45]) is None
    assert subject([], []) is None and subject([-3, 1000], [0.9, 0.9]) is None


def test_what_stands_for_the_look_of_a_page_is_never_named() -> None:
    assert subject([NUMBERS["a web page"]], [1.0]) is None


def test_a_subject_is_said_in_each_wording_with_its_article_or_measure_word() -> None:
    columns = {"classes": [NUMBERS["an ostrich"]], "class_scores": [0.99]}
    for caption in said(columns):
        assert re.search(r"\b[Aa]n ostrich\b", caption) and "photo" in caption, caption
    for caption in said(columns, language="zh"):
        assert "鸵鸟" in caption and "照片" in caption
        assert "一只" not in caption  # nobody has counted them


def test_text_is_quoted_exactly_in_reading_order_with_its_place() -> None:
    columns = {
        "text_regions": [
            line("Second line", 60),
            line("First Line!", 30),
            line("right", 31, x=250),
        ],
        **SIZE,
    }
    quoting = [caption for caption in said(columns, drawing()) if quotes(caption)]
    assert quoting
    for caption in quoting:
        assert quotes(caption) == ["First Line!", "right", "Second line"]
        assert "at the top" in caption or "At the top" in caption
    zh = [caption for caption in said(columns, drawing(), "zh") if quotes(caption)]
    assert zh and all("上方" in of and "“First Line!”" in of for of in zh)


@pytest.mark.parametrize(
    ("text", "score"),
    [("unsure line", 0.9), ("ab", 0.999), ('say "so"', 0.999), ("a□b□c", 0.999), ("JULY16", 0.999),
     ("69.62g each", 0.999), ("OutputParser", 0.999),
     ("。Ends first", 0.999), ("the best Al of all", 0.999),
     ("no\u200bthing", 0.999), ("Привет мир", 0.999), ("bad \ud800 one", 0.999)],
)  # fmt: skip
def test_what_is_not_sure_to_stand_there_so_is_not_quoted(text: str, score: float) -> None:
    columns = {"text_regions": [line(text, 140, score)], **SIZE}
    assert not any(quotes(caption) for caption in said(columns, drawing()))


def test_a_line_that_an_edge_cuts_is_not_quoted_and_without_a_size_no_place_is_said() -> None:
    assert not any(map(quotes, said({"text_regions": [line("Some text", 140, x=0)], **SIZE})))
    captions = said({"text_regions": [line("Some text", 20)]}, drawing())
    assert any(map(quotes, captions)) and not any(" top" in of for of in captions)


def test_a_line_too_low_to_be_read_is_not_quoted() -> None:
    columns = {"text_regions": [line("Some text", 140)], "height": 3000, "width": 4000}
    assert not any(map(quotes, said(columns, drawing())))


def test_only_some_of_many_lines_are_quoted_and_that_is_said() -> None:
    lines = [
        line(f"Number of {letter * 3}", 20 * place + 10) for place, letter in enumerate("abcdefg")
    ]
    for caption in said({"text_regions": lines, **SIZE}, drawing()):
        assert len(quotes(caption)) in (0, 4)
        assert not quotes(caption) or "include" in caption


def test_a_text_in_an_unknown_language_is_not_quoted() -> None:
    columns = {"text_regions": [line("Cộng hòa xã hội chủ nghĩa Việt Nam", 140)], **SIZE}
    assert not any(quotes(caption) for caption in said(columns, drawing()))


def test_watermarks_are_listed_once_and_not_quoted_as_text() -> None:
    marks = [line("shutterstock", 140), line("shutterstoc", 60)]
    over = [{**of, "kind": "provider", "score": 1.0} for of in marks]
    answer = annotation(asked({"text_regions": marks, "watermark_regions": over, **SIZE}))
    assert answer.watermark_list == ["shutterstock"] and answer.abnormal_element == "yes"
    assert not quotes(answer.caption)
    unsure = [{**line("Summer 12", 280), "kind": "corner", "score": 0.55}]
    assert not annotation(asked({"watermark_regions": unsure, "text_regions": []})).watermark_list


def test_codes_and_mosaics_are_abnormal_and_codes_are_said() -> None:
    region = {"kind": "QR Code", "text": "x", "score": 1.0, "quad": [0.0] * 8}
    columns = {"codes": 1, "codes_regions": [region]}
    assert any("with a QR code" in of for of in said(columns, drawing()))
    assert any("一个二维码" in of for of in said(columns, drawing(), "zh"))
    assert any("with QR codes" in of for of in said({"codes": 2, "codes_regions": [region] * 2}))
    assert any("machine-readable code" in of for of in said({"codes": 1}))
    unread = [region, {**region, "score": 0.5}]
    assert any("with a QR code" in of for of in said({"codes": 2, "codes_regions": unread}))
    assert annotation(asked(columns)).abnormal_element == "yes"
    assert annotation(asked({"mosaic": 0.1})).abnormal_element == "yes"
    assert annotation(asked({"mosaic": 0.0, "codes": 0})).abnormal_element == "no"


def test_media_are_told_by_their_pixels_and_doubts_are_images() -> None:
    assert annotation(asked({})).image_type == "photograph"
    assert annotation(asked({}, language="zh")).image_type == "照片"
    assert annotation(asked({}, drawing())).image_type == "graphic"
    blurred = np.asarray(cv2.GaussianBlur(noise(), (0, 0), 15), np.uint8)
    assert annotation(asked({}, blurred)).image_type == "image"
    static = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    assert annotation(asked({}, static)).image_type == "image"
    poster = {"text_regions": [line("BIG SALE", 140)], **SIZE}
    assert annotation(asked(poster)).image_type == "image"


def test_a_cut_out_photograph_is_no_graphic() -> None:
    rgb = np.full((300, 400, 3), 255, np.uint8)
    rgb[120:180, 150:250] = noise()[120:180, 150:250] // 6 * 2 + 90
    rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1.2), np.uint8)
    assert annotation(asked({}, rgb)).image_type == "image"


@pytest.mark.parametrize(
    ("colour", "english", "chinese"),
    [
        ((30, 150, 50), "green", "绿色"),
        ((200, 30, 30), "red", "红色"),
        ((12, 12, 14), "black", "黑色"),
    ],
)
def test_colours_that_have_most_of_the_image(
    colour: tuple[int, int, int], english: str, chinese: str
) -> None:
    rgb = np.full((200, 200, 3), colour, np.uint8)
    assert all(english in of for of in said({}, rgb))
    assert all(chinese in of for of in said({}, rgb, "zh"))


def test_a_plain_ground_is_said_where_something_stands_on_it() -> None:
    assert all("plain white background" in of or "background is plain white" in of
               for of in said({}, drawing()))  # fmt: skip
    assert not any("background" in of for of in said({}, np.full((99, 99, 3), 255, np.uint8)))


def test_dull_and_dark_colours_have_no_name_of_their_own() -> None:
    murky = np.full((100, 100, 3), (40, 48, 42), np.uint8)
    assert not any("green" in of for of in said({}, murky))
    between = np.full((100, 100, 3), (226, 112, 60), np.uint8)
    assert not any(re.search("orange|red|brown", of) for of in said({}, between))
    assert not any(
        "brown" in of for of in said({}, np.full((100, 100, 3), (128, 112, 98), np.uint8))
    )
    assert all("brown" in of for of in said({}, np.full((100, 100, 3), (108, 67, 34), np.uint8)))


def test_no_caption_says_that_what_was_read_is_all_there_is() -> None:
    columns = {"text_regions": [line("Closed on Mondays", 140)], **SIZE}
    captions = said(columns, language="zh")
    assert any("中间有文字“Closed on Mondays”" in of for of in captions)
    assert not any("文字是" in of for of in captions)


def test_black_and_white_is_said() -> None:
    grey = np.repeat(noise()[..., :1], 3, axis=2)
    assert all("black-and-white image" in of for of in said({}, grey))
    assert all("黑白" in of for of in said({}, grey, "zh"))


def test_the_same_id_has_the_same_words_and_ids_have_several_lengths() -> None:
    columns = {"classes": [NUMBERS["a violin"]], "class_scores": [0.99]}
    assert said(columns) == said(columns)
    assert len(set(said(columns))) > 2
    assert len({of.count(".") for of in said(columns)}) >= 2


def test_it_is_chosen_by_its_name_and_answers_in_order() -> None:
    backend = defined("offline", Backend, "captioning.backends")()
    assert isinstance(backend, Offline) and backend.answers_by["name"] == "offline"
    backend.check()
    questions = [asked({}, drawing(), str(n)) for n in range(5)]
    replies = backend.captioner().answer(questions)
    assert [of.text for of in replies] == [annotation(of).as_json() for of in questions]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("number", range(8))
def test_what_it_says_is_valid_as_a_caption(language: str, number: int) -> None:
    validity = captions.ready(captions.discovered()["validity"])
    columns: dict[str, Any] = dict(SIZE)
    if number & 1:
        columns |= {"classes": [NUMBERS["an ostrich"]], "class_scores": [0.99]}
    if number & 2:
        columns |= {"text_regions": [line("Closed on Mondays", 140)]}
    if number & 4:
        columns |= {"codes": 1}
    for rgb in (None, drawing(), np.full((90, 90, 3), (30, 60, 190), np.uint8)):
        every = said(columns, rgb, language)
        valid = [caption for caption in every if validity(caption)["validity"] == "valid"]
        # a wording that is taken for something else has another at the second attempt
        assert len(valid) >= 0.5 * len(every), set(every) - set(valid)


def test_a_null_column_says_nothing() -> None:
    names = ("text_regions", "watermark_regions", "classes", "class_scores", "codes", "mosaic")
    nulls = dict.fromkeys((*names, "codes_regions", "height", "width"))
    assert facts(asked(nulls)) == facts(asked({}))


QUADS = st.one_of(st.none(), st.lists(st.floats(-1e6, 1e6, width=32), min_size=0, max_size=8))
REGIONS = st.one_of(
    st.none(),
    st.lists(
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["latin", "han", "provider", "QR Code", "other"]),
                "text": st.one_of(st.none(), st.text(max_size=300)),
                "score": st.one_of(st.none(), st.sampled_from([0.0, 0.5, 0.99, 1.0])),
                "quad": QUADS,
            }
        ),
        max_size=20,
    ),
)
COLUMNS = st.fixed_dictionaries(
    {},
    optional={
        "text_regions": REGIONS,
        "watermark_regions": REGIONS,
        "codes_regions": REGIONS,
        "codes": st.one_of(st.none(), st.integers(0, 9)),
        "mosaic": st.one_of(st.none(), st.floats(0, 1)),
        "classes": st.one_of(st.none(), st.lists(st.integers(-1, 1001), max_size=16)),
        "class_scores": st.one_of(st.none(), st.lists(st.floats(0, 1), max_size=16)),
        "height": st.one_of(st.none(), st.integers(1, 5000)),
        "width": st.one_of(st.none(), st.integers(1, 5000)),
    },
)


@settings(max_examples=150, deadline=None)
@given(
    COLUMNS,
    st.sampled_from(["en", "zh"]),
    st.text(max_size=8),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_any_columns_give_a_valid_annotation_that_says_what_was_read(
    columns: dict[str, Any], language: str, of: str, height: int, width: int
) -> None:
    rgb = np.random.default_rng(height * width).integers(0, 255, (height, width, 3), np.uint8)
    answer = annotation(asked(columns, rgb, of.encode("utf-8", "replace").decode(), language))
    text = answer.as_json()
    jsonschema.validate(json.loads(text), json_schema())
    text.encode("utf-8")
    assert parse(text).mended == () and parse(text).annotation == answer
    read = {(region["text"] or "").strip() for region in columns.get("text_regions") or ()}
    assert set(quotes(answer.caption)) <= read
    said_so = prose(answer.caption)
    assert "  " not in said_so.strip() or quotes(answer.caption)
    assert not re.search(r"\ba [aeio]\w|\ban [^aeioAEIO8]", said_so)
