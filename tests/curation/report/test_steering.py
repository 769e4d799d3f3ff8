"""What the report offers to steer by: overlap of rules, sliders, sources, quotas, boxes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import finished_run
from making.finished_run import FinishedRun
from making.pages import Page

from curation.output.layout import Layout
from curation.report import boxes, write_report
from curation.report.collect import Collected
from curation.report.origins import SHOWN, Origins
from curation.report.outcome import Bound, Unit
from curation.report.overlap import Overlap
from curation.report.sections import budgets
from curation.sources.sample import Sample


@pytest.fixture(scope="module")
def rows(finished: FinishedRun) -> dict[str, np.ndarray]:
    """The readable rows' columns, signals and ledger, as arrays; null is NaN or None."""
    layout, tables_read = Layout(finished.output), []
    for unit in finished.units:
        table = pq.read_table(finished_run.measured(layout).base_path(unit))
        ledger = pq.read_table(layout.ledger(unit)).select(["verdict", "stage", "rule"])
        for name in ledger.column_names:
            table = table.append_column(name, ledger.column(name))
        tables_read.append(table.filter(pa.compute.is_null(table.column("reason"))))
    whole = pa.concat_tables(tables_read)
    return {name: np.array(whole.column(name).to_pylist()) for name in whole.column_names}


def bound(column: str, side: str, value: float) -> Bound:
    return Bound("s1", None, False, column, side, value)  # type: ignore[arg-type]


def test_the_overlap_counts_rows_beyond_two_bounds_whichever_stopped_them(
    collected: Collected, rows: dict[str, np.ndarray]
) -> None:
    names = [of.rule for of in collected.overlap.bounds]
    clarity, luma = rows["clarity"] < 0.2, rows["luma"] < 0.05
    one, other = names.index("clarity.min"), names.index("luma.min")
    assert collected.overlap.together[one, one] == clarity.sum() > 0
    assert collected.overlap.together[one, other] == (clarity & luma).sum()
    assert "near_better.max" in names
    assert not any(of.deeper for of in collected.overlap.bounds)


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), max_size=30))
def test_overlap_is_symmetric_and_adds_up(flags: list[list[bool]]) -> None:
    beyond = np.array(flags, np.bool_).reshape(-1, 3)
    whole = Overlap((bound("a", "min", 0), bound("b", "min", 0), bound("c", "max", 1)))
    for half in np.array_split(beyond, 2):
        whole.add(half)
    assert (whole.together == whole.together.T).all()
    assert np.diag(whole.together).tolist() == beyond.sum(axis=0).tolist()
    assert (whole.alone <= np.diag(whole.together)).all()
    assert whole.alone.sum() == (beyond.sum(axis=1) == 1).sum()


def test_moving_a_bound_out_of_the_way_gives_back_what_it_alone_stopped(
    collected: Collected, rows: dict[str, np.ndarray]
) -> None:
    histogram = next(of for of in collected.histograms if of.column == "clarity")
    stopped = (rows["rule"] == "clarity.min") & (rows["verdict"] == "dropped")
    others = (rows["luma"] < 0.05) | (rows["luma"] > 0.97) | (rows["nsfw_open"] > 0.5)
    assert 0 < histogram.alone.sum() == (stopped & ~others).sum()
    assert histogram.kept.sum() == (rows["verdict"] == "kept").sum()


def test_the_page_says_all_of_it_without_a_script(finished: FinishedRun) -> None:
    page = Page(Path(write_report(finished.output)).read_text())
    text = page.all_text()
    for words in ("Overlap of rules", "s2 clarity.min", "Sources", "pictures", "As configured"):
        assert words in text
    trials = [attributes for tag, attributes in page.tags if attributes.get("class") == "trial"]
    assert trials and all("hidden" in attributes for attributes in trials)
    sliders = [attributes for tag, attributes in page.tags if tag == "input"]
    labelled = {attributes.get("for") for tag, attributes in page.tags if tag == "label"}
    assert {attributes["id"] for attributes in sliders} == labelled
    for slider in sliders:
        labels = str(slider["data-labels"]).split("|")
        assert len(labels) == int(str(slider["max"])) + 1
        assert 0 <= int(str(slider["value"])) < len(labels)
    headers = [attributes for tag, attributes in page.tags if tag == "th"]
    assert headers and all("scope" in attributes for attributes in headers)


def unit(uris: list[str], verdicts: list[str], **columns: list[str | None]) -> Unit:
    signals = pa.table({"uri": uris, **columns})
    return Unit("0" * 16, signals, pa.table({"verdict": verdicts}))


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (None, {"crawl/a": (1, 1, 0), "crawl": (0, 0, 1), ".": (1, 0, 0)}),
        ("url", {"example.org": (1, 1, 0), "(none)": (1, 0, 1)}),
        ("source", {"photos": (2, 0, 0), "(none)": (0, 1, 1)}),
    ],
)
def test_rows_are_counted_by_source(by: str | None, names: dict[str, tuple[int, ...]]) -> None:
    origins = Origins(by)
    origins.add(
        unit(
            ["crawl/a/1.jpg", "crawl/a/2#x.jpg", "crawl/t.tar#3.jpg", "4.jpg"],
            ["kept", "dropped", "quarantined", "kept"],
            url=["https://u:p@example.org:80/x", "http://example.org", None, "no address"],
            source=["photos", None, None, "photos"],
        )
    )
    counted = {row.name: (row.kept, row.dropped, row.quarantined) for row in origins.rows}
    assert counted == names


def test_many_sources_are_summed_up_at_the_end() -> None:
    origins, count = Origins(None), SHOWN + 7
    origins.add(unit([f"{number}/a.jpg" for number in range(count)], ["kept"] * count))
    assert len(origins.rows) == SHOWN + 1
    assert (origins.rows[-1].name, origins.rows[-1].total) == ("7 others", 7)


def test_quotas_stand_beside_what_they_allow() -> None:
    counted = {"q": {"s2": {"cats": {"kept": 5, "of": 50}, "dogs": {"kept": 4, "of": 4}}}}

    def categories(**quota: object) -> list[tuple[float, float | None, str]]:
        configured = {"by": "animal", "since": "s2", **quota}
        run = {"configuration": {"quotas": {"q": configured}}, "counts": {"quotas": counted}}
        (view,) = budgets.views(run)
        (table,) = view.tables
        return [(of.part, of.target, of.limit) for of in (*table.categories, *table.rest)]

    assert categories(count=5) == [(10.0, 10.0, "5"), (100.0, 100.0, "5")]
    assert categories(fraction=0.1) == [(10.0, 10.0, "10 %"), (100.0, 10.0, "10 %")]
    assert categories(share={"cats": 0.2}) == [(10.0, 20.0, "20 %"), (100.0, None, "")]


def test_quota_tables_begin_with_what_is_stopped_most_and_leave_out_what_has_no_rows() -> None:
    every = {"b": (2, 9), "none": (0, 0), "a": (3, 4), "all": (5, 5)}
    stages = {
        "s2": {name: {"kept": kept, "of": of} for name, (kept, of) in every.items()},
        "s3": {"none": {"kept": 0, "of": 0}},
    }
    configured = {"q": {"by": "cut", "count": 5, "since": "s2"}, "idle": {"by": "x", "count": 1}}
    counted = {"q": stages, "idle": {"s2": {"x": {"kept": 0, "of": 0}}}}
    run = {"configuration": {"quotas": configured}, "counts": {"quotas": counted}}
    (view,) = budgets.views(run)
    (table,) = view.tables
    assert [of.name for of in table.categories] == ["b", "a"]
    assert [of.name for of in table.rest] == ["all"]
    assert (table.stage, table.kept, table.of, table.more) == ("s2", 10, 18, 0)


REGIONS = pa.list_(
    pa.struct(
        [
            ("kind", pa.string()),
            ("text", pa.string()),
            ("score", pa.float32()),
            ("quad", pa.list_(pa.float32())),
        ]
    )
)


def test_what_was_seen_is_drawn_over_its_thumbnail(tmp_path: Path) -> None:
    finished = finished_run.build(tmp_path, rows=40)
    layout = Layout(finished.output)
    evil = "<script>alert(1)</script>"
    quads = [[1, 2, 30, 2, 30, 40, 1, 40], [1, 2, 3], [float("nan")] * 8]
    seen = [{"kind": "qr", "text": evil, "score": 1.0, "quad": quad} for quad in quads]
    for name in finished.units:
        path = finished_run.measured(layout).base_path(name)
        table = pq.read_table(path)
        column = pa.array([seen] * table.num_rows, REGIONS)
        pq.write_table(table.append_column("codes", column), path)
    page = Page(Path(write_report(finished.output)).read_text())
    polygons = [attributes for tag, attributes in page.tags if tag == "polygon"]
    assert polygons
    assert {of["points"] for of in polygons} == {"1.0,2.0 30.0,2.0 30.0,40.0 1.0,40.0"}
    frames = {of["viewbox"] for tag, of in page.tags if tag == "svg" and "viewbox" in of}
    assert all(str(of).startswith("0 0 ") for of in frames)
    assert f"qr: {evil}" in page.all_text()
    assert "seen: qr" in page.all_text()


def test_lines_of_the_source_are_shown_and_neither_words_nor_glyphs() -> None:
    quad = [0.0, 0, 8, 0, 8, 4, 0, 4]
    said = [{"text": of, "quad": quad, "level": of} for of in ("block", "line", "word", "glyph")]
    sample = Sample("a", "a", b"", None, "a", text_boxes=said)
    assert [box.text for box in boxes.of_source(sample)] == ["line"]
    assert boxes.of_source(Sample("a", "a", b"", None, "a")) == ()
