"""The text reader: what it finds, where, and how it says that it is not installed."""

import sys

import cv2
import numpy as np
import pytest

from curation.failures.errors import UsageError
from curation.networks.ocr import TextReader


@pytest.fixture(scope="module")
def reader() -> TextReader:
    pytest.importorskip("rapidocr")
    return TextReader()


def page(scale: float = 1.0) -> np.ndarray:
    """Two words in OpenCV's own face, at (40, 60) and (40, 160) of a page of 300 x 200 pixels."""
    canvas = np.full((round(200 * scale), round(300 * scale), 3), 245, np.uint8)
    for text, bottom in (("Harbour", 60), ("Station", 160)):
        at = (round(40 * scale), round(bottom * scale))
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_COMPLEX, scale, (20, 20, 60), 2, cv2.LINE_AA)
    return canvas


@pytest.mark.parametrize(("scale", "enlarged"), [(1.0, 1.0), (0.6, 1.7)])
def test_lines_of_a_page_are_found_where_they_are(
    reader: TextReader, scale: float, enlarged: float
) -> None:
    regions = sorted(reader.page(page(scale), enlarged), key=lambda region: region.corners[0, 1])
    assert [region.text for region in regions] == ["Harbour", "Station"]
    for region, bottom in zip(regions, (60, 160), strict=True):
        assert region.corners.shape == (4, 2)
        assert 0.8 < region.score <= 1
        left, middle = region.corners[:, 0].min(), region.corners[:, 1].mean()
        assert abs(left / scale - 40) < 12
        assert abs(middle / scale - (bottom - 10)) < 12


def test_a_line_is_read_with_a_score(reader: TextReader) -> None:
    text, score = reader.line(page()[28:76, 30:200])
    assert text == "Harbour"
    assert 0.8 < score <= 1


def test_an_empty_page_has_no_text(reader: TextReader) -> None:
    assert reader.page(np.full((200, 300, 3), 250, np.uint8)) == []


@pytest.mark.parametrize("package", ["rapidocr", "onnxruntime"])
def test_a_missing_package_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"\({package} is missing\): pip install 'inkstone\[ocr"):
        TextReader()
