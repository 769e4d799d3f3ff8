"""Machine codes: seen where they are, read, and not seen where there is none."""

import sys
from typing import Any

import cv2
import numpy as np
import pytest
from making.collection import drawing, encoded

from curation.signals.codes import codes
from curation.signals.row import Row
from curation.signals.signal import MissingModelError, ready

SAID = "https://example.org/harbour"


@pytest.fixture(scope="module")
def measure() -> Any:
    pytest.importorskip("zxingcpp")
    return ready(codes)


def with_code(module: int, at: tuple[int, int], degrees: float = 0) -> np.ndarray:
    """A QR code by OpenCV's encoder, its modules so many pixels wide, on a busy image."""
    code = cv2.QRCodeEncoder.create().encode(SAID)
    code = cv2.copyMakeBorder(code, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=255)
    code = cv2.resize(code, None, fx=module, fy=module, interpolation=cv2.INTER_NEAREST)
    image = np.asarray(drawing(5, 600)).copy()
    x, y = at
    image[y : y + code.shape[0], x : x + code.shape[1]] = code[..., None]
    turn = cv2.getRotationMatrix2D((300, 300), degrees, 1)
    return cv2.warpAffine(image, turn, (600, 600), borderMode=cv2.BORDER_REFLECT)


def seen(measure: Any, image: np.ndarray) -> dict[str, Any]:
    data = cv2.imencode(".png", image)[1].tobytes()
    return dict(measure([Row("a", data, {}, {})])[0])


@pytest.mark.parametrize("degrees", [0, 25, 180])
def test_a_code_is_read_where_it_is(measure: Any, degrees: float) -> None:
    said = seen(measure, with_code(6, (120, 200), degrees))
    assert said["codes"] == 1
    (region,) = said["codes_regions"]
    assert (region["kind"], region["text"], region["score"]) == ("QR Code", SAID, 1)
    assert said["codes_area"] == pytest.approx((25 * 6 / 600) ** 2, rel=0.35)
    quad = np.reshape(region["quad"], (4, 2))
    back = cv2.transform(
        quad[None], cv2.invertAffineTransform(cv2.getRotationMatrix2D((300, 300), degrees, 1))
    )[0]
    assert (back.min(axis=0) > (120, 200)).all()
    assert (back.max(axis=0) < (120 + 33 * 6, 200 + 33 * 6)).all()


def test_a_small_image_is_searched_enlarged(measure: Any) -> None:
    small = cv2.resize(with_code(4, (40, 40)), (200, 200), interpolation=cv2.INTER_AREA)
    said = seen(measure, small)
    assert said["codes"] == 1
    assert max(said["codes_regions"][0]["quad"]) < 100


def test_images_without_a_code_have_none(measure: Any) -> None:
    rows = [Row(str(seed), encoded(drawing(seed, 500)), {}, {}) for seed in range(6)]
    nothing = {"codes": 0, "codes_area": 0.0, "codes_regions": []}
    assert measure(rows) == [nothing] * 6


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    monkeypatch.setattr("curation.networks.weights.find_spec", lambda name: None)
    with pytest.raises(MissingModelError, match=r"pip install 'inkstone\[codes\]'"):
        codes.check(None)
