"""Decoding: what is refused and why, what odd files become, and what a decoder may not do."""

import io

import numpy as np
import pytest
from making.broken_pictures import broken
from making.odd_pictures import odd
from making.picture_making import HEIGHT, WIDTH, photo, saved, upright
from PIL import GifImagePlugin, Image, ImageOps

from curation.picture import decoding, pixels
from curation.picture.decoding import PictureError

BROKEN, ODD = broken(), odd()
Y, X = np.mgrid[:HEIGHT, :WIDTH]
# Lossy formats ring near edges: only the middle of each quarter is compared for them.
MIDDLE = (abs(Y % 32 - 15.5) < 11) & (abs(X % 48 - 23.5) < 19)


def refusal(data: bytes, short_side: int | None = None) -> PictureError:
    with pytest.raises(PictureError) as caught:
        decoding.decode(data, short_side)
    return caught.value


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_file_is_refused_with_its_reason(name: str) -> None:
    data, reason = BROKEN[name]
    error = refusal(data)
    assert error.reason == reason, str(error)
    assert refusal(data, 32).reason == reason
    assert str(refusal(data)) == str(error)  # no addresses, no counters
    assert error.detail.isascii()
    assert error.detail.isprintable()


def test_zoo_shows_every_reason_but_a_full_memory() -> None:
    assert {reason for _, reason in BROKEN.values()} == set(decoding.REASONS) - {"memory"}


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_file_becomes_its_upright_pixels(name: str) -> None:
    data, expected, worst = ODD[name]
    decoded = decoding.decode(data, None)
    header = decoding.read_header(data)
    assert decoded.header == header
    assert decoded.rgb.shape == expected.shape == (header.height, header.width, 3)
    assert decoded.rgb.dtype == np.uint8
    difference = abs(decoded.rgb.astype(int) - expected)
    assert (difference if worst <= 1 else difference[MIDDLE]).max() <= worst
    assert header.size == len(data)
    assert header.format in decoding.FORMATS


@pytest.mark.parametrize("name", sorted(name for name in ODD if "orientation" in name))
def test_turned_like_pillow(name: str) -> None:
    data = ODD[name][0]
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(decoding.decode(data, None).rgb, np.asarray(turned))


@pytest.mark.parametrize("name", sorted(ODD))
def test_strips_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ODD[name][0]
    whole = [decoding.decode(data, short_side).rgb for short_side in (None, 20)]
    monkeypatch.setattr(pixels, "_STRIP_PIXELS", 5 * WIDTH)
    for before, short_side in zip(whole, (None, 20), strict=True):
        assert np.array_equal(before, decoding.decode(data, short_side).rgb)


@pytest.mark.parametrize(
    ("short_side", "shape"),
    [
        (None, (64, 96)),
        (65, (64, 96)),
        (33, (64, 96)),
        (32, (32, 48)),
        (16, (16, 24)),
        (1, (8, 12)),
    ],
)
@pytest.mark.parametrize("name", ["jpeg-plain", "jpeg-progressive", "png-plain", "tiff-cmyk"])
def test_reduced_alike_in_every_format(
    name: str, short_side: int | None, shape: tuple[int, int]
) -> None:
    decoded = decoding.decode(ODD[name][0], short_side)
    assert decoded.rgb.shape == (*shape, 3)
    assert (decoded.header.height, decoded.header.width) == (64, 96)
    step = 64 // shape[0]
    centres = decoded.rgb[8 // step :: 32 // step, 24 // step :: 48 // step].astype(int)
    assert abs(centres - upright()[8::32, 24::48]).max() <= 8


def test_odd_sizes_are_reduced_alike() -> None:
    image = Image.fromarray(photo()).crop((0, 0, 91, 53))
    shapes = {decoding.decode(saved(image, kind), 10).rgb.shape for kind in ("JPEG", "PNG", "GIF")}
    assert shapes == {(14, 23, 3)}


@pytest.mark.parametrize(
    ("name", "frames"),
    [("gif-animated", 3), ("webp-animated", 3), ("tiff-pages", 2), ("png-animated", 3),
     ("png-many-frames", 1), ("jpeg-multi-picture", 1), ("gif-plain", 1)],
)  # fmt: skip
def test_frames_are_counted_without_decoding(
    name: str, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scanned(_: object) -> int:
        raise AssertionError("Pillow counted frames")

    monkeypatch.setattr(GifImagePlugin.GifImageFile, "n_frames", property(scanned))
    assert decoding.read_header(ODD[name][0]).frames == frames


def test_header_describes_the_stored_pixels() -> None:
    header = decoding.read_header(ODD["jpeg-orientation-6"][0])
    assert (header.width, header.height, header.orientation) == (WIDTH, HEIGHT, 6)
    modes = {name: decoding.read_header(ODD[name][0]).mode for name in ODD}
    assert modes["jpeg-cmyk"] == "CMYK"
    assert modes["jpeg-grey"] == "L"
    assert modes["png-deep-grey"] == "I;16"
    assert modes["tiff-lab"] == "LAB"


def test_small_and_grey_views() -> None:
    wide = np.tile(photo(), (9, 12, 1))
    decoded = decoding.decode(saved(wide, "PNG"), None)
    assert decoded.small.shape == (256, 512, 3)
    assert decoded.grey.shape == (256, 512)
    assert decoded.small.dtype == decoded.grey.dtype == np.uint8
    assert abs(float(decoded.small.mean()) - float(wide.mean())) < 1
    tiny = decoding.decode(saved(photo(), "PNG"))
    assert tiny.small is tiny.rgb
    strip = decoding.decode(saved(np.full((300, 60_000), 99, np.uint8), "PNG"), None)
    assert strip.small.shape == (256, 51_200, 3)
    assert {int(value) for value in np.unique(strip.grey)} == {99}
