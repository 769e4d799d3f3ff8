"""Signals as a set: what is found, what they yield, and that no picture is too odd for them."""

import numpy as np
import pyarrow as pa
import pytest
from making.signal_pictures import (
    COLOUR_PHOTOS,
    DRAWINGS,
    PHOTOS,
    PIXEL_SIGNALS,
    columns,
    derived_columns,
    drawing,
    photo,
)

from curation.measuring import measure
from curation.picture.decoding import Header, Picture
from curation.signals import discovery
from curation.signals.header import header
from curation.signals.signal import Signal

DEFECTS = (
    "blurred",
    "dithered",
    "enlarged",
    "motion_blurred",
    "overexposed",
    "oversaturated",
    "posterised",
)
PAIRS = ("pair_changes", "pair_instruction", "pair_kind", "pair_sizes")
SHAPES = [
    (1, 1),
    (1, 7),
    (2, 300),
    (4, 1),
    (6, 6),
    (7, 7),
    (16, 15),
    (33, 31),
    (64, 64),
    (16, 1500),
]


def test_every_signal_is_found_with_its_tier() -> None:
    found = {entry.name: entry.tier for entry in discovery.discover()}
    assert found == {
        **dict.fromkeys(("borders", "codes", "collages", "mosaics", "screenshots"), "model"),
        "compression": "file",
        "blocky": "model",
        "full_sharpness": "model",
        "header": "file",
        "personal": "file",
        "rights": "file",
        "text": "model",
        **dict.fromkeys(
            ("nsfw_open", "nsfw_nudenet", "offence", "embedding", "appearance", "classes"), "model"
        ),
        **dict.fromkeys(("aesthetics", "alignment", "clip", "siglip", "chinese_clip"), "model"),
        **dict.fromkeys(("watermarks", "faces", "hidden_faces"), "model"),
        **dict.fromkeys((entry.name for entry in PIXEL_SIGNALS), "pixel"),
        **dict.fromkeys(DEFECTS, "derived"),
        **dict.fromkeys(PAIRS, "pair"),
        "pair_similarity": "model",
    }


def test_every_column_says_its_unit_and_meaning() -> None:
    for entry in discovery.discover():
        for name, column in entry.columns.items():
            assert column.unit and column.meaning, name


@pytest.mark.parametrize("name", PHOTOS)
def test_values_fit_their_declared_columns(name: str) -> None:
    values = columns(photo(name))
    declared = {
        column: entry.columns[column].type for entry in PIXEL_SIGNALS for column in entry.columns
    }
    assert values.keys() == declared.keys()
    for column, kind in declared.items():
        assert pa.array([values[column]], kind).null_count == 0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fill", ["black", "white", "noise"])
def test_any_shape_gives_finite_numbers(shape: tuple[int, int], fill: str) -> None:
    rgb = {
        "black": np.zeros((*shape, 3), np.uint8),
        "white": np.full((*shape, 3), 255, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8),
    }[fill]
    for name, value in derived_columns(rgb).items():
        assert np.isfinite(float(value)), name
        assert name not in DEFECTS or 0 <= value <= 1


def test_the_same_picture_gives_the_same_numbers_and_stays_as_it_was() -> None:
    rgb = photo("coffee").copy()
    first = columns(rgb)
    assert columns(rgb) == first
    assert np.array_equal(rgb, photo("coffee"))


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
def test_mirroring_a_photograph_changes_no_measure_of_quality(name: str) -> None:
    straight, mirrored = columns(photo(name)), columns(np.ascontiguousarray(photo(name)[:, ::-1]))
    for column in ("luma", "highlight", "overexposure", "chroma", "entropy"):
        assert mirrored[column] == pytest.approx(straight[column], abs=1e-4), column
    assert mirrored["clarity"] == pytest.approx(straight["clarity"], abs=0.03)
    assert mirrored["texture"] == pytest.approx(straight["texture"], abs=0.3)


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_are_neither_blurred_nor_empty_nor_noise(name: str) -> None:
    values = columns(drawing(name))
    assert values["clarity"] > 0.9
    assert values["entropy"] > 0.2
    assert values["texture"] < 0.1
    assert values["overexposure"] < 0.01
    assert values["highlight"] > 0.5


def test_solid_colours_and_gradients_are_empty_and_have_no_edge() -> None:
    ramp = np.linspace(0, 255, 512).astype(np.uint8)[None, :, None]
    empty = [np.full((256, 256, 3), colour, np.uint8) for colour in ((0, 0, 0), (200, 30, 40))]
    for rgb in (*empty, np.broadcast_to(ramp, (384, 512, 3)).copy()):
        values = columns(rgb)
        assert values["entropy"] == 0
        assert values["clarity"] <= 0.25
        assert values["texture"] < 0.5


def test_a_night_scene_has_highlights_and_an_underexposed_picture_has_none() -> None:
    night = np.full((256, 384, 3), 6, np.uint8)
    night[40:80, ::8] = 230  # 2 % of the picture: lit windows
    underexposed = (photo("astronaut") * 0.1).astype(np.uint8)
    assert columns(night)["luma"] < columns(underexposed)["luma"] + 0.05
    assert columns(night)["highlight"] > 0.8
    assert columns(underexposed)["highlight"] < 0.11


@pytest.mark.parametrize(
    ("orientation", "rotation", "mirrored"),
    [
        (1, 0, 0),
        (2, 0, 1),
        (3, 180, 0),
        (4, 180, 1),
        (5, 270, 1),
        (6, 90, 0),
        (7, 90, 1),
        (8, 270, 0),
    ],
)
def test_header_tells_the_exif_orientation(orientation: int, rotation: int, mirrored: int) -> None:
    told = header.function(Header("JPEG", "RGB", 300, 400, orientation, 1, 5))
    assert (told["rotation"], told["mirrored"]) == (rotation, mirrored)


def test_header_columns() -> None:
    told = header.function(Header("GIF", "P", 900, 300, 1, 12, 5))
    assert told == {
        "width": 900,
        "height": 300,
        "format": "GIF",
        "short_side": 300,
        "pixels": 270_000,
        "aspect_ratio": 3.0,
        "frames": 12,
        "rotation": 0,
        "mirrored": 0,
    }
    assert told.keys() == header.columns.keys()


def test_the_greatest_picture_allowed_fits_its_columns() -> None:
    told = header.function(Header("PNG", "RGB", 2**31 - 1, 65_500, 1, 1, 5))
    for name, column in header.columns.items():
        stored = pa.array([told[name]], column.type)[0].as_py()
        assert stored == (pytest.approx(told[name]) if name == "aspect_ratio" else told[name])


def test_orientation_agrees_with_what_decoding_undoes() -> None:
    """Turned clockwise by ``rotation`` after mirroring, the stored picture is the upright one."""
    from io import BytesIO

    from PIL import Image

    from curation.picture import decoding

    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32, :32] = (255, 0, 0)
    stored[:32, 64:] = (0, 255, 0)
    for orientation in range(1, 9):
        exif, stream = Image.Exif(), BytesIO()
        exif[0x0112] = orientation
        Image.fromarray(stored).save(stream, "PNG", exif=exif)
        decoded = decoding.decode(stream.getvalue(), None)
        told = header.function(decoded.header)
        undone = stored[:, ::-1] if told["mirrored"] else stored
        undone = np.rot90(undone, -int(told["rotation"]) // 90)
        assert np.array_equal(decoded.rgb, undone), orientation


def test_pictures_are_measured_at_256_pixels() -> None:
    """All but what is about the finest detail that was decoded, and the hash."""
    rgb = np.kron(photo("coffee"), np.ones((4, 4, 1), np.uint8))
    large = Picture(Header("PNG", "RGB", rgb.shape[1], rgb.shape[0], 1, 1, 1), rgb)
    for entry in PIXEL_SIGNALS:
        if entry.name not in ("phash", "detail", "grid", "levels"):
            for name, value in entry.function(large).items():
                assert value == pytest.approx(columns(photo("coffee"))[name], abs=0.02), name


def test_two_signals_may_not_measure_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    known = discovery.discover()
    column = next(name for name, of in known[0].columns.items())
    twin = Signal("twin", "pixel", 1, {column: known[0].columns[column]}, lambda picture: {})
    assert measure.refusal(known) is None
    monkeypatch.setattr("curation.signals.signal.TWIN", twin, raising=False)
    with pytest.raises(ValueError, match=f"column '{column}': both {known[0].name} and twin"):
        discovery.discover(("curation.signals.signal",))
