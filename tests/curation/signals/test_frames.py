"""What frames an image: bars, seams of collages, bars of user interfaces."""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from making import elements
from making.signal_pictures import COLOUR_PHOTOS, photo

from curation.signals import grounds
from curation.signals.borders import borders
from curation.signals.collages import collages
from curation.signals.row import Row
from curation.signals.screenshots import screenshots
from curation.signals.signal import Signal, ready

OTHERS = [name for name in COLOUR_PHOTOS if name != "brick"]


def said(entry: Signal, rgb: np.ndarray, quality: int = 90) -> dict[str, Any]:
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return dict(ready(entry)([Row("a", data, {}, {})])[0])


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (30, 60, 110)])
@pytest.mark.parametrize(("sides", "kinds"), [("tb", ["top", "bottom"]), ("lr", ["left", "right"])])
def test_bars_are_measured_with_their_places(
    colour: tuple[int, int, int], sides: str, kinds: list[str]
) -> None:
    rgb = photo("coffee")
    shares = [0.05, 0.1, 0.3]
    values = [said(borders, elements.barred(rgb, share, colour, sides)) for share in shares]
    for share, value in zip(shares, values, strict=True):
        assert value["borders"] == pytest.approx(share, abs=0.015)
        assert [each["kind"] for each in value["borders_regions"]] == kinds


def test_a_frame_all_around_is_four_bars() -> None:
    value = said(borders, elements.barred(photo("coffee"), 0.2, sides="tblr"))
    assert value["borders"] == pytest.approx(1 - 0.8**2, abs=0.02)
    assert len(value["borders_regions"]) == 4


def test_white_around_an_object_and_night_are_no_bars() -> None:
    scene = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(scene, (200, 200), 120, (40, 90, 160), -1, cv2.LINE_AA)
    night = np.zeros((400, 400, 3), np.uint8)
    cv2.circle(night, (330, 60), 25, (250, 250, 220), -1, cv2.LINE_AA)
    for rgb in (scene, night, np.full((300, 300, 3), 80, np.uint8)):
        assert said(borders, rgb)["borders"] == 0
        assert said(screenshots, rgb)["screenshot"] == 0


def page(*, panels: bool = False) -> np.ndarray:
    """A slide: a title, a box over its whole width, and two photographs side by side."""
    slide = np.full((500, 700, 3), 255, np.uint8)
    cv2.putText(slide, "Results of 2019", (40, 42), 0, 1.0, (20, 20, 20), 2, cv2.LINE_AA)
    slide[70:75] = (70, 90, 140)
    if panels:
        for x, name in ((170, "coffee"), (330, "chelsea")):
            slide[85:490, x : x + 160] = cv2.resize(photo(name), (160, 405))
    return slide


def test_margins_titles_and_pictures_of_a_page_are_no_bars_and_no_panels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slide, pictures = page(), page(panels=True)
    values = [(borders, "borders", slide[45:]), (screenshots, "screenshot", slide)]
    values.append((collages, "collage", pictures))
    for entry, name, rgb in values:
        assert said(entry, rgb)[name] < 0.01, name
    monkeypatch.setattr(grounds, "PAGE", 1.0)  # else they are
    for entry, name, rgb in values:
        assert said(entry, rgb)[name] > 0.04, name


@pytest.mark.parametrize("gutter", [0, 6])
def test_panels_side_by_side_have_a_seam_where_they_meet(gutter: int) -> None:
    panels = [photo(name) for name in ("coffee", "chelsea", "astronaut", "coffee")]
    value = said(collages, elements.collage(panels, 2, gutter))
    assert value["collage"] > 0.4
    middles = [np.reshape(each["quad"], (4, 2)).mean(axis=0) for each in value["collage_regions"]]
    assert middles
    assert all(np.abs(middle - 300).max() < 4 for middle in middles)


@pytest.mark.parametrize("name", OTHERS)
def test_a_photograph_alone_has_no_seam_and_no_bars(name: str) -> None:
    assert said(collages, photo(name))["collage"] < 0.5
    assert said(screenshots, photo(name))["screenshot"] == 0


@pytest.mark.parametrize("dark", [False, True])
def test_bars_with_marks_are_those_of_an_interface(dark: bool) -> None:
    rgb = cv2.resize(photo("astronaut"), (500, 700), interpolation=cv2.INTER_CUBIC)
    shares = [0.12, 0.2, 0.3]
    values = [said(screenshots, elements.screenshot(rgb, share, dark)) for share in shares]
    for share, value in zip(shares, values, strict=True):
        assert value["screenshot"] == pytest.approx(share, abs=0.02)
        assert [each["kind"] for each in value["screenshot_regions"]] == ["top", "bottom"]
    assert all(one["screenshot"] < two["screenshot"] for one, two in pairwise(values))


@pytest.mark.parametrize("entry", [borders, collages, screenshots])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (4, 300), (9, 9), (40, 31)])
def test_no_shape_is_too_odd(entry: Signal, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    data = cv2.imencode(".png", noise)[1].tobytes()
    (value,) = ready(entry)([Row("a", data, {}, {})])
    assert all(0 <= of <= 1 for of in value.values() if not isinstance(of, list))
