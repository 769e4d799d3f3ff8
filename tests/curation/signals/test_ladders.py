"""Every pixel signal follows its own defect step by step, and leaves the others' alone."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.defects import DEFECTS, RGB, blurred, darkened, noisy
from making.signal_pictures import COLOUR_PHOTOS, PHOTOS, columns, derived_columns, photo

from curation.configuration import loading

# column, defect, strengths from weak to strong, sign of the change, largest step back allowed
LADDERS = [
    ("clarity", "blurred", (0.6, 0.8, 1, 1.5, 2, 3, 4), -1, 0),
    ("clarity", "upscaled", (1.5, 2, 3, 4, 5, 6, 8), -1, 0),
    ("luma", "darkened", (0.8, 0.6, 0.4, 0.25, 0.12, 0.06, 0.03), -1, 0),
    ("luma", "brightened", (1.2, 1.5, 1.9, 2.5, 3.2, 4, 6), 1, 0),
    ("luma", "lifted", (20, 40, 60, 90, 120, 160), 1, 0),
    ("highlight", "darkened", (0.8, 0.6, 0.4, 0.25, 0.12, 0.06, 0.03), -1, 0),
    ("shadow", "lifted", (20, 40, 60, 90, 120, 160), 1, 0),
    ("entropy", "faded", (0.8, 0.6, 0.4, 0.25, 0.15, 0.08, 0.04), -1, 0),
    ("entropy", "emptied", (0.25, 0.4, 0.55, 0.7, 0.85, 1), -1, 0),
    ("texture", "noisy", (5, 10, 20, 30, 45, 60, 90), 1, 0),
    ("noise", "noisy", (5, 10, 20, 30, 45, 60, 90), 1, 0),
    ("sharpness", "blurred", (1, 1.5, 2, 3), -1, 0.01),
    ("least_sharpness", "blurred", (1, 1.5, 2, 3), -1, 0.01),
    ("peak", "darkened", (0.8, 0.6, 0.4, 0.25, 0.12, 0.06, 0.03), -1, 0),
    ("luma_range", "faded", (0.8, 0.6, 0.4, 0.25, 0.15, 0.08, 0.04), -1, 0),
]
# Brick laid in rows is sharp along the shake whatever its length, hence the step back.
SHAKEN = (3, 5, 7, 9, 13, 17, 21)
COLOUR_LADDERS = [
    ("overexposure", "brightened", (1.2, 1.4, 1.6, 1.8, 2, 2.25, 2.5), 1, 0),
    ("chroma", "saturated", (1.25, 1.5, 2, 2.5, 3, 3.5, 4), 1, 0),
]
SOFT = {"blurred", "motion_blurred", "enlarged"}  # what is soft is soft, whatever made it so
CLIPPED = {"oversaturated", "overexposed", "posterised", "dithered"}  # few colours, at the ends
STRONG = {  # defect -> strength, the column whose shipped bound it must break, and which it may
    "blurred": (2.5, "blurred", SOFT),
    "shaken": (17, "motion_blurred", SOFT),
    "upscaled": (5, "enlarged", SOFT),
    "darkened": (0.12, "peak", {"luma_range"}),
    "lifted": (160, "shadow", {"overexposed", "entropy", "luma_range"}),  # almost blank
    "saturated": (4, "oversaturated", CLIPPED),
    "faded": (0.05, "luma_range", {"shadow", "peak", "entropy"}),
    "noisy": (30, "noise", CLIPPED),
    "posterised": (4, "posterised", CLIPPED),
}


def _climb(name: str, column: str, defect: str, strengths: tuple[float, ...]) -> list[float]:
    rgb = photo(name)
    return [columns(rgb)[column]] + [
        columns(DEFECTS[defect](rgb, strength))[column] for strength in strengths
    ]


def _assert_monotone(values: list[float], sign: int, slack: float) -> None:
    steps = sign * np.diff(values)
    assert steps.min() >= -slack - 1e-6, values
    assert sign * (values[-1] - values[0]) > 0.05, values


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(("column", "defect", "strengths", "sign", "slack"), LADDERS)
def test_follows_its_own_defect(
    name: str, column: str, defect: str, strengths: tuple[float, ...], sign: int, slack: float
) -> None:
    _assert_monotone(_climb(name, column, defect, strengths), sign, slack)


@pytest.mark.parametrize("name", PHOTOS)
def test_clarity_follows_motion_blur(name: str) -> None:
    values = _climb(name, "clarity", "shaken", SHAKEN)
    _assert_monotone(values, -1, 0.07 if name == "brick" else 0)


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
@pytest.mark.parametrize(("column", "defect", "strengths", "sign", "slack"), COLOUR_LADDERS)
def test_follows_its_own_defect_in_colour(
    name: str, column: str, defect: str, strengths: tuple[float, ...], sign: int, slack: float
) -> None:
    _assert_monotone(_climb(name, column, defect, strengths), sign, slack)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("deviation", [5, 8, 12, 16])
def test_clarity_stays_low_however_strong_the_blur(name: str, deviation: float) -> None:
    assert columns(blurred(photo(name), deviation))["clarity"] < 0.42


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
@pytest.mark.parametrize("gain", [3, 4, 6])
def test_overexposure_stays_high_while_anything_is_left(name: str, gain: float) -> None:
    assert columns(DEFECTS["brightened"](photo(name), gain))["overexposure"] > 0.35


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(
    ("defect", "strength"),
    [("darkened", 0.5), ("darkened", 0.12), ("faded", 0.5), ("faded", 0.12), ("saturated", 3)],
)
def test_dark_and_pale_pictures_are_not_blurred(name: str, defect: str, strength: float) -> None:
    before = columns(photo(name))["clarity"]
    after = columns(DEFECTS[defect](photo(name), strength))["clarity"]
    assert after == pytest.approx(before, abs=0.06)


@pytest.mark.parametrize("name", PHOTOS)
def test_dark_pictures_are_not_empty_but_pale_ones_are(name: str) -> None:
    dark = columns(darkened(photo(name), 0.12))["entropy"]
    pale = columns(DEFECTS["faded"](photo(name), 0.12))["entropy"]
    assert dark > 0.15
    assert pale < 0.06


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(
    ("defect", "strength"), [("blurred", 2), ("noisy", 30), ("saturated", 3), ("faded", 0.12)]
)
def test_mean_luma_is_only_about_light(name: str, defect: str, strength: float) -> None:
    before = columns(photo(name))["luma"]
    after = columns(DEFECTS[defect](photo(name), strength))["luma"]
    assert after == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(
    ("defect", "strength"), [("blurred", 2), ("darkened", 0.25), ("saturated", 3), ("faded", 0.3)]
)
def test_texture_never_rises_with_another_defect(name: str, defect: str, strength: float) -> None:
    after = columns(DEFECTS[defect](photo(name), strength))["texture"]
    assert after <= columns(photo(name))["texture"] + 0.5


@pytest.mark.parametrize("name", PHOTOS)
def test_grey_pictures_have_no_chroma(name: str) -> None:
    grey = cv2.cvtColor(photo(name), cv2.COLOR_RGB2GRAY)
    assert columns(np.repeat(grey[..., None], 3, axis=2))["chroma"] == 0


def _broken(rgb: RGB) -> set[str]:
    pipeline = loading.load(str(loading.shipped_path()))
    values = derived_columns(rgb)
    return {
        column
        for stage in pipeline.stages
        for column, bound in stage.bounds.items()
        if column in values
        and not (
            (bound.min is None or values[column] >= bound.min)
            and (bound.max is None or values[column] <= bound.max)
        )
    }


@pytest.mark.parametrize("name", PHOTOS)
def test_shipped_bounds_keep_good_photographs(name: str) -> None:
    assert not _broken(photo(name))


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
@pytest.mark.parametrize("defect", STRONG)
def test_shipped_bounds_drop_a_strong_defect_for_the_right_reason(name: str, defect: str) -> None:
    strength, reason, others = STRONG[defect]
    broken = _broken(DEFECTS[defect](photo(name), strength))
    assert reason in broken
    assert not broken - others - {reason}


def _scene(seed: int) -> RGB:
    """A random drawing: a shaded ground with a few dozen ellipses and boxes."""
    generator = np.random.default_rng(seed)
    corners = generator.integers(60, 200, (2, 2, 3)).astype(np.uint8)
    scene = cv2.resize(corners, (320, 256), interpolation=cv2.INTER_LINEAR)
    for _ in range(40):
        x, y, width, height = generator.integers((0, 0, 4, 4), (320, 256, 60, 60)).tolist()
        colour = generator.integers(40, 220, 3).tolist()
        if generator.random() < 0.5:
            cv2.rectangle(scene, (x, y), (x + width, y + height), colour, -1)
        else:
            cv2.ellipse(scene, (x, y), (width, height), 0, 0, 360, colour, -1)
    return np.asarray(scene, np.uint8)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_ladders_hold_on_random_drawings(seed: int) -> None:
    scene = _scene(seed)

    def climb(column: str, made: list[RGB]) -> list[float]:
        return [columns(rgb)[column] for rgb in (scene, *made)]

    blurs = [blurred(scene, deviation) for deviation in (0.6, 0.8, 1, 1.5, 2, 3, 4)]
    _assert_monotone(climb("clarity", blurs), -1, 0)
    dark = [darkened(scene, gain) for gain in (0.8, 0.6, 0.4, 0.25, 0.12, 0.06)]
    _assert_monotone(climb("luma", dark), -1, 0)
    _assert_monotone(climb("highlight", dark), -1, 0)
    noise = [noisy(scene, deviation) for deviation in (3, 6, 12, 24, 48, 90)]
    _assert_monotone(climb("texture", noise), 1, 0)
    pale = [DEFECTS["faded"](scene, contrast) for contrast in (0.8, 0.6, 0.4, 0.25, 0.12, 0.05)]
    _assert_monotone(climb("entropy", pale), -1, 0)
