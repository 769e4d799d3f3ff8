"""The report: right numbers, right pictures, and nothing active whatever the data says."""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import finished_run
from making.finished_run import FinishedRun
from PIL import Image

from curation.failures.exit_codes import WRONG_USAGE, exit_code_of
from curation.output import column_files
from curation.output.layout import Layout
from curation.report import OutcomeError, write_report
from curation.report.collect import Collected, collect
from curation.report.nearest import EACH_SIDE

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</title></style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% include 'style.html' %}",
    "a\u202egpj.exe\u2066\u200f",
    "bell\x07 escape\x1b[31m nul\x00",
    "https://example.invalid/track.gif",
    "url(https://example.invalid/)",
)
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Every tag with its attributes, all text, and whether tags close in order."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    def all_text(self) -> str:
        return " ".join(" ".join(data for tag, data in self.texts if tag != "style").split())

    def pictures(self) -> list[str]:
        return [str(attributes["src"]) for tag, attributes in self.tags if tag == "img"]


def assert_inert(page: Page) -> None:
    """Nothing runs, nothing is loaded, nothing leads out."""
    for tag, attributes in page.tags:
        assert tag not in {"script", "iframe", "object", "embed", "link", "base", "form", "use"}
        assert tag not in {"foreignobject", "video", "audio", "source", "animate", "set", "input"}
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"srcset", "action", "formaction", "xlink:href", "srcdoc", "ping"}
            if name == "href":
                assert re.fullmatch(r"#[a-z]+", str(value)), value
            if name == "src":
                assert re.fullmatch(r"data:image/webp;base64,[A-Za-z0-9+/=]+", str(value))
            if name == "style":
                assert re.fullmatch(r"[a-z:;0-9.%()-]+", str(value)), value
            if name == "id":
                assert re.fullmatch(r"[a-z]+(-\d+)?", str(value)), value


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return finished_run.build(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def found(finished: FinishedRun) -> Collected:
    return collect(finished.output)


@pytest.fixture(scope="module")
def page(finished: FinishedRun) -> Page:
    return Page(Path(write_report(finished.output)).read_text())


def whole_table(finished: FinishedRun) -> pa.Table:
    """Ledger and signals of all rows side by side."""
    layout = Layout(finished.output)
    tables = []
    for unit in finished.units:
        table = pq.read_table(layout.ledger(unit))
        signals = pq.read_table(finished_run.measured(layout).base_path(unit))
        for name in signals.column_names:
            if name not in table.column_names:
                table = table.append_column(name, signals.column(name))
        tables.append(table)
    return pa.concat_tables(tables)


def test_the_page_is_sound_inert_and_says_so_to_the_browser(page: Page) -> None:
    assert page.open == []
    assert_inert(page)
    policies = [
        str(attributes["content"])
        for tag, attributes in page.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


def test_it_opens_with_the_sum_of_the_ledger(finished: FinishedRun, page: Page) -> None:
    counts = finished.counts
    told = (
        rf"{counts['in']} pictures in = {counts['kept']} kept, [\d.]+ % "
        rf"\+ {counts['dropped']} dropped, [\d.]+ % \+ {counts['quarantined']} quarantined"
    )
    assert re.search(told, page.all_text())
    assert "and the lines add up" in page.all_text()


def test_the_funnel_counts_what_run_json_counts(finished: FinishedRun, found: Collected) -> None:
    assert found.funnel.problems == ()
    stages = {stage.name: stage for stage in found.funnel.stages}
    assert list(stages) == ["s1", "s2", "s5"]
    for name, told in finished.counts["stages"].items():
        assert (stages[name].entered, stages[name].passed) == (told["in"], told["passed"])
        assert {rule.bound.rule: rule.count for rule in stages[name].rules} == told["dropped"]


def test_a_count_that_differs_is_said_in_the_page(finished: FinishedRun, tmp_path: Path) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished.output, output)
    run = json.loads((output / "run.json").read_text())
    run["counts"]["kept"] += 1
    (output / "run.json").write_text(json.dumps(run))
    told = Page(Path(write_report(str(output))).read_text()).all_text()
    assert f"Does not add up: run.json counts {run['counts']['kept']} kept" in told


def test_histograms_count_every_readable_row(finished: FinishedRun, found: Collected) -> None:
    table = whole_table(finished)
    readable = column_files.is_null(table.column("reason"))
    kept = np.asarray(table.column("verdict").to_pylist(), object) == "kept"
    assert [entry.column for entry in found.histograms] == [
        "size",
        "short_side",
        "nsfw",
        "rotation",
        "clarity",
        "luma",
    ]
    for entry in found.histograms:
        values = column_files.as_float(table.column(entry.column))
        assert entry.measured == readable.sum()
        assert (entry.kept + entry.rest + entry.beyond).sum() == entry.measured
        assert entry.kept.sum() == kept.sum()
        for bound, number in zip(entry.bounds, entry.beyond_each, strict=True):
            failed = values < bound.value if bound.side == "min" else values > bound.value
            assert number == (failed & readable).sum()


def test_the_pictures_nearest_to_each_bound_are_the_nearest(
    finished: FinishedRun, found: Collected
) -> None:
    rows = whole_table(finished).to_pylist()
    assert len(found.nearest) == 9
    for entry in found.nearest:
        bound = entry.bound
        passing = [
            abs(row[bound.column] - bound.value)
            for row in rows
            if row["verdict"] == "kept" and not bound.beyond(np.array([row[bound.column]]))[0]
        ]
        stopped = [
            abs(row[bound.column] - bound.value)
            for row in rows
            if row["rule"] == bound.rule and row["bound"] == bound.value
        ]
        assert [pick.distance for pick in entry.kept] == sorted(passing)[:EACH_SIDE]
        assert [pick.distance for pick in entry.stopped] == sorted(stopped)[:EACH_SIDE]
        assert entry.stopped_count == len(stopped)


def test_duplicate_groups_lead_with_the_better_row(finished: FinishedRun, found: Collected) -> None:
    rows = whole_table(finished).to_pylist()
    for kind in found.duplicates:
        copies = [row for row in rows if row["rule"] == f"{kind.column}.max"]
        assert kind.rows == len(copies) > 0
        assert kind.groups == len({row["duplicate_of"] for row in copies})
        for group in kind.shown:
            assert group.better is not None
            told = {member.pick.key for member in group.others}
            leader = group.better.pick
            expected = {row["key"] for row in copies if row["duplicate_of"] == leader.id}
            assert told == expected
            assert leader.key not in told
            assert group.size == len(expected) + 1


def test_thumbnails_are_small_pictures_of_the_named_files(
    finished: FinishedRun, found: Collected, page: Page
) -> None:
    assert len(page.pictures()) > 100
    for uri, thumbnail in found.thumbnails.items():
        with Image.open(uri) as original:
            assert (thumbnail.width, thumbnail.height) == original.size
            wanted = np.asarray(original.convert("RGB"), float)
        encoded = base64.b64decode(thumbnail.source.partition(",")[2])
        shown = np.asarray(Image.open(io.BytesIO(encoded)), float)
        assert np.abs(shown - wanted).mean() < 16
        assert thumbnail.caption == f"picture number {int(Path(uri).stem)}"


def test_large_pictures_are_reduced(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=2, size=(900, 300))
    shown = collect(finished.output).thumbnails.values()
    assert {(thumbnail.width, thumbnail.height) for thumbnail in shown} == {(160, 53)}


def test_only_what_nsfw_dropped_is_blurred(finished: FinishedRun, page: Page) -> None:
    dropped = [row for row in whole_table(finished).to_pylist() if row["rule"] == "nsfw.max"]
    covered = [
        str(attributes["title"]).partition(" ")[0]
        for tag, attributes in page.tags
        if tag == "figure" and "covered" in str(attributes.get("class"))
    ]
    assert 0 < len(set(covered)) <= EACH_SIDE
    assert set(covered) <= {row["key"] for row in dropped}
    shown = [
        attributes
        for tag, attributes in page.tags
        if tag == "figure" and str(attributes["title"]).partition(" ")[0] in set(covered)
    ]
    assert len(shown) == len(covered)


def test_quarantine_names_twenty_files_of_each_reason(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=70 * 23, broken_only="empty")
    told = Page(Path(write_report(finished.output)).read_text()).all_text()
    assert "empty 70 0005.jpg" in told
    assert "and 50 more" in told
    assert "0442.jpg as a test" in told  # the 20th: 5 + 19 * 23
    assert "0465.jpg" not in told


def test_missing_changed_and_broken_files_give_placeholders(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=12)
    before = Page(Path(write_report(finished.output)).read_text())
    pictures = sorted(finished.pictures.glob("*.jpg"))
    pictures[0].unlink()
    pictures[1].write_bytes(pictures[2].read_bytes())
    page = Page(Path(write_report(finished.output)).read_text())
    assert len(page.pictures()) < len(before.pictures())
    assert "changed since the run" in page.all_text()
    assert "not readable now" in page.all_text()
    shutil.rmtree(finished.pictures)
    page = Page(Path(write_report(finished.output)).read_text())
    assert page.pictures() == []
    assert "not readable now" in page.all_text()
    shutil.rmtree(Path(finished.output) / "plan")
    assert "not found" in Page(Path(write_report(finished.output)).read_text()).all_text()


def test_same_run_same_bytes_whatever_the_report_took(finished: FinishedRun) -> None:
    path = Path(write_report(finished.output))
    first = path.read_bytes()
    run = json.loads(Path(Layout(finished.output).run).read_text())
    run["steps"]["report"]["wall_seconds"] = 77.7
    Path(Layout(finished.output).run).write_text(json.dumps(run))
    assert Path(write_report(finished.output)).read_bytes() == first


def test_the_run_is_told(page: Page) -> None:
    told = page.all_text()
    assert "measure 1.50 s 0.90 s 123 MB" in told
    assert "pyarrow " + pa.__version__ in told
    assert "clarity: {min: 0.2}" in told
    assert "Seed 7" in told
    assert "pictures" in told


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run in which keys, captions, details and run.json are all written by an enemy."""

    def text_of(row: int) -> str:
        return HOSTILE[row % len(HOSTILE)] if row != 17 else "<b>" + "x" * 1_000_000

    def key_of(row: int, key: str) -> str | bytes:
        broken = {28: b"lone \xed\xa0\x80 surrogate", 51: b"no UTF-8 \xff"}
        return broken.get(row, f"{row} {text_of(row)}")

    finished = finished_run.build(
        tmp_path_factory.mktemp("hostile"),
        rows=120,
        rename=key_of,
        detail=text_of,
        caption=lambda row: text_of(row).encode(),
    )
    path = Path(Layout(finished.output).run)
    run = json.loads(path.read_text())
    for number, bad in enumerate((*HOSTILE, "\ud800", "y" * 1_000_000)):
        run["configuration"][bad] = [bad, {bad: bad}]
        run["versions"][bad] = bad
        run["steps"][f"{number} {bad}"] = run["steps"]["measure"]
        run["inputs"].append(bad)
    run["pipeline"] = run["seed"] = run["configuration"]["keep"] = HOSTILE[1]
    path.write_text(json.dumps(run))
    return finished


def test_hostile_data_does_nothing(hostile: FinishedRun) -> None:
    content = Path(write_report(hostile.output)).read_bytes()
    page = Page(content.decode())
    assert page.open == []
    assert_inert(page)
    assert len(content) < 2_000_000
    forbidden = "[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    assert not re.search(forbidden, content.decode())
    told = page.all_text()
    assert "<script>alert(1)</script>" in told  # shown as it stands, as text
    assert "{{ 7 * 7 }}" in told
    assert "lone \ufffd surrogate" in told
    assert "no UTF-8 \ufffd" in told
    longest = max(len(data) for tag, data in page.texts if tag not in ("style", "pre"))
    assert longest < 1000


def test_hostile_data_leaves_the_page_as_many_tags_as_harmless_data(
    hostile: FinishedRun, tmp_path: Path
) -> None:
    harmless = finished_run.build(tmp_path, rows=120)
    shutil.copyfile(Layout(hostile.output).run, Layout(harmless.output).run)

    def tags(finished: FinishedRun) -> list[str]:
        page = Page(Path(write_report(finished.output)).read_text())
        return sorted(tag for tag, _ in page.tags if tag not in ("bdi", "li", "img", "span"))

    assert tags(hostile) == tags(harmless)


def test_a_run_without_rows_has_a_report(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=1)
    shutil.rmtree(Path(finished.output) / "ledger")
    shutil.rmtree(Path(finished.output) / "signals")
    told = Page(Path(write_report(finished.output)).read_text()).all_text()
    assert "0 pictures in = 0 kept" in told
    assert "Nothing was kept." in told


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutcomeError, match=r"run\.json: not there") as caught:
        write_report(str(tmp_path))
    assert exit_code_of(caught.value)[0] == WRONG_USAGE
    finished = finished_run.build(tmp_path, rows=6)
    path = Layout(finished.output).ledger(finished.units[0])
    column_files.write(path, column_files.read(path).slice(1))
    with pytest.raises(column_files.ColumnFileError, match="3 rows, but its signals have 4"):
        write_report(finished.output)
