"""Wrong templates are told with file, line, what was expected, and the nearest valid name."""

from pathlib import Path
from random import Random

import pytest
from making.commands import invoke

from curation.failures.errors import UsageError
from curation.strict_yaml import parse
from synthesis.template import contents, generated, loading
from synthesis.template.__main__ import app

GOOD = """\
name: {en: label, zh: 标签}
family: mine
ratios: ["1:1", "16:9"]
records:
  en: [{title: Good day, rows: [{name: One}]}]
  zh: [{title: 你好, rows: [{name: 一}]}]
layout:
  column:
    - {text: title, style: title}
    - {text: item.name, each: rows}
  pad: 5
"""
FAULTS = {
    "unknown key": ("  pad: 5", "  padd: 5", 11, "did you mean 'pad'"),
    "unknown key of a template": ("family: mine", "familly: mine", 2, "did you mean 'family'"),
    "wrong type": ("  pad: 5", "  pad: wide", 11, "pad"),
    "unknown style": ("style: title}", "style: titel}", 9, "did you mean 'title'"),
    "missing content": ("{text: title,", "{text: tilte,", 9, "did you mean 'title'"),
    "missing field of an entry": ("item.name,", "item.nam,", 10, "did you mean 'item.name'"),
    "not a list": ("each: rows", "each: title", 10, "expected a list"),
    "unknown contents": (
        "family: mine",
        "family: mine\ncontents: [slid]",
        3,
        "did you mean 'slide'",
    ),
    "unknown palette": (
        "family: mine",
        "family: mine\npalettes: [papr]",
        3,
        "did you mean 'paper'",
    ),
    "unknown ratio": ('"16:9"', '"16:10"', 3, "ratios"),
    "unknown colour": ("style: title}", "colour: bright}", 9, "expected one of"),
    "unknown shape": ("{text: item.name, each: rows}", "{shape: blob}", 10, "expected one of"),
    "unknown icon": (
        "{text: item.name, each: rows}",
        "{shape: icon, name: hart}",
        10,
        "did you mean 'heart'",
    ),
    "two kinds": ("{text: title, style: title}", "{text: title, shape: rule}", 9, "exactly one of"),
    "nothing": ("{text: title, style: title}", "{style: title}", 9, "found none"),
    "unknown pattern": ("{title: Good day,", "{title: Good <dai>,", 5, "neither a pool nor a rule"),
    "duplicate key": ("family: mine", "family: mine\nfamily: yours", 3, "first given on line 2"),
    "alias": ("family: mine", "family: &a mine", 2, "anchors (&a) are not allowed"),
    "tag": ("family: mine", "family: !!str mine", 2, "tags"),
    "second document": ("  pad: 5", "  pad: 5\n---\na: 1", 12, "second"),
    "slot outside canvas": (
        "{text: title, style: title}",
        "{board: [{text: title, box: [0.6, 0, 0.5, 1]}]}",
        9,
        "leaves the canvas",
    ),
    "slots that overlap": (
        "    - {text: title, style: title}",
        "    - board:\n        - {text: title, box: [0, 0, 0.6, 1]}\n"
        "        - {text: title, box: [0.5, 0, 0.5, 1]}",
        11,
        "overlaps the box",
    ),
    "no box": (
        "{text: title, style: title}",
        "{board: [{text: title}]}",
        9,
        "needs box",
    ),
    "no layout": ("layout:", "layouts:", 7, "did you mean 'layout'"),
}


def written(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_good_template_is_taken(tmp_path: Path, language: str) -> None:
    loading.check((written(tmp_path, GOOD),), language, ())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_template_is_told_with_its_line(tmp_path: Path, fault: str) -> None:
    good, wrong, line, told = FAULTS[fault]
    assert good in GOOD
    path = written(tmp_path, GOOD.replace(good, wrong, 1))
    with pytest.raises(UsageError) as caught:
        loading.check((path,), "en", ())
    assert str(caught.value).startswith(f"{path}:{line}: "), str(caught.value)
    assert told in str(caught.value)


def test_records_for_the_language_are_needed(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("  zh: [", "  fr: ["))
    with pytest.raises(UsageError, match="expected records for language 'zh'"):
        loading.check((path,), "zh", ())


@pytest.mark.parametrize("text", ["", "[]", "- 1", "a: b: c", "\x00", "a: [1", "x" * 1_100_000])
def test_what_is_no_template_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"mine\.yaml"):
        loading.check((written(tmp_path, text),), "en", ())


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        loading.check((str(tmp_path / "none.yaml"),), "en", ())


def test_only_constants_and_numbers_are_no_text() -> None:
    value = parse(b"{a: no, b: 1e-4, c: 12, d: 0.5, e: true, f: '7', g: 08:30}", "x").value
    assert value == {"a": "no", "b": 1e-4, "c": 12, "d": 0.5, "e": True, "f": "7", "g": "08:30"}


def test_patterns_are_filled_and_kept_by_their_tag() -> None:
    known = contents.Contents({}, {"animal": ["cat", "dog", "owl"]})
    filler = contents.Filler(Random(1), "en", known)
    scope = contents.Scope(filler, {})
    first = filler.filled("<animal#a>, <animal>, <animal#a>, <int 3 3>, <code X0-00>", scope)
    one, other, again, three, code = first.split(", ")
    assert one == again
    assert one != other
    assert three == "3"
    assert len(code) == 5
    assert contents.Verbatim("<animal>") == "<animal>"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_rule_makes_text(language: str) -> None:
    bounds = {"int": ["1", "9"], "thousands": ["10", "99"], "decimal": ["1", "2"]}
    bounds |= {"price": ["3", "9"], "amount": ["3", "9"]}
    for name, made in generated.MAKERS.items():
        text = made(Random(name), language, bounds.get(name, []))
        assert text.strip() == text != ""


def test_the_command_lists_and_refuses(tmp_path: Path) -> None:
    listed = invoke(app, ["--template", "slide-bullets"])
    assert listed.exit_code == 0
    assert "presentation slide" in listed.output
    wrong = invoke(app, ["--template", "slide-bulets"])
    assert wrong.exit_code == 2
    assert "did you mean 'slide-bullets'" in wrong.output
    path = written(tmp_path, GOOD.replace("pad: 5", "padd: 5"))
    assert invoke(app, ["--template", path]).exit_code == 2


def test_the_command_draws_previews(tmp_path: Path) -> None:
    told = ["--template", written(tmp_path, GOOD), "--out", str(tmp_path / "out"), "--size", "256"]
    result = invoke(app, told)
    if "covers language" in result.output:
        pytest.skip(result.output)
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out").glob("mine-*.png"))) == 2
    assert (tmp_path / "out" / "contact-sheet.png").is_file()
    blocked = ["--template", written(tmp_path, GOOD), "--out", str(tmp_path / "mine.yaml" / "x")]
    assert invoke(app, blocked).exit_code == 4


def test_a_size_no_template_suits_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    loading.check((path,), "en", ((640, 640), (640, 360)))
    told = r"no template suits a canvas of 300x900 \(ratio 1:3\): expected one .* 1:1, 16:9;"
    with pytest.raises(UsageError, match=told):
        loading.check((path,), "en", ((300, 900),))


def test_a_language_without_contents_is_told() -> None:
    with pytest.raises(UsageError, match="no contents in language 'xx', only in en, zh"):
        loading.check((), "xx", ())
