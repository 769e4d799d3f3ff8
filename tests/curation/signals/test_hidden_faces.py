"""Hidden faces: heads under blocks or blur, on a photograph that ships inside scikit-image."""

from typing import Any

import cv2
import numpy as np
import pytest
from making import elements
from making.signal_pictures import COLOUR_PHOTOS, DRAWINGS, drawing, photo

from curation.signals.hidden_faces import hidden_faces
from curation.signals.row import Row
from curation.signals.signal import MissingModelError, ready

FACE = (185.0, 75.0, 268.0, 158.0)  # of the astronaut at 512 x 512, in pixels


@pytest.fixture(scope="module")
def measure() -> Any:
    try:
        return ready(hidden_faces)
    except MissingModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return cv2.resize(photo("astronaut"), (512, 512), interpolation=cv2.INTER_CUBIC)


def said(measure: Any, rgb: np.ndarray) -> dict[str, Any]:
    return dict(measure([Row("a", elements.jpeg(rgb), {}, {})])[0])


@pytest.mark.parametrize("across", [6, 8, 12])
@pytest.mark.parametrize("shape", ["ellipse", "rectangle"])
def test_a_face_under_blocks_is_seen_where_it_is(
    measure: Any, astronaut: np.ndarray, across: int, shape: str
) -> None:
    value = said(measure, elements.hidden(astronaut, FACE, "mosaic", across, shape, 1.3))
    assert value["hidden_faces"] == len(value["hidden_face_regions"]) >= 1
    middles = [np.reshape(of["quad"], (4, 2)).mean(axis=0) for of in value["hidden_face_regions"]]
    assert min(np.abs(middle - (226, 116)).max() for middle in middles) < 40
    assert {of["kind"] for of in value["hidden_face_regions"]} == {"mosaic"}


@pytest.mark.parametrize("strength", [0.16, 0.2])
@pytest.mark.parametrize("shape", ["ellipse", "rectangle"])
def test_a_blurred_face_is_seen_where_it_is(
    measure: Any, astronaut: np.ndarray, strength: float, shape: str
) -> None:
    value = said(measure, elements.hidden(astronaut, FACE, "blur", strength, shape, 1.3))
    blurred = [of for of in value["hidden_face_regions"] if of["kind"] == "blur"]
    middles = [np.reshape(of["quad"], (4, 2)).mean(axis=0) for of in blurred]
    assert middles and min(np.abs(middle - (226, 116)).max() for middle in middles) < 40


def test_an_image_that_is_blurred_as_a_whole_hides_no_face(
    measure: Any, astronaut: np.ndarray
) -> None:
    assert said(measure, cv2.GaussianBlur(astronaut, (0, 0), 8))["hidden_faces"] == 0


def test_blocks_beside_the_head_hide_no_face(measure: Any, astronaut: np.ndarray) -> None:
    beside = (20.0, 330.0, 100.0, 410.0)
    hidden = elements.hidden(astronaut, beside, "mosaic", 8, "rectangle", 1.0)
    assert said(measure, hidden)["hidden_faces"] == 0


@pytest.mark.parametrize("name", [*COLOUR_PHOTOS, *DRAWINGS])
def test_what_is_not_hidden_is_none(measure: Any, name: str) -> None:
    rgb = photo(name) if name in COLOUR_PHOTOS else drawing(name)
    assert said(measure, rgb) == {"hidden_faces": 0, "hidden_face_regions": []}


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (40, 40)])
def test_odd_shapes_have_an_answer(measure: Any, shape: tuple[int, int]) -> None:
    assert said(measure, np.full((*shape, 3), 90, np.uint8))["hidden_faces"] == 0
