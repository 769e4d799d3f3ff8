"""Pages that a small model learns from are split by text; the reader reads true ones alone."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks import pages_learnt, pages_rendered
from benchmarks.pages_learnt import Cell, Point, Run
from curation.failures.errors import UsageError


def test_no_held_out_text_is_trained_on() -> None:
    characters = pages_rendered.hanzi(30)
    assert len(set(characters)) == 30
    split = [
        set(islice(pages_rendered.texts(characters, 1, held_out=held_out), 300))
        for held_out in (True, False)
    ]
    assert not split[0] & split[1]
    assert {len(text) for text in split[1]} == {1, 2, 3, 4}
    assert set("".join(split[1])) == set(characters)
    with pytest.raises(UsageError, match="the shipped corpus has"):
        pages_rendered.hanzi(10**6)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[pages_rendered.Page]:
    """Held-out pages of 30 hanzi in one font."""
    out: Path = tmp_path_factory.mktemp("pages")
    try:
        pages_rendered.render(out, pages_rendered.hanzi(30), 1, 12, 2, held_out=True)
    except UsageError as problem:
        pytest.skip(str(problem))
    return pages_rendered.read(out)


def test_pages_show_the_texts_that_they_are_to_show(pages: list[pages_rendered.Page]) -> None:
    assert len(pages) == 12
    assert {page.pixels.shape for page in pages} == {(128, 128, 3)}
    assert set("".join(page.text for page in pages)) <= set(pages_rendered.hanzi(30))
    assert all(f"“{page.text}”" in page.caption for page in pages)


def test_true_pages_are_read_and_empty_ones_are_not(pages: list[pages_rendered.Page]) -> None:
    pytest.importorskip("rapidocr")
    from benchmarks import pages_read

    texts = [page.text for page in pages]
    reader = pages_read.PageReader()
    read = pages_read.figures(reader.judge([page.pixels for page in pages], texts), texts)
    assert read.exact >= 0.8
    assert read.characters >= read.exact
    blank = [np.full_like(page.pixels, 255) for page in pages]
    none = pages_read.figures(reader.judge(blank, texts), texts)
    assert (none.exact, none.characters, none.pages) == (0, 0, 12)


def test_lines_are_taken_as_rows_and_as_columns_from_the_right() -> None:
    pytest.importorskip("rapidocr")
    from benchmarks.pages_read import _joined
    from curation.networks.ocr import Region

    def region(left: int, top: int, text: str) -> Region:
        corners = [[left, top], [left + 20, top], [left + 20, top + 20], [left, top + 20]]
        return Region(np.array(corners, np.float32), text, 1.0)

    square = [region(0, 0, "一"), region(32, 1, "二"), region(1, 30, "三"), region(30, 30, "四")]
    assert _joined(square, 1, 0, 1) == "一二三四"
    assert _joined(square, 0, 1, -1) == "二四一三"


def test_the_report_says_what_it_is_of_and_when_the_bar_was_reached() -> None:
    points = (Point(10, 300.0, 0.2, 0.5), Point(20, 600.0, 0.88, 0.9), Point(30, 900.0, 0.9, 0.95))
    run = Run(Cell.of("30:2"), 0.98, 0.96, points, tuple(2 - step / 20 for step in range(30)))
    said = pages_learnt.report(run)
    assert "2 fonts, 30 hanzi, pages of 128 px, free size and position" in said
    assert "held-out strings" in said
    assert "reached: 600 CPU-s" in said
    assert pages_learnt.met([run]) == {run.cell: True}
    late = Run(run.cell, run.raw, 1.0, (Point(10, 5000.0, 0.95, 0.95),), run.losses)
    assert pages_learnt.met([late]) == {run.cell: False}
    assert pages_learnt.curves(run).count("<polyline") == 3
