"""Fonts: found by what they cover, and never trusted about a glyph."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from making.commands import Ended, invoke
from making.installed_fonts import path_of
from making.made_fonts import all_characters, make

from curation.failures.errors import UsageError
from synthesis.fonts import coverage, families, index, packs
from synthesis.fonts import files as font_files
from synthesis.fonts.__main__ import app
from synthesis.fonts.face import Font
from synthesis.fonts.languages import LANGUAGES, home
from synthesis.text.shaping import shape
from synthesis.unrenderable import UnrenderableError


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "inkstone" / "fonts"


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


def test_a_font_that_maps_letters_to_nothing_does_not_write_them(tmp_path: Path) -> None:
    make(tmp_path / "empty.ttf", all_characters("en"), inkless="ABCDEF", family="Empty")
    make(tmp_path / "one.ttf", all_characters("en"), inkless="Q", family="One")
    assert [face.family for face in font_files.find("en", str(tmp_path))] == ["One"]


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_finds_a_font_that_has_its_texts(tmp_path: Path, language: str) -> None:
    make(tmp_path / "good.ttf", all_characters(language), family="Good")
    make(tmp_path / "poor.ttf", LANGUAGES[language].probe[1:], family="Poor")
    assert [face.family for face in font_files.find(language, str(tmp_path))] == ["Good"]


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(UsageError, match="'xx' is not one of en, zh, zh-Hant"):
        font_files.find("xx")


@pytest.mark.parametrize(
    ("family", "language"),
    [
        ("Noto Sans CJK JP", "ja"),
        ("LXGW WenKai", "zh"),
        ("LXGW WenKai TC", "zh-Hant"),
        ("AR PL UKai TW MBE", "zh-Hant"),
        ("NanumGothic", "ko"),
        ("DejaVu Sans", None),
    ],
)
def test_hanzi_have_a_home(family: str, language: str | None) -> None:
    assert home(family) == language


def test_fallbacks_write_what_the_language_s_own_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{tmp_path}</dir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    make(tmp_path / "a.ttf", all_characters("he"), family="Hebrew")
    make(tmp_path / "b.ttf", all_characters("en"), family="Latin")
    own = font_files.find("he", str(tmp_path))
    first, *others = font_files.fallbacks("he", str(tmp_path))
    assert [face.family for face in own] == ["Hebrew"]
    assert first.family == "Latin"
    assert not {*own} & {first, *others}


def test_handwriting_is_told_by_family() -> None:
    assert families.is_handwritten("LXGW WenKai")
    assert families.is_handwritten("AR PL UKai CN")
    assert families.is_handwritten("Comic Neue Light")
    assert not families.is_handwritten("Noto Sans CJK SC")


def test_a_font_is_read_once_and_a_broken_cache_is_made_anew(tmp_path: Path, cache: Path) -> None:
    path = make(tmp_path / "one.ttf", all_characters("en") + "龙", inkless="龙Q")
    (first,) = index.entries(path)
    assert sorted(map(chr, first.characters - first.renderable)) == ["Q", "龙"]
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    for broken in (content[: len(content) // 2], b"{}", b"[{}]", b"", content.replace(b"-", b"!")):
        kept.write_bytes(broken)
        index.entries.cache_clear()
        assert index.entries(path) == (first,)
        assert kept.read_bytes() == content
    kept.write_bytes(content.replace(b'"Test"', b'"Kept"'))
    index.entries.cache_clear()
    assert index.entries(path)[0].file.family == "Kept"


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    path = make(tmp_path / "one.ttf", all_characters("en"), family="Other")
    assert [face.family for face in font_files.find("en", path)] == ["Other"]


def test_coverage_counts_ink(tmp_path: Path) -> None:
    characters = all_characters("zh").replace("(", "").replace(")", "") + "饕餮龘"
    path = make(tmp_path / "one.ttf", "".join(sorted(set(characters))), inkless="餮一")
    (face,) = font_files.listed(path)
    told = coverage.coverage(face)
    wanted = {name: codes & {*map(ord, characters)} for name, codes in coverage.sets().items()}
    assert told.sets["level 1"] == len(wanted["level 1"]) - 1
    assert told.sets["level 2"] == len(wanted["level 2"]) - 1
    assert (told.inkless, told.lacks, told.scripts) == (2, "()", ())


def test_sets_have_the_sizes_of_the_standards() -> None:
    assert [len(codes) for codes in coverage.sets().values()] == [3500, 3000, 1605, 6763]


@pytest.mark.parametrize(
    ("file", "index", "expected"),
    [
        (
            "NotoSansCJK-Regular.ttc",
            2,
            {"level 1": 3500, "level 2": 3000, "level 3": 1605, "inkless": 0},
        ),
        ("wqy-microhei.ttc", 0, {"level 1": 3500, "inkless": 0, "lacks": ""}),
    ],
)
def test_known_traps(file: str, index: int, expected: dict[str, object]) -> None:
    faces = font_files.listed(str(path_of(file)))
    told = coverage.coverage(next(face for face in faces if face.index == index))
    found = {**told.sets, "inkless": told.inkless, "lacks": told.lacks}
    assert {name: found[name] for name in expected} == expected


def test_an_arabic_face_without_parentheses_is_told() -> None:
    (face,) = font_files.listed(str(path_of("NotoNaskhArabic-Regular.ttf")))
    assert {"(", ")"} <= {*coverage.coverage(face).lacks}


def test_packs_are_well_formed_and_named_by_fonts() -> None:
    scripts = {row.script for row in LANGUAGES.values()} | {"Zsye"}
    for pack in packs.packs().values():
        assert pack.packages and pack.licence and scripts >= {*pack.scripts}
    with pytest.raises(
        UsageError, match=r"no such file, folder or pack; .*did you mean 'noto-cjk'\?"
    ):
        font_files.find("zh", "noto-ckj")


def test_a_pack_is_the_files_of_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("dpkg-query"):
        pytest.skip("dpkg is not installed")
    missing = packs.Pack(packages=("fonts-of-nowhere",), licence="OFL-1.1", scripts=("Latn",))
    monkeypatch.setattr(packs, "packs", lambda: {"nowhere": missing})
    with pytest.raises(UsageError, match="apt-get install fonts-of-nowhere"):
        font_files.find("en", "nowhere")
    monkeypatch.undo()
    installed = path_of("wqy-microhei.ttc").resolve()
    if not str(installed).startswith("/usr/share/fonts/"):
        pytest.skip("WenQuanYi Micro Hei is here, but not as a Debian package")
    faces = font_files.find("zh", "wqy-microhei")
    assert {face.family for face in faces} == {"WenQuanYi Micro Hei", "WenQuanYi Micro Hei Mono"}
    assert {face.path for face in faces} == {str(installed)}


def _run(*arguments: str) -> Ended:
    return invoke(app, arguments)


def test_the_command_prints_a_table_or_json(tmp_path: Path) -> None:
    path = make(tmp_path / "one.ttf", all_characters("en"), family="Told")
    told = _run("--fonts", path)
    assert told.exit_code == 0 and "Told" in told.stdout and "Latn" in told.stdout
    (face,) = json.loads(_run("--fonts", path, "--json").stdout)
    assert face["family"] == "Told" and face["characters"]["GB2312"] == 0
    assert "apt-get install" in _run("--fonts", path, "--lang", "zh").stderr
    assert _run("--fonts", "/none").exit_code == 2
    assert "Example: python -m synthesis.fonts" in _run("--help").stdout
