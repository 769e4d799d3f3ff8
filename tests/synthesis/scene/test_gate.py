"""The legibility gate of mode scene: each of its reasons can fire, and what is legible passes."""

import numpy as np
import pytest

from synthesis.scene import geometry, legibility
from synthesis.scene.geometry import Surface
from synthesis.unrenderable import UnrenderableError

CENTRES = np.array([[60.0, 50.0], [120.0, 50.0]])


def bars(thickness: int) -> np.ndarray:
    """Coverage of upright bars around the centres."""
    mask = np.zeros((100, 200), np.uint8)
    for x, _ in CENTRES.astype(int):
        for bar in range(-12, 13, 8):
            mask[35:65, x + bar : x + bar + thickness] = 255
    return mask


def picture(coverage: np.ndarray, ink: int, ground: int) -> np.ndarray:
    grey = np.where(coverage > 0, ink, ground).astype(np.uint8)
    return np.dstack([grey] * 3)


def reason(check: object, *told: object) -> str:
    with pytest.raises(UnrenderableError) as caught:
        check(*told)  # type: ignore[operator]
    return caught.value.reason


def test_low_contrast() -> None:
    mask = bars(3)
    seen = legibility.measure(picture(mask, 120, 160), mask, CENTRES, 30)
    assert reason(legibility.check_contrast, seen, 30) == "low_contrast"
    seen = legibility.measure(picture(mask, 20, 240), mask, CENTRES, 30)
    legibility.check_contrast(seen, 30)
    assert max(seen.ink) < 30 and min(seen.ground) > 230
    assert 13 < seen.contrast < 21


def test_one_glyph_of_low_contrast_is_enough() -> None:
    mask = bars(3)
    image = picture(mask, 20, 240)
    image[:, 100:] = picture(mask, 20, 60)[:, 100:]
    seen = legibility.measure(image, mask, CENTRES, 30)
    assert reason(legibility.check_contrast, seen, 30) == "low_contrast"


def test_small_text_needs_more_contrast() -> None:
    seen = legibility.Seen((100, 100, 100), (190, 190, 190), 3.4)
    legibility.check_contrast(seen, 30)
    assert reason(legibility.check_contrast, seen, 15) == "low_contrast"


def test_thin_stem() -> None:
    for thickness in (1, 2, 4):
        assert legibility.stem(bars(thickness)) == pytest.approx(thickness, rel=0.15)
    faint = bars(1) // 2  # as strokes half a pixel wide are drawn
    assert legibility.stem(faint) == pytest.approx(0.5, rel=0.15)
    assert reason(legibility.check_stem, legibility.stem(faint)) == "thin_stem"
    legibility.check_stem(1.4)


def test_occluded() -> None:
    mask = bars(3)
    before = np.zeros_like(mask)
    legibility.check_occlusion(mask, before)
    legibility.check_occlusion(mask, None)
    before[:, :60] = 200
    assert reason(legibility.check_occlusion, mask, before) == "occluded"


def test_outside_canvas() -> None:
    inside = np.array([[10, 10, 20, 10, 20, 20, 10, 20.0]])
    legibility.check_inside(inside, 100, 100)
    assert reason(legibility.check_inside, inside - 11, 100, 100) == "outside_canvas"
    assert reason(legibility.check_inside, inside, 100, 15) == "outside_canvas"


def test_too_small() -> None:
    half = Surface(geometry.scaled(1.0, 0.5))
    (scale,) = legibility.scales(half, np.array([[5.0, 5.0]]))
    assert scale == pytest.approx(0.5)
    assert reason(legibility.check_size, 20 * scale, 14) == "too_small"
    legibility.check_size(40 * scale, 14)
