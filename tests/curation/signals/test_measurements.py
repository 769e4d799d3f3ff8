"""What the measurements behind the probabilities see: grids, combs, borders, at every size."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from making.defects import DEFECTS, RGB, posterised
from making.signal_pictures import COLOUR_PHOTOS, columns, photo
from PIL import Image

from curation.picture import decoding
from curation.picture.decoding import Header, Picture
from curation.signals.blocky import blocky
from curation.signals.detail import detail
from curation.signals.grid import grid
from curation.signals.row import Row
from curation.signals.signal import ready


def _jpeg(rgb: RGB, quality: int) -> bytes:
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def _again(rgb: RGB, quality: int) -> RGB:
    return decoding.decode(_jpeg(rgb, quality), None).rgb


def _blocky(rgb: RGB) -> dict[str, float]:
    """The columns of ``blocky`` as a run has them, losslessly stored."""
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    read = {name: of for name, of in columns(rgb).items() if name in blocky.reads}
    return dict(ready(blocky)([Row("a", stream.getvalue(), {}, read)])[0])


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
def test_the_grid_of_a_coarse_jpeg_outlives_storing_it_again(name: str) -> None:
    values = [columns(_again(_again(photo(name), quality), 93)) for quality in (90, 35, 12, 6)]
    assert values[0]["grid"] < 0.3 < values[2]["grid"] < values[3]["grid"]


def test_a_resized_grid_has_another_period_and_is_seen_still() -> None:
    rgb = cv2.resize(photo("chelsea"), (520, 440), interpolation=cv2.INTER_AREA)
    clean, coarse = (_again(rgb, quality) for quality in (95, 7))
    size = round(rgb.shape[1] * 0.8), round(rgb.shape[0] * 0.8)
    resized = [cv2.resize(of, size, interpolation=cv2.INTER_AREA) for of in (clean, coarse)]
    values = [_blocky(of) for of in resized]
    assert columns(resized[1])["grid"] < 0.3
    assert values[1]["ripple"] > 3 * values[0]["ripple"]
    assert values[1]["overtones"] > values[0]["overtones"] + 0.5
    assert values[0]["blocky"] < 0.95 < values[1]["blocky"]


@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (33, 31), (40, 300)])
@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_picture_of_any_shape_has_no_period(shape: tuple[int, int], level: int) -> None:
    values = _blocky(np.full((*shape, 3), level, np.uint8))
    assert values["ripple"] == 0
    assert 0 <= values["blocky"] < 0.5


def test_a_picture_that_decoding_halved_has_a_grid_of_half_the_period() -> None:
    large = cv2.resize(photo("coffee"), (1200, 800), interpolation=cv2.INTER_CUBIC)
    halved = decoding.decode(_jpeg(_again(large, 6), 93), 256)
    assert halved.reduction == 2
    assert halved.stored.shape[:2] == (400, 600)
    whole = Picture(Header("PNG", "RGB", 600, 400, 1, 1, 1), halved.stored)
    assert grid.function(halved)["grid"] > 2 * max(0.05, grid.function(whole)["grid"])


@pytest.mark.parametrize("levels", [3, 4, 5, 7])
@pytest.mark.parametrize("name", COLOUR_PHOTOS)
def test_few_levels_make_a_comb_that_a_jpeg_does_not_wash_out(name: str, levels: int) -> None:
    clean, few = (columns(_again(of, 93)) for of in (photo(name), posterised(photo(name), levels)))
    assert few["capped_comb"] > clean["capped_comb"] + 0.05
    assert few["comb"] > clean["comb"]


def test_a_flat_area_on_a_level_is_no_comb_once_capped() -> None:
    rgb = photo("astronaut").copy()
    rgb[:, :160] = 128
    values = columns(rgb)
    assert values["comb"] > 0.3
    assert values["capped_comb"] < values["comb"] / 2


def test_turned_up_saturation_ends_gently_at_0_where_a_drawn_flower_ends_at_once() -> None:
    flower = np.full((256, 256, 3), (120, 130, 110), np.uint8)
    flower[64:192, 64:192] = (255, 0, 0)
    drawn, turned_up = columns(flower), columns(DEFECTS["saturated"](photo("astronaut"), 5))
    assert drawn["pure_colour"] > 0.2
    assert drawn["gently_empty"] == 0
    assert drawn["clipped_colour"] < 0.01
    assert turned_up["gently_empty"] > 1e-4
    assert turned_up["clipped_colour"] > 0.05


def test_the_middle_keeps_the_grid_in_place() -> None:
    stored = np.zeros((300, 1003, 3), np.uint8)
    stored[::8, ::8] = 255
    made = Picture(Header("PNG", "RGB", 1003, 300, 1, 1, 1), stored)
    assert made.middle.shape == (296, 512, 3)
    assert made.middle[0, 0, 0] == made.middle[8, 8, 0] == 255
    assert made.fine.shape == (296, 512)


def test_detail_is_that_of_the_finest_pixels_whatever_the_contrast() -> None:
    rgb = photo("coffee")
    sharp, pale = columns(rgb), columns(DEFECTS["faded"](rgb, 0.5))
    for name in ("sharpness", "least_sharpness", "least_step"):
        assert pale[name] == pytest.approx(sharp[name], abs=0.04), name
    assert pale["curvature"] == pytest.approx(sharp["curvature"] / 2, rel=0.15)


def test_second_differences_are_those_of_their_definition() -> None:
    fine = np.random.default_rng(3).integers(0, 256, (64, 72)).astype(np.uint8)
    wide = fine.astype(float)

    def mean(lag: int, axis: int) -> float:
        rolled = np.moveaxis(wide, axis, 0)
        bends = abs(rolled[lag:-lag] - (rolled[2 * lag :] + rolled[: -2 * lag]) / 2)
        return float(np.moveaxis(bends, 0, axis)[::8].mean())

    rgb = np.repeat(fine[..., None], 3, axis=2)
    made = Picture(Header("PNG", "RGB", 72, 64, 1, 1, 1), rgb)
    expected = min((mean(2, axis) + 0.05) / (mean(4, axis) + 0.05) for axis in (0, 1))
    assert detail.function(made)["least_sharpness"] == pytest.approx(expected)
    assert detail.function(made)["curvature"] == pytest.approx((mean(1, 0) + mean(1, 1)) / 2)
