"""Watermarks, told from other text by what it says and where it stands."""

from typing import Any

import numpy as np
import pytest

from curation.picture.decoding import Header
from curation.signals import watermarks
from curation.signals.regions import rectangle, region
from curation.signals.row import Row
from curation.signals.watermarks import SURE, marked

HEADER = Header("JPEG", "RGB", 1000, 800, 1, 1, 1)


def line(text: str, x: float, y: float, height: float = 0.05) -> dict[str, Any]:
    """A line of text around a place, in shares of the image."""
    half, high = 0.012 * len(text) * 1000 / 2, height * 800 / 2
    quad = rectangle(x * 1000 - half, y * 800 - high, x * 1000 + half, y * 800 + high)
    return dict(region(HEADER, (800, 1000), quad, "latin", text, 0.9))


def evidence(*lines: dict[str, Any]) -> list[str]:
    return [kind for kind, _ in marked(lines, HEADER)[1]]


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("shutterstock", "shutterstock"),
        ("hutterstoc", "shutterstock"),
        ("© Getty Images", "getty images"),
        ("视觉中国", "vcg"),
        ("stockphoto", "none"),
        ("Register File", "none"),
        ("stock", "none"),
    ],
)
def test_providers_are_named_also_where_their_name_is_cut(text: str, provider: str) -> None:
    assert marked([line(text, 0.5, 0.5, 0.1)], HEADER)[0] == provider


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SAMPLE", ["words"]),
        ("tockphoto", ["words"]),
        ("版权所有", ["words"]),
        ("© C. Lockwood", ["credit"]),
        ("Photo by: D. Baker", ["credit"]),
        ("gardenwife.com", ["credit"]),
        ("HOTEL", []),
        ("simple", []),
        ("St. Mary's", []),
    ],
)
def test_words_and_credits(text: str, kind: list[str]) -> None:
    assert evidence(line(text, 0.5, 0.5, 0.1)) == kind


def test_the_same_words_all_over_are_a_watermark_and_in_one_place_are_not() -> None:
    places = [(0.2, 0.2), (0.7, 0.25), (0.3, 0.6), (0.8, 0.75)]
    assert evidence(*(line("harbourside", x, y) for x, y in places)) == ["repeated"] * 4
    assert evidence(*(line("harbourside", 0.5, y, 0.1) for _, y in places)) == []
    others = [line(f"station number {n}", 0.5, 0.1 * n) for n in range(9)]
    assert evidence(*(line("harbourside", x, y) for x, y in places), *others) == []


def test_a_few_small_words_in_a_corner_are_doubtful() -> None:
    assert evidence(line("Zubi 04", 0.9, 0.95)) == ["corner"]
    assert evidence(line("Zubi 04", 0.9, 0.95, 0.12)) == []
    assert evidence(line("Zubi 04", 0.5, 0.95)) == []
    assert SURE["corner"] < 0.6 < SURE["credit"]


def test_a_page_about_copyright_is_a_page() -> None:
    page = [line(f"© the copyright of sample {n} is ours", 0.5, 0.1 * n) for n in range(1, 9)]
    assert evidence(*page) == []


def test_columns_and_what_was_not_read() -> None:
    class Said(Row):
        header = HEADER  # type: ignore[assignment]

    measure = watermarks.watermarks.function()
    rows = [
        Said("a", b"", {}, {"text_regions": of}) for of in ([], [line("SAMPLE", 0.5, 0.5)], None)
    ]
    nothing, sample, unread = measure(rows)
    assert nothing == {"watermark": 0.0, "stock_provider": "none", "watermark_regions": []}
    assert sample["watermark"] == SURE["words"]
    assert sample["watermark_regions"][0]["kind"] == "words"
    assert np.shape(sample["watermark_regions"][0]["quad"]) == (8,)
    assert set(unread.values()) == {None}
