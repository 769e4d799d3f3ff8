"""Scripts, directions and fonts in one text: who draws what, and where it stands."""

from pathlib import Path

import pytest
from fontTools.colorLib.builder import buildCOLR, buildCPAL
from fontTools.ttLib import TTFont
from making.made_fonts import make

from synthesis import raster
from synthesis.fonts.files import FontFile
from synthesis.text import block, scripts
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Frame, Setting
from synthesis.text.shaping import shape
from synthesis.unrenderable import UnrenderableError

LATIN = "".join(map(chr, range(0x20, 0x7F))) + "éïõ“”’—…"
HANZI = "山高在这里好一二三春天到了，。、：！？（）「」《》"
ARABIC = "مرحبابكمأهلا،؟"
EMOJI = "😀❤1\ufe0f\u20e3\u200d👩🚀"
FRAME = Frame(10, 10, 600, 600)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FontFile]:
    folder = tmp_path_factory.mktemp("fonts")
    texts = {"latin": LATIN, "hanzi": HANZI + "abc", "arabic": ARABIC + " ", "emoji": EMOJI}
    found = {}
    for name, characters in texts.items():
        path = make(folder / f"{name}.ttf", characters, family=name)
        if name == "emoji":
            _colour(path)
        found[name] = FontFile(path, 0, name, "Regular", name, 400)
    return found


def _colour(path: str) -> None:
    """Paint every glyph red."""
    loaded = TTFont(path)
    layers = {name: [(name, 0)] for name in loaded.getGlyphOrder()[1:]}
    loaded["COLR"] = buildCOLR(layers, glyphMap=loaded.getReverseGlyphMap())
    loaded["CPAL"] = buildCPAL([[(1.0, 0.0, 0.0, 1.0)]])
    loaded.save(path)


def typeset(
    text: str, language: str, *faces: FontFile, how: Setting | None = None, vertical: bool = False
) -> Block:
    setting = how or Setting("left", 1.5)
    return block.at(text, Typography(language, faces, setting, vertical=vertical), FRAME, 20)


def drawn_by(found: Block) -> list[tuple[str, str]]:
    return [(one.text, one.font.file.family) for line in found.lines for one in line.clusters]


def test_each_piece_goes_to_the_first_font_that_has_it(faces: dict[str, FontFile]) -> None:
    found = typeset("山高abc这里“好”", "zh", faces["hanzi"], faces["latin"])
    assert dict(drawn_by(found)) == {
        **dict.fromkeys("山高abc这里好", "hanzi"),
        **dict.fromkeys("“”", "latin"),
    }
    assert [run.font.file.family for run in found.runs] == ["hanzi", "latin"]
    assert found.faces == (faces["hanzi"], faces["latin"])


def test_a_word_is_never_drawn_by_two_fonts(faces: dict[str, FontFile]) -> None:
    found = typeset("abc cab bad", "en", faces["hanzi"], faces["latin"])
    assert {family for _, family in drawn_by(found)} == {"latin"}


def test_what_no_font_has_refuses_the_text(faces: dict[str, FontFile]) -> None:
    for text, reason in (("山龙", "missing_character"), ("a\u200bb", "control_character")):
        with pytest.raises(UnrenderableError) as caught:
            typeset(text, "zh", faces["hanzi"], faces["latin"])
        assert caught.value.reason == reason
    with pytest.raises(UnrenderableError):
        typeset("山", "zh")


def test_arabic_runs_right_to_left_from_the_right(faces: dict[str, FontFile]) -> None:
    found = typeset("مرحبا (abc) بكم", "ar", faces["arabic"], faces["latin"])
    (line,) = found.lines
    order = sorted(line.clusters, key=lambda one: one.box[0])
    assert "".join(one.text for one in order) == "مكب)abc(ابحرم"
    assert line.box[2] == pytest.approx(FRAME.left + FRAME.width, abs=4)
    assert [one.text for one in line.clusters] == list("مرحبا(abc)بكم")
    words = [box.text for box in found.boxes() if box.level == "word"]
    assert words == ["مرحبا", "(abc)", "بكم"]


def test_brackets_are_mirrored_where_text_runs_right_to_left(faces: dict[str, FontFile]) -> None:
    latin, arabic = (typeset("(", "en", faces["latin"]), typeset("م(", "ar", *faces.values()))
    opening = latin.lines[0].clusters[0].glyphs
    mirrored = arabic.lines[0].clusters[1].glyphs
    closing = typeset(")", "en", faces["latin"]).lines[0].clusters[0].glyphs
    assert mirrored == closing != opening


def test_arabic_within_latin_keeps_its_own_order(faces: dict[str, FontFile]) -> None:
    found = typeset("say مرحبا now", "en", faces["latin"], faces["arabic"])
    order = sorted(found.lines[0].clusters, key=lambda one: one.box[0])
    assert "".join(one.text for one in order) == "sayابحرمnow"


@pytest.mark.parametrize(
    ("language", "text", "level"),
    [("ar", "abc", 1), ("en", "مرحبا", 1), ("en", "a مرحبا", 0), ("zh", "山", 0), ("fa-IR", "", 1)],
)
def test_base_direction(language: str, text: str, level: int) -> None:
    assert scripts.base_level(language, text) == level


def test_emoji_are_drawn_in_colours_or_not_at_all(faces: dict[str, FontFile]) -> None:
    found = typeset("hi 😀!", "en", faces["latin"], faces["emoji"])
    assert ("😀", "emoji") in drawn_by(found)
    canvas = raster.solid(620, 620, (255, 255, 255))
    raster.render(canvas, found.runs, (0, 0, 0))
    (box,) = [one.box for one in found.lines[0].clusters if one.text == "😀"]
    row, column = int((box[1] + box[3]) / 2), int((box[0] + box[2]) / 2)
    assert canvas[row, column].tolist() == [255, 0, 0, 255]
    with pytest.raises(UnrenderableError):
        typeset("hi 😀", "en", faces["latin"])


def test_a_joined_emoji_is_one_cluster_or_refused(faces: dict[str, FontFile]) -> None:
    (item,) = scripts.items("👩\u200d🚀", 0)
    assert item == scripts.Item("👩\u200d🚀", scripts.EMOJI, 0)
    with pytest.raises(UnrenderableError):  # the font has no glyph for the two together
        typeset("👩\u200d🚀", "en", faces["latin"], faces["emoji"])


def test_joiners_are_consumed_by_the_shaper(faces: dict[str, FontFile]) -> None:
    found = typeset("مر\u200cحبا", "fa", faces["arabic"])
    assert "".join(one.text for one in found.lines[0].clusters) == "مر\u200cحبا"


def test_columns_go_from_right_to_left_and_downwards(faces: dict[str, FontFile]) -> None:
    text = "山高在这里好一二三春天到了" * 5
    found = typeset(text, "zh", faces["hanzi"], vertical=True)
    first, second = found.lines[:2]
    assert first.box[0] > second.box[2]
    for line in found.lines:
        tops = [one.box[1] for one in line.clusters]
        assert tops == sorted(tops)
    assert "".join(line.text for line in found.lines) == text


def test_letters_lie_and_short_numbers_stand_in_columns(faces: dict[str, FontFile]) -> None:
    found = typeset("山12高abc好", "zh", faces["hanzi"], faces["latin"], vertical=True)
    angles = {one.text: one.angle for one in found.lines[0].clusters}
    assert angles == {"山": 0, "12": 0, "高": 0, "a": 90, "b": 90, "c": 90, "好": 0}


def test_columns_of_chinese_have_corner_brackets_and_say_so(tmp_path: Path) -> None:
    path = make(tmp_path / "marks.ttf", HANZI + "『』“”‘’It", family="marks")
    marks = FontFile(path, 0, "marks", "Regular", "marks", 400)
    text = "“山‘高’It’It”"
    found = typeset(text, "zh", marks, vertical=True)
    drawn = "".join(one.text for line in found.lines for one in line.clusters)
    assert found.text == drawn == "『山「高」It’It』"
    assert found.boxes()[0].text == found.text
    assert typeset(text, "zh", marks).text == text


def test_a_mark_without_a_vertical_form_refuses_the_text(faces: dict[str, FontFile]) -> None:
    with pytest.raises(UnrenderableError) as caught:
        typeset("山，高", "zh", faces["hanzi"], vertical=True)
    assert caught.value.reason == "no_vertical_form"
    with pytest.raises(UnrenderableError) as caught:
        typeset("مرحبا", "ar", faces["arabic"], vertical=True)
    assert caught.value.reason == "right_to_left_column"


def test_levels_and_their_order(faces: dict[str, FontFile]) -> None:
    found = typeset("山abc, b\n好", "zh", faces["hanzi"], faces["latin"])
    assert [(box.level, box.text) for box in found.boxes()] == [
        ("block", "山abc, b\n好"),
        ("line", "山abc, b"),
        ("glyph", "山"),
        ("word", "abc,"),
        ("glyph", "a"),
        ("glyph", "b"),
        ("glyph", "c"),
        ("glyph", ","),
        ("word", "b"),
        ("glyph", "b"),
        ("line", "好"),
        ("glyph", "好"),
    ]


def test_spaces_grow_in_a_justified_text_but_words_do_not(faces: dict[str, FontFile]) -> None:
    text = "abc bad cab fade beef cafe " * 12
    how = Setting("justified", 1.5)
    found = typeset(text.strip(), "en", faces["latin"], how=how)
    rights = [line.box[2] for line in found.lines[:-1]]
    assert max(rights) - min(rights) < 1.0
    assert len(rights) > 3


def test_tracking_does_not_part_joined_letters(faces: dict[str, FontFile]) -> None:
    loose, close = (
        block.at(
            "مرحبا", Typography("ar", (faces["arabic"],), Setting("left", 1.5), tracking), FRAME, 20
        )
        for tracking in (0.3, 0.0)
    )
    assert loose.box == close.box


def test_shaping_is_remembered(faces: dict[str, FontFile]) -> None:
    loaded = [run.font for run in typeset("山好", "zh", faces["hanzi"]).runs]
    assert shape(loaded, "山好", "zh") is shape(loaded, "山好", "zh")


def test_a_text_of_blanks_is_refused(faces: dict[str, FontFile]) -> None:
    with pytest.raises(UnrenderableError) as caught:
        typeset(" \n ", "en", faces["latin"])
    assert caught.value.reason == "no_ink"
