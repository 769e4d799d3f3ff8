"""Captions of layouts are true: what belongs together is the template's word, not its boxes'."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
from making.layouts import LANGUAGES, filling, job, path_of, placed, size_of

from curation.failures.errors import UsageError
from synthesis import captions
from synthesis.captions.roles import ENTRIES, ROLES
from synthesis.job import Job
from synthesis.sample import Sample
from synthesis.template import filled, loading
from synthesis.template.models import Loaded

SEEDS = range(12)
EVENTS = {"en": "concert exhibition cinema festival theatre market run lecture".split()}  # noqa: SIM905
EVENTS["zh"] = ["音乐会", "展览", "电影", "音乐节", "话剧", "市集", "夜跑", "讲座"]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Job]:
    folder = tmp_path_factory.mktemp("fonts")
    return {language: job(folder, language) for language in LANGUAGES}


def told(of: Job, name: str, ratio: str, seed: int, palette: str = "paper") -> str:
    """The caption of a layout, without a picture of it."""
    whole = filling(of, path_of(name), size_of(ratio), seed, palette)
    described = filled.describe(whole, of.language, placed(of, whole.loaded.file, whole.size, seed))
    return captions.caption(Random(seed), of.language, described)


def shipped() -> list[Loaded]:
    return [loading.template(path, "en") for path in loading.shipped_paths()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_forecast_is_read_day_by_day(jobs: Mapping[str, Job], language: str) -> None:
    """Where all inks are one, pairs of a label and its value ran on into the days."""
    day = {
        "en": r'"(?:Mon|Tue|Wed|Thu|Fri|Today)", "(\d+)°", "(\d+)°"',
        "zh": r"“(?:周.|今天)”、“(\d+)°”、“(\d+)°”",
    }[language]
    for seed in SEEDS:
        caption = told(jobs[language], "app-weather", "1:1", seed)
        found = re.findall(day, caption)
        assert len(found) in {4, 5}
        assert len(found) * 2 + 1 == caption.count("°") - ("Feels" in caption or "体感" in caption)
        assert all(int(high) > int(low) - 3 for high, low in found)


@pytest.mark.parametrize("name", ["calendar-month", "calendar-photo", "planner"])
def test_a_calendar_is_told_in_weeks_of_seven_days(jobs: Mapping[str, Job], name: str) -> None:
    ratio = loading.template(path_of(name), "en").template.ratios[0]
    for seed in SEEDS[:6]:
        caption = told(jobs["en"], name, ratio, seed)
        (count, listed) = re.findall(r"(\w+) weeks of [^\"]*?(\"1\".*?\")(?:\.|$)", caption)[0]
        weeks = [[int(day) for day in re.findall(r"\d+", week)] for week in listed.split(";")]
        assert [day for week in weeks for day in week] == list(range(1, weeks[-1][-1] + 1))
        assert count.lower() == ("four", "five", "six")[len(weeks) - 4]
        assert len(weeks[0]) <= 7 and all(len(week) == 7 for week in weeks[1:-1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_tickets_and_posters_are_called_by_what_they_are_for(
    jobs: Mapping[str, Job], language: str
) -> None:
    events = EVENTS[language]
    for one in shipped():
        if "event" not in one.template.contents:
            continue
        seen = set()
        for seed in SEEDS[:6]:
            whole = filling(jobs[language], one.file, size_of(one.template.ratios[0]), seed)
            called = one.called(language, whole.record)
            (kind,) = [event for event in events if event in called and event != "音乐"]
            assert str(whole.record["occasion"]) in called and "{" not in called
            seen.add(kind)
        assert len(seen) > 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_signs_up_greets_or_is_served_is_called_so(
    jobs: Mapping[str, Job], language: str
) -> None:
    """Pages to sign up were called logins, a depot's name a greeting, and an espresso a dish."""
    of, seen = jobs[language], set()
    for seed in SEEDS:
        whole = filling(of, path_of("login-split"), size_of("16:9"), seed)
        signs_up = whole.record["title"] in {"Create account", "注册账号"}
        called = whole.loaded.called(language, whole.record)
        assert (("sign-up" if language == "en" else "注册") in called) == signs_up
        seen.add(signs_up)
        greeting = filling(of, path_of("dashboard"), size_of("4:3"), seed).record["greeting"]
        assert str(greeting).startswith(("Good morning", "Welcome", "早上好", "欢迎"))
        menu = told(of, "menu-board", "4:3", seed)
        assert ("menu items" if language == "en" else "种餐品") in menu and "dish" not in menu
    assert seen == {True, False}


def test_every_text_of_ours_says_what_it_is_and_rows_are_named() -> None:
    for one in shipped():
        for node in one.template.layout.everything():
            if node.text is not None or (node.say and any(node.say.values())):
                assert node.role in ROLES, f"{one.stem}: {node.text or node.say}"
            if node.entry is not None:
                english, chinese = ENTRIES[node.entry]
                inside = {child.role for child in node.everything() if child.role}
                assert not {ROLES[role][0] for role in inside} & {english}, one.stem
                assert not {ROLES[role][1] for role in inside} & {chinese}, one.stem


def test_a_chart_is_not_told_of_twice(jobs: Mapping[str, Job]) -> None:
    for name in ("chart-pie", "chart-line", "chart-bars", "infographic-donut", "map-legend"):
        caption = told(jobs["en"], name, "16:9", 1)
        assert len(re.findall(r"(?:pie|line|bar|ring) chart|street map", caption)) == 1


MINE = """\
name: {en: "{topic} board", zh: "{topic}牌"}
family: mine
ratios: ["1:1"]
records:
  en: [{topic: lost cat, pairs: [{a: One, b: Two}, {a: Three, b: Four}], days: [1, 2, 3, "", 4, 5]}]
layout:
  column:
    - row:
        - {text: item.a, role: name}
        - {text: item.b, role: price}
      each: pairs
      entry: dish
    - grid: [{text: item, role: day, each: days}]
      columns: [3, 3]
      cell: 4
      entry: week
  pad: 5
"""


def test_a_template_of_ones_own_says_what_belongs_together(
    jobs: Mapping[str, Job], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE, encoding="utf-8")
    sample = filled.render_template(
        Random(1), jobs["en"], loading.template(str(mine), "en"), size_of("1:1")
    )
    assert isinstance(sample, Sample)
    assert re.search(r"a lost cat board", sample.caption, re.IGNORECASE)
    assert re.search(r'dishes, each with .*: "One", "Two"; "Three", "Four"', sample.caption)
    assert re.search(r'wo weeks of .*"1", "2", "3"; "4", "5"', sample.caption)
    assert json.dumps(sample.annotation)
    for good, wrong, line in (
        ("{topic} board", "{topik} board", 1),
        ("columns: [3, 3]", "columns: [2, 3]", 13),
    ):
        mine.write_text(MINE.replace(good, wrong), encoding="utf-8")
        loading.template.cache_clear()
        with pytest.raises(UsageError, match=rf"mine\.yaml:{line}: "):
            loading.template(str(mine), "en")


@pytest.mark.parametrize(
    ("palette", "english", "chinese"),
    [
        ("violet", "dark purple", "深紫色"),
        ("ocean", "navy blue", "藏青色"),
        ("snow", "white", "白色"),
    ],
)
def test_grounds_have_true_names(
    jobs: Mapping[str, Job], palette: str, english: str, chinese: str
) -> None:
    for language, name in (("en", english), ("zh", chinese)):
        assert name in told(jobs[language], "slide-bullets", "16:9", 3, palette)
