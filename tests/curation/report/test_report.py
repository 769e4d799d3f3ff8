"""The report: right numbers and right images, in a page that is inert."""

import base64
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import finished_run
from making.finished_run import FinishedRun
from making.pages import Page, assert_inert
from PIL import Image

from curation.failures.exit_codes import WRONG_USAGE, exit_code_of
from curation.output import column_files
from curation.output.layout import Layout
from curation.report import OutcomeError, write_report
from curation.report.collect import Collected, collect
from curation.report.nearest import EACH_SIDE


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
    total = (
        rf"{counts['in']} images in = {counts['kept']} kept, [\d.]+ % "
        rf"\+ {counts['dropped']} dropped, [\d.]+ % \+ {counts['quarantined']} quarantined"
    )
    assert re.search(total, page.all_text())
    assert "and the lines add up" in page.all_text()


def test_the_funnel_counts_what_run_json_counts(
    finished: FinishedRun, collected: Collected
) -> None:
    assert collected.funnel.problems == ()
    stages = {stage.name: stage for stage in collected.funnel.stages}
    assert list(stages) == ["s1", "s2", "s5"]
    for name, of_stage in finished.counts["stages"].items():
        assert (stages[name].entered, stages[name].passed) == (of_stage["in"], of_stage["passed"])
        assert {rule.bound.rule: rule.count for rule in stages[name].rules} == of_stage["dropped"]


def test_a_count_that_differs_is_said_in_the_page(finished: FinishedRun, tmp_path: Path) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished.output, output)
    run = json.loads((output / "run.json").read_text())
    run["counts"]["kept"] += 1
    (output / "run.json").write_text(json.dumps(run))
    text = Page(Path(write_report(str(output))).read_text()).all_text()
    assert f"Does not add up: run.json counts {run['counts']['kept']} kept" in text


def test_histograms_count_every_readable_row(finished: FinishedRun, collected: Collected) -> None:
    table = whole_table(finished)
    readable = column_files.is_null(table.column("reason"))
    kept = np.asarray(table.column("verdict").to_pylist(), object) == "kept"
    assert [entry.column for entry in collected.histograms] == [
        "size",
        "short_side",
        "nsfw_open",
        "clarity",
        "rotation",
        "luma",
    ]
    for entry in collected.histograms:
        values = column_files.as_float(table.column(entry.column))
        assert entry.measured == readable.sum()
        assert (entry.kept + entry.rest + entry.beyond).sum() == entry.measured
        assert entry.kept.sum() == kept.sum()
        for bound, number in zip(entry.bounds, entry.beyond_each, strict=True):
            failed = values < bound.value if bound.side == "min" else values > bound.value
            assert number == (failed & readable).sum()


def test_rules_of_the_funnel_come_as_they_are_applied(collected: Collected) -> None:
    second = next(stage for stage in collected.funnel.stages if stage.name == "s2")
    applied = [rule.bound.rule for rule in second.rules]
    assert applied == ["rotation.max", "clarity.min", "luma.min", "luma.max"]


def test_the_images_nearest_to_each_bound_are_the_nearest(
    finished: FinishedRun, collected: Collected
) -> None:
    rows = whole_table(finished).to_pylist()
    assert len(collected.nearest) == 9
    for entry in collected.nearest:
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


def test_duplicate_groups_lead_with_the_representative(
    finished: FinishedRun, collected: Collected
) -> None:
    rows = whole_table(finished).to_pylist()
    for kind in collected.duplicates:
        duplicates_of_kind = [row for row in rows if row["rule"] == f"{kind.column}.max"]
        assert kind.rows == len(duplicates_of_kind) > 0
        assert kind.groups == len({row["duplicate_of"] for row in duplicates_of_kind})
        for group in kind.shown:
            assert group.representative is not None
            others = {member.pick.key for member in group.others}
            leader = group.representative.pick
            expected = {
                row["key"] for row in duplicates_of_kind if row["duplicate_of"] == leader.id
            }
            assert others == expected
            assert leader.key not in others
            assert group.size == len(expected) + 1


def test_thumbnails_are_small_images_of_the_named_files(
    finished: FinishedRun, collected: Collected, page: Page
) -> None:
    assert len(page.images()) > 100
    for uri, thumbnail in collected.thumbnails.items():
        with Image.open(uri) as original:
            assert (thumbnail.width, thumbnail.height) == original.size
            wanted = np.asarray(original.convert("RGB"), float)
        encoded = base64.b64decode(thumbnail.source.partition(",")[2])
        shown = np.asarray(Image.open(io.BytesIO(encoded)), float)
        assert np.abs(shown - wanted).mean() < 16
        assert thumbnail.caption == f"picture number {int(Path(uri).stem)}"


def test_large_images_are_reduced(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=2, size=(900, 300))
    shown = collect(finished.output).thumbnails.values()
    assert {(thumbnail.width, thumbnail.height) for thumbnail in shown} == {(160, 53)}


def test_only_what_nsfw_open_dropped_is_blurred(finished: FinishedRun, page: Page) -> None:
    dropped = [row for row in whole_table(finished).to_pylist() if row["rule"] == "nsfw_open.max"]
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
    text = Page(Path(write_report(finished.output)).read_text()).all_text()
    assert "empty 70 0005.jpg" in text
    assert "and 50 more" in text
    assert "0442.jpg as a test" in text  # the 20th: 5 + 19 * 23
    assert "0465.jpg" not in text


def test_missing_changed_and_broken_files_give_placeholders(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=12)
    before = Page(Path(write_report(finished.output)).read_text())
    pictures = sorted(finished.pictures.glob("*.jpg"))
    pictures[0].unlink()
    pictures[1].write_bytes(pictures[2].read_bytes())
    page = Page(Path(write_report(finished.output)).read_text())
    assert len(page.images()) < len(before.images())
    assert "changed since the run" in page.all_text()
    assert "not readable now" in page.all_text()
    shutil.rmtree(finished.pictures)
    page = Page(Path(write_report(finished.output)).read_text())
    assert page.images() == []
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
    text = page.all_text()
    assert "measure 1.50 s 0.90 s 123 MB" in text
    assert "pyarrow " + pa.__version__ in text
    assert "clarity: {min: 0.2}" in text
    assert "Seed 7" in text
    assert "pictures" in text


def test_a_run_without_rows_has_a_report(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=1)
    shutil.rmtree(Path(finished.output) / "ledger")
    shutil.rmtree(Path(finished.output) / "signals")
    text = Page(Path(write_report(finished.output)).read_text()).all_text()
    assert "0 images in = 0 kept" in text
    assert "Nothing was kept." in text


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutcomeError, match=r"run\.json: not there") as caught:
        write_report(str(tmp_path))
    assert exit_code_of(caught.value)[0] == WRONG_USAGE
    finished = finished_run.build(tmp_path, rows=6)
    path = Layout(finished.output).ledger(finished.units[0])
    column_files.write(path, column_files.read(path).slice(1))
    with pytest.raises(column_files.ColumnFileError, match="3 rows, but its signals have 4"):
        write_report(finished.output)
