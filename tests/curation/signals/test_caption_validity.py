"""Invalid captions: what is one, near misses, loops, and that no text takes long."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import captions as benchmark
from curation.signals import captions
from curation.signals.caption_loops import loops, repetition
from curation.signals.caption_names import is_name
from curation.signals.caption_validity import LONGEST, VALID, by_patterns, patterns
from curation.signals.caption_validity import validity as VALIDITY


def kind(text: str) -> str:
    return str(captions.ready(VALIDITY)(text)["validity"])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("half", "least"), [("development", 0.98), ("held-out", 0.93)])
def test_f1_on_the_texts_of_the_benchmark(language: str, half: str, least: float) -> None:
    told = benchmark.rows("validity.tsv")
    own = [row for row in told if (row["language"], row["half"]) == (language, half)]
    assert len(own) >= 70
    assert benchmark.f1(benchmark.outcomes(own, kind)) >= least


@pytest.mark.parametrize(
    ("invalid", "valid", "category"),
    [
        ("I'm unable to describe this.", 'A note: "I\'m unable to describe this."', "refusal"),
        ("抱歉，我无法描述这张图片。", "纸条上写着“抱歉，我无法描述这张图片。”", "refusal"),
        ("www.cafe.com", "A café with www.cafe.com on its window, two tables outside", "url"),
        ("IMG_0001.JPG", 'Poster of the film "IMG_0001.JPG"', "filename"),
        ("Click to enlarge", 'A button labelled "Click to enlarge"', "boilerplate"),
        ("图片加载中", "写着“图片加载中”的屏幕", "boilerplate"),
        ("这是一张照片。", "这是一张海边的照片。", "boilerplate"),
        ("一幅图像", "一张黑白照片", "boilerplate"),
        ("This is a photo.", "This is a photo of the sea.", "boilerplate"),
        ("Describe this image.", "Describe a circle, geometry lesson", "prompt"),
        ("ha ha ha ha ha ha", 'A mug with "ha ha ha ha ha ha" on it', "repetition"),
        (" \u2014 ", "\u2014 a dash on a wall", "empty"),
    ],
)  # fmt: skip
def test_what_is_quoted_or_part_of_a_sentence_is_valid(
    invalid: str, valid: str, category: str
) -> None:
    assert kind(invalid) == category
    assert kind(valid) == VALID


def test_a_text_in_quotation_marks_is_looked_at_itself() -> None:
    assert kind('"I\'m sorry, I cannot describe this image."') == "refusal"
    assert kind("\u201cLove\u201d") == VALID


@pytest.mark.parametrize("quoted", ["谢谢", "欢迎光临本店"])
def test_that_an_image_holds_a_text_is_no_prompt_unless_something_is_asked_for(quoted: str) -> None:
    for valid in ("一幅图像，写有文字“{}”", "一张图片，写有文字“{}”。", "图像上写有“{}”"):
        assert kind(valid.format(quoted)) == VALID
    for prompt in ("生成一幅图像，写有文字“{}”", "一幅图像，写有文字“{}”，高清，8k"):
        assert kind(prompt.format(quoted)) == "prompt"


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("a b a b a b a b", 1.0),
        ("New York, New York", 0.0),
        ("x one two three one two three one two three", 0.9),
        ("哈哈哈笑", 0.0),
        ("very very very very tall", 0.8),
        ("", 0.0),
    ],
)
def test_loops_are_counted(text: str, share: float) -> None:
    assert repetition(text)[0] == pytest.approx(share)


@pytest.mark.parametrize(
    "name",
    [
        "photo-1518791841217-8f162f1e1131",
        "E1aB9xYzQ3kLm7",
        "icon@3x",
        "R0010234",
        "DSC_0099 - Copy",
        "Copy of IMG_3321 (1).JPG",
        "sunset (3)",
        "PXL_20210101_123456789~3.MP",
        "woman-holding-red-umbrella-in-the-rain",
        "logo-white-small",
        "1200x800-forest",
        "详情页_03",
        "微信图片_20200101 - 副本",
        r"D:\photos\summer 2019",
        "/wp-content/uploads/2019/05/",
    ],
)
def test_names_of_files_are_told_by_their_form(name: str) -> None:
    assert is_name(name)
    assert kind(name) in ("filename", "url")
    assert kind(f"Icon on a desk, below it 'the name {name}'") == VALID


@pytest.mark.parametrize(
    "name",
    [
        *("jack-in-the-box", "salt-and-pepper", "Saint-Maximin-la-Sainte-Baume", "R2-D2", "AK-47"),
        *("WH-1000XM4", "Boeing 747-400", "iPhone 12 Pro Max", "Apollo 11", "3 eggs", "3只猫"),
    ],
)
def test_words_of_a_language_and_names_with_numbers_are_no_file_names(name: str) -> None:
    assert not is_name(name)
    assert kind(name) == VALID


@pytest.mark.parametrize(
    ("repeats", "says_more"),
    [
        (
            "A cup stands on a table. The table has a cup on it. On the table a cup is standing. "
            "It is a table with a cup on it",
            "A cup stands on a table. Beside it lie two lemons, a knife with a wooden handle and "
            "the crumbs of somebody's breakfast",
        ),
        (
            "手机壳 新款手机壳 手机壳新款 手机壳女 女手机壳 女新款手机壳",
            "桌上放着一个白色的杯子，旁边是两个柠檬和一把木柄小刀",
        ),
    ],
)
def test_few_words_over_and_over_are_repetition_without_a_loop(
    repeats: str, says_more: str
) -> None:
    assert repetition(repeats)[0] < 0.4
    assert "times" in loops(repeats.lower())[1]
    assert kind(repeats) == "repetition"
    assert loops(says_more.lower())[1] == ""
    assert kind(says_more) == VALID


@pytest.mark.parametrize(
    ("invalid", "valid"),
    [
        ("Best price, free shipping", "Window with a sign: BEST PRICE, FREE SHIPPING"),
        ("www.caomei.com 提取码: 8h2d", "海报底部印着网址www.caomei.com和二维码"),
        ("Click here to enlarge", "A phone on a desk, its screen says click here to enlarge"),
    ],
)
def test_what_stands_on_a_thing_is_quoted_without_marks(invalid: str, valid: str) -> None:
    assert kind(invalid) != VALID
    assert kind(valid) == VALID


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=100)
def test_any_text_has_a_category(text: str) -> None:
    values = captions.ready(VALIDITY)(text)
    assert values["validity"] in VALIDITY.columns["validity"].categories
    assert 0 <= values["repetition"] <= 1


@pytest.mark.timeout(60)
def test_no_text_takes_long() -> None:
    """All of them take a third of a second; what backtracks without end would not come back."""
    parts = ("a", "a_", "( ", "sorry ", "a.b-", "i can't image ", '"', "<img ", "无法", "http://")
    parts += ("a_1", "a-", "A1b", "写着", "a sign: ", "://", "1x", "copy", "~1")
    parts += ("a@", "view the ", "&amp;", "1-", "c:\\", "the caption of the ", "图片", "[", "请你")
    for part in parts:
        kind(part * LONGEST)


def test_the_patterns_are_of_the_version_that_names_stored_columns() -> None:
    assert patterns().version == VALIDITY.version


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("I'm sorry, I cannot describe this image.", "describe"),
        ("www.cafe.com", "www.cafe.com"),
        ("IMG_0001.JPG", "img_0001.jpg"),
        ("a red cat a red cat a red cat a red cat", "a red cat, 4 times"),
        ("\u4e00\u53ea\u72d7\u4e00\u53ea\u72d7\u4e00\u53ea\u72d7", "\u4e00\u53ea\u72d7, 3 times"),
        ("A dog on a lawn", ""),
    ],
)
def test_what_says_that_a_caption_is_none_is_said(text: str, evidence: str) -> None:
    said = str(captions.ready(VALIDITY)(text)["validity_evidence"])
    assert evidence in said
    assert bool(evidence) == bool(said)


@pytest.mark.parametrize(
    ("text", "validity"),
    [
        ("This is an image of sunglasses.", "valid"),
        ("The picture shows sunglasses.", "valid"),
        ("这张图片展示了一只狗。", "valid"),
        ("Sure! This is an image of sunglasses.", "prompt"),
        ("This is an image of", "boilerplate"),
        ("This image shows your order.", "boilerplate"),
    ],
)
def test_how_an_answer_begins_does_not_make_a_caption_of_few_words_none(
    text: str, validity: str
) -> None:
    assert captions.ready(captions.discovered()["validity"])(text)["validity"] == validity


def test_words_tell_what_no_pattern_names() -> None:
    text = "Could you kindly resend it? Nothing was attached"
    assert by_patterns(text) == VALID
    measured = captions.ready(VALIDITY)(text)
    assert measured["validity"] == "refusal"
    said = measured["validity_evidence"].split(", ")
    assert said and all(run.split(" \u2026 ")[0] in text.lower() for run in said)
