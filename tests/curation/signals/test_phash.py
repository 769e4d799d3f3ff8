"""The perceptual hash by its definition, and what it is for: near-duplicates and mirror images."""

from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from making.signal_pictures import COLOUR_PHOTOS, DRAWINGS, PHOTOS, columns, drawing, photo
from oracles import perceptual_hash
from PIL import Image

from curation.groupings.duplicates import near
from curation.picture import decoding
from curation.signals.phash import phash

RADIUS = 4


def _bits(first: int, second: int) -> int:
    return (first ^ second).bit_count()


def _hash(data: bytes) -> int:
    return int(phash.function(decoding.decode(data))["phash"])


def _jpeg(image: Image.Image, quality: int) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


# Not brick: its lowest frequencies are all near zero, so that rounding decides their sign.
@pytest.mark.parametrize("name", [name for name in PHOTOS if name != "brick"])
def test_equals_its_definition_within_two_bits(name: str) -> None:
    expected = perceptual_hash.phash(photo(name))
    assert _bits(columns(photo(name))["phash"], expected) <= 2


def test_most_photographs_hash_exactly_as_by_definition() -> None:
    expected = {name: perceptual_hash.phash(photo(name)) for name in PHOTOS}
    assert sum(columns(photo(name))["phash"] == expected[name] for name in PHOTOS) >= 5


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
def test_near_duplicates_lie_within_the_radius(name: str) -> None:
    image = Image.fromarray(photo(name))
    own = columns(photo(name))["phash"]
    larger = image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
    brighter = image.point(lambda level: min(255, int(level * 1.15)))
    for changed in (image, larger, brighter, image.convert("L").convert("RGB")):
        assert _bits(own, _hash(_jpeg(changed, 60))) <= RADIUS


@pytest.mark.parametrize("name", COLOUR_PHOTOS)
@pytest.mark.parametrize("cut", [0, 1])
def test_mirror_images_lie_within_the_radius(name: str, cut: int) -> None:
    pixels = photo(name)[:, cut:]
    own, mirrored = columns(pixels)["phash"], columns(pixels[:, ::-1].copy())["phash"]
    assert near.apart(np.uint64(own), np.uint64(mirrored)) <= RADIUS < _bits(own, mirrored)


def test_distinct_pictures_lie_far_apart() -> None:
    hashes = [columns(photo(name))["phash"] for name in PHOTOS]
    hashes += [columns(drawing(name))["phash"] for name in DRAWINGS]
    pairs = np.array([*combinations(hashes, 2)], np.uint64)
    nearest = near.apart(pairs[:, 0], pairs[:, 1]).min()
    assert nearest > 2 * RADIUS


@pytest.mark.parametrize("level", [1, 128, 255])
def test_a_solid_picture_has_one_hash_and_no_rounding_noise(level: int) -> None:
    hashes = {
        columns(np.full((*shape, 3), level, np.uint8))["phash"]
        for shape in ((256, 256), (256, 341), (300, 257), (64, 48))
    }
    assert hashes == {1 << 63}
