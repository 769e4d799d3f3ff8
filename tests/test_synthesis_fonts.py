"""Fonts: found by what they cover, and never trusted about a glyph."""

import subprocess
from pathlib import Path

import pytest
from synthesis_fonts import all_characters, make

from synthesis.fonts import files as font_files
from synthesis.fonts.face import Font
from synthesis.problems import UnrenderableError, UsageError
from synthesis.text.shaping import shape


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Font:
    path = tmp_path_factory.mktemp("fonts") / "test.ttf"
    characters = all_characters("zh").replace("龙", "")
    make(path, characters, inkless="风", lost="火")
    return Font(font_files.find("zh", str(path))[0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("一条龙", "missing_character"),
        ("晚风", "empty_glyph"),
        ("灯火", "notdef"),
        ("一\u200b二", "control_character"),
        ("一\ud800", "control_character"),
        ("שלום", "missing_character"),
    ],
)
def test_one_bad_character_refuses_the_whole_text(chinese: Font, text: str, reason: str) -> None:
    with pytest.raises(UnrenderableError) as caught:
        shape(chinese, text, "zh")
    assert caught.value.reason == reason


def test_good_text_is_shaped_whole(chinese: Font) -> None:
    clusters = shape(chinese, "小心 地滑", "zh")
    assert "".join(one.text for one in clusters) == "小心 地滑"
    assert [one.ink is None for one in clusters] == [False, False, True, False, False]


def test_two_full_width_marks_are_squeezed_and_latin_is_set_off(chinese: Font) -> None:
    advances = {one.text: one.advance for one in shape(chinese, "中）：“文A", "zh")}
    assert advances == pytest.approx({"中": 1, "）": 0.5, "：": 0.5, "“": 1, "文": 1.15, "A": 0.56})


def test_a_font_is_chosen_by_coverage(tmp_path: Path) -> None:
    make(tmp_path / "latin.ttf", all_characters("en"), family="Latin")
    make(tmp_path / "sub" / "both.ttf", all_characters("zh"), family="Both")
    assert [face.family for face in font_files.find("zh", str(tmp_path))] == ["Both"]
    assert [face.family for face in font_files.find("en", str(tmp_path))] == ["Both", "Latin"]


def test_no_covering_font_names_the_debian_package(tmp_path: Path) -> None:
    make(tmp_path / "latin.ttf", all_characters("en"))
    with pytest.raises(UsageError, match="apt-get install fonts-noto-cjk"):
        font_files.find("zh", str(tmp_path))


def test_a_system_without_fonts_names_the_debian_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{tmp_path}</dir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    if not _has_fc_list():
        pytest.skip("fontconfig's fc-list is not installed")
    with pytest.raises(UsageError, match="apt-get install fonts-dejavu-core"):
        font_files.find("en")


def _has_fc_list() -> bool:
    try:
        subprocess.run(["fc-list", "--version"], capture_output=True, check=True)
    except FileNotFoundError:
        return False
    return True


def test_a_symbol_font_does_not_pass_for_latin(tmp_path: Path) -> None:
    make(tmp_path / "greek.ttf", all_characters("en"), names={"A": "Alpha"}, family="Greek")
    make(tmp_path / "stars.ttf", all_characters("en"), names={"h": "a28"}, family="Stars")
    make(tmp_path / "latin.ttf", all_characters("en"), names={"A": "A"}, family="Latin")
    assert [face.family for face in font_files.find("en", str(tmp_path))] == ["Latin"]


@pytest.mark.parametrize("content", [b"", b"<html>", b"\0\1\0\0" + b"\xff" * 200])
def test_a_broken_font_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.ttf"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"broken\.ttf: not a font"):
        font_files.find("en", str(path))


def test_order_and_choice_do_not_depend_on_paths(tmp_path: Path) -> None:
    for folder, names in (("one", ("a", "b")), ("two", ("y", "x"))):
        make(tmp_path / folder / f"{names[0]}.ttf", all_characters("en"), family="First")
        make(tmp_path / folder / f"{names[1]}.ttf", all_characters("en"), family="Second")
    families = [
        [face.family for face in font_files.find("en", str(tmp_path / folder))]
        for folder in ("one", "two")
    ]
    assert families == [["First", "Second"]] * 2
