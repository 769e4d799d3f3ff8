"""Numbers of templates are true: totals, shares, dates, and charts beside what they say."""

import calendar
import re
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random

import pytest

from curation.failures.errors import UsageError
from synthesis import corpus
from synthesis.fonts import files as font_files
from synthesis.job import Job
from synthesis.template import computed, faces, filled, generated, laying, loading, resources
from synthesis.template.contents import Contents, Filler, Scope
from synthesis.template.expanding import Part

KNOWN = Contents({}, {})
TEMPLATE = """\
name: {en: bill, zh: 账单}
family: mine
ratios: ["1:1"]
records:
  en: [{shop: Tea, rows: [{name: Tea, count: "3", price: $2.50, sum: "<times item.count item.price>"}], total: "<sum rows.sum>"}]
layout:
  column:
    - {text: total}
    - {text: item.sum, each: rows}
"""  # noqa: E501 - a record is a line
FAULTS = {
    "unknown field": ("<sum rows.sum>", "<sum rows.summ>", "did you mean 'rows.sum'"),
    "no list": ("<sum rows.sum>", "<sum shop.sum>", "expected a list"),
    "no number": ("<sum rows.sum>", "<sum rows.name>", "expected a text with one number"),
    "itself": ("<sum rows.sum>", "<plus total 1>", "refers to itself"),
    "too few": ("<sum rows.sum>", "<plus 1>", "two or more"),
    "too many": ("<sum rows.sum>", "<sum rows.sum rows.price>", "expected a list and a field"),
    "nothing left": ("<sum rows.sum>", "<rest 1 rows.price>", "leave nothing"),
    "unknown rule": ("<sum rows.sum>", "<summ rows.sum>", "did you mean 'sum'"),
}


def scope(record: dict[str, object], seed: int = 1) -> Scope:
    return Scope(Filler(Random(seed), "en", KNOWN), record)


def made(text: str, **record: object) -> str:
    return scope({"made": text, **record}).text("made")


def value(text: str) -> Decimal:
    return computed.quantity(text, "test").value


@cache
def job(language: str) -> Job:
    try:
        fonts = font_files.find(language)
    except UsageError as error:
        pytest.skip(f"no font for {language}: {error}")
    texts = corpus.load(language)
    told = (((640, 640),), fonts, texts.paragraphs, texts.digest, None)
    return Job(language, "template", 1, *told)


def parts(name: str, language: str, seed: int) -> list[Part]:
    """The parts of a shipped template, filled and laid out."""
    path = next(path for path in loading.shipped_paths() if Path(path).stem == name)
    loaded, random = loading.template(path, language), Random(seed)
    size = (640, 960) if "2:3" in loaded.template.ratios else (960, 640)
    record = filled.record_of(random, job(language), loaded)
    pairing = faces.choose(random, job(language).fonts, loaded.template.faces)
    told = laying.Filling(loaded, size, resources.colours("paper"), pairing, record, seed)
    return [one.part for one in laying.as_full_as_fits(told, language).parts]


def texts(found: list[Part], field: str) -> list[str]:
    return [one.text for one in found if one.node.text == field]


def test_results_are_written_as_their_operands() -> None:
    rows = [{"a": "$1,200.50"}, {"a": "$0.75"}]
    assert made("<sum rows.a>", rows=rows) == "$1,201.25"
    assert made("<times net -0.05>", net="¥146.98") == "-¥7.35"
    assert made("<plus net off>", net="¥146.98", off="-¥7.35") == "¥139.63"
    assert made("<times count price>", count="200", price="$0.43") == "$86.00"
    assert made("<plus now 1>", now="20°") == "21°"
    assert made("<minus total paid>", total="1200 g", paid="150 g") == "1050 g"


def test_a_share_is_what_the_others_leave() -> None:
    series = [{"v": "34%"}, {"v": "<int 20 26>%"}, {"v": "<rest 100 series.v>"}]
    found = [value(one.text("item.v")) for one in scope({"series": series}).entries("series")]
    assert sum(found) == 100


def test_an_entry_says_the_same_wherever_it_stands() -> None:
    around = scope({"rows": [{"v": "<int 1 100000>"}, {"v": "<int 1 100000>"}]})
    first = [one.text("item.v") for one in around.entries("rows")]
    assert [one.numbered(7).text("item.v") for one in around.entries("rows")] == first


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seed", range(4))
def test_a_receipt_and_an_invoice_add_up(language: str, seed: int) -> None:
    receipt = parts("receipt", language, seed)
    lines = sum(value(one) for one in texts(receipt, "item.price"))
    (net,), (tax,), totals = (texts(receipt, name) for name in ("net", "tax", "total"))
    assert value(net) == lines
    assert {value(one) for one in totals} == {value(net) + value(tax)}
    invoice = parts("invoice", language, seed)
    columns = (texts(invoice, f"item.{name}") for name in ("count", "price", "amount"))
    for count, price, amount in zip(*columns, strict=True):
        assert value(count) * value(price) == value(amount)
    (total,) = texts(invoice, "total")
    assert value(total) == sum(value(one) for one in texts(invoice, "item.amount"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_charts_show_what_they_say(language: str) -> None:
    for seed in range(8):
        found = parts("chart-bars", language, seed)
        (bars,) = [one for one in found if one.node.shape == "bars"]
        said = texts(found, "item.value")
        assert [Decimal(str(one)) for one in bars.data] == [value(one) for one in said]
        if said[0].endswith("%"):
            assert sum(value(one) for one in said) == 100


def test_days_of_the_week_are_those_of_the_date() -> None:
    for seed in range(40):
        day = generated.MAKERS["full_date"](Random(seed), "en", [])
        name, number, month, year = re.split(r",? ", day)
        months = [*calendar.month_name]
        assert (
            calendar.day_name[date(int(year), months.index(month), int(number)).weekday()] == name
        )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_calendars_are_those_of_their_year(language: str) -> None:
    for record in resources.contents(language).topics["calendar"]:
        year = int(re.sub(r"\D", "", record["year"]))
        title = record["title"]
        month = [*calendar.month_name].index(title) if language == "en" else int(title[:-1])
        days = [one for week in calendar.monthcalendar(year, month) for one in week]
        cells = [int(one or 0) for one in record["cells"]]
        assert cells + [0] * (len(days) - len(cells)) == days


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_computation_is_told_with_its_line(tmp_path: Path, fault: str) -> None:
    good, wrong, told = FAULTS[fault]
    path = tmp_path / "mine.yaml"
    path.write_text(TEMPLATE, "utf-8")
    loading.check((str(path),), "en", ())
    other = tmp_path / "other.yaml"
    other.write_text(TEMPLATE.replace(good, wrong), "utf-8")
    with pytest.raises(UsageError) as caught:
        loading.check((str(other),), "en", ())
    assert str(caught.value).startswith(f"{other}:5: "), str(caught.value)
    assert told in str(caught.value)


def test_a_sum_cannot_be_drawn_before_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEMPLATE.replace("{text: total}", "{shape: progress, data: total}"), "utf-8")
    with pytest.raises(UsageError, match=r"mine\.yaml:8: .*computed too late"):
        loading.check((str(path),), "en", ())
