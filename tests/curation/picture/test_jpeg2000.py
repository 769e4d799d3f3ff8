"""JPEG 2000 cut into so many pieces that a small file asks for gigabytes or minutes."""

import struct
from typing import Any

import numpy as np
import pytest
from making.picture_making import saved
from PIL import Image

from curation.picture import decoding, opening
from curation.picture.decoding import PictureError
from curation.picture.formats.jpeg2000_pieces import check_pieces

COD, COC, POC = 0xFF52, 0xFF53, 0xFF5F
SIDE = 512


def bare(**options: Any) -> bytes:
    coarse = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize((SIDE, SIDE))
    return saved(np.asarray(image), "JPEG2000", no_jp2=True, **options)


def style(
    layers: int = 1, block: int = 4, precincts: bytes = b"", levels: int = 5
) -> tuple[int, bytes]:
    """A COD: ``block`` is two less than the exponent of its side."""
    body = struct.pack(">BBHBBBBBB", bool(precincts), 0, layers, 1, levels, block, block, 0, 1)
    return COD, body + precincts


def of_component(segment: tuple[int, bytes]) -> tuple[int, bytes]:
    return COC, b"\1" + segment[1][:1] + segment[1][5:]


def with_cod(data: bytes, segment: tuple[int, bytes]) -> bytes:
    """The main header's COD replaced."""
    place = data.index(b"\xff\x52")
    length = struct.unpack_from(">H", data, place + 2)[0]
    return data[:place] + stored(segment) + data[place + 2 + length :]


def in_tile(data: bytes, segment: tuple[int, bytes]) -> bytes:
    """The header of the first tile-part with one more segment."""
    place = data.index(b"\xff\x90\0\x0a")
    length = struct.unpack_from(">I", data, place + 6)[0] + len(stored(segment))
    head = data[: place + 6] + struct.pack(">I", length) + data[place + 10 : place + 12]
    return head + stored(segment) + data[place + 12 :]


def stored(segment: tuple[int, bytes]) -> bytes:
    marker, body = segment
    return struct.pack(">HH", marker, len(body) + 2) + body


TILED = bare(tile_size=(32, 32))
FINE = bytes([0x11] * 6)
BOMBS = {
    "layers in many tiles": with_cod(TILED, style(layers=65_535)),
    "layers in a tile's header": in_tile(TILED, style(layers=65_535)),
    "precincts of two samples": with_cod(bare(), style(precincts=FINE)),
    "precincts in a tile's header": in_tile(bare(), style(precincts=FINE)),
    "precincts of one component": in_tile(bare(), of_component(style(precincts=FINE))),
    "precincts and layers": with_cod(bare(), style(2000, precincts=bytes([0x44] * 6))),
}


@pytest.mark.parametrize("name", BOMBS)
def test_too_many_pieces_never_reach_the_decoder(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object) -> None:
        raise AssertionError("a bomb was opened")

    monkeypatch.setattr(opening, "opened", reached)
    with pytest.raises(PictureError) as caught:
        decoding.decode(BOMBS[name])
    assert caught.value.reason == "bomb"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tile_size": (64, 64), "num_resolutions": 3},
        {"tile_size": (128, 128), "precinct_size": (64, 64), "codeblock_size": (16, 16)},
        {"codeblock_size": (4, 4)},
        {"quality_layers": [80, 40, 20, 10], "irreversible": True, "progression": "RPCL"},
    ],
)
def test_usual_cuts_pass(options: dict[str, Any]) -> None:
    assert decoding.decode(bare(**options), None).rgb.shape == (SIDE, SIDE, 3)


def pieces(tiles: int, tile: int, *segments: tuple[int, bytes]) -> None:
    check_pieces(segments, tiles, (tile, tile), 3)


def test_the_largest_honest_image_passes() -> None:
    pieces(2730, 256, style(layers=12))
    pieces(1, 13_377, style(layers=12))
    pieces(1, 13_377, style(layers=12, precincts=bytes([0x77, *[0x88] * 5])))


def test_code_blocks_are_counted_in_every_band() -> None:
    """Levels of 1024 pixels down to 32: 3 x 128^2, 3 x 64^2, ... blocks of four, then 8^2."""
    blocks = 3 * (sum((128 >> step) ** 2 for step in range(5)) * 3 + 8**2)
    pieces(1, 1024, style(block=0))
    with pytest.raises(PictureError, match=f"{4 * blocks} code blocks"):
        pieces(4, 1024, style(block=0))


def test_every_order_of_progression_visits_all_packets() -> None:
    cut = style(layers=20, precincts=bytes([0x55] * 6))
    pieces(1, 2048, cut)
    with pytest.raises(PictureError, match="precincts in 20 layers"):
        pieces(1, 2048, cut, (POC, bytes(7 * 20)))
