"""What metadata tell of places and people is noticed in every format, and can be taken out."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from making.odd_pictures import odd
from making.picture_mutants import KINDS, mutant
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from curation.picture import decoding, stripping
from curation.picture.decoding import PictureError
from curation.picture.formats.personal import NOTHING, Personal, of_metadata

PLACE, PERSON, BOTH = Personal(place=True), Personal(person=True), Personal(True, True)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:li %s/></x:xmpmeta>'
PIXELS = np.random.default_rng(0).integers(0, 255, (24, 40, 3)).astype(np.uint8)


def exif(*, artist: str = "", owner: str = "", latitude: bool = False, turn: int = 0) -> Image.Exif:
    made = Image.Exif()
    made[ExifTags.Base.Make] = "a camera"
    if turn:
        made[ExifTags.Base.Orientation] = turn
    if artist:
        made[ExifTags.Base.Artist] = artist
    if owner:
        made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.CameraOwnerName] = owner
    place = made.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSVersionID] = b"\2\3\0\0"
    if latitude:
        place[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    return made


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack(">BBBH", 0x1C, 2, n, len(text)) + text for n, text in datasets)
    return b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(body)) + body


def saved(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind, **options)
    return stream.getvalue()


TELLING = {
    "place": (exif(latitude=True), PLACE),
    "artist": (exif(artist="A. Person"), PERSON),
    "owner": (exif(owner="B. Person"), PERSON),
    "blank artist": (exif(artist="   "), NOTHING),
    "nobody": (exif(), NOTHING),
    "all": (exif(artist="A", latitude=True, turn=6), BOTH),
}


IN_FIRST_DIRECTORY = ("artist", "blank artist", "nobody")  # Pillow's TIFF writer drops the others


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, name) for kind in ("JPEG", "PNG", "WEBP", "AVIF") for name in TELLING),
        *(("TIFF", name) for name in IN_FIRST_DIRECTORY),
    ],
)
def test_exif_is_noticed_in_every_format(kind: str, name: str) -> None:
    made, expected = TELLING[name]
    fast = {"speed": 10} if kind == "AVIF" else {}
    assert decoding.read_header(saved(kind, exif=made, **fast)).personal == expected


@pytest.mark.parametrize(
    ("xmp", "expected"),
    [
        (XMP % b'exif:GPSLatitude="52,31N"', PLACE),
        (XMP % b'photoshop:City="B"', PLACE),
        (XMP % b"dc:creator", PERSON),
        (XMP % b'mwg-rs:Name="C"', PERSON),
        (XMP % b'dc:title="A lake"', NOTHING),
    ],
)
def test_xmp_is_noticed(xmp: bytes, expected: Personal) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    files = [
        saved("JPEG", xmp=xmp),
        saved("WEBP", xmp=xmp),
        saved("PNG", pnginfo=text),
        saved("GIF")[:-1] + b"\x21\xff\x0bXMP DataXMP" + bytes([len(xmp)]) + xmp + b"\0;",
        saved("TIFF", tiffinfo={700: xmp}),
    ]
    assert [decoding.read_header(data).personal for data in files] == [expected] * len(files)


@pytest.mark.parametrize(
    ("datasets", "expected"),
    [
        ([(80, b"A. Person")], PERSON),
        ([(5, b"title"), (90, b"Berlin")], PLACE),
        ([(80, b""), (25, b"keyword")], NOTHING),
    ],
)
def test_iptc_is_noticed(datasets: list[tuple[int, bytes]], expected: Personal) -> None:
    body = iptc(*datasets)
    data = saved("JPEG")
    data = data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:]
    assert decoding.read_header(data).personal == expected
    assert decoding.read_header(stripping.stripped(data) or b"").personal == NOTHING


def test_damaged_blocks_tell_nothing_and_break_nothing() -> None:
    block = exif(artist="A. Person", owner="B", latitude=True, turn=3).tobytes()
    for cut in range(len(block)):
        of_metadata(block[:cut], b"", iptc((80, b"name"))[:cut])
        of_metadata(block[:cut] + b"\xff" + block[cut + 1 :])
    assert of_metadata(block[:10]) == NOTHING


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", [0, 6])
def test_stripping_leaves_the_pixels_the_profile_and_the_turn(kind: str, turn: int) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = exif(artist="A. Person", latitude=True, turn=turn)
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "A. Person", zip=True)
    more: dict[str, Any] = {"pnginfo": text} if kind == "PNG" else {"xmp": XMP % b"dc:creator"}
    more |= {"comment": b"by A. Person"} if kind == "JPEG" else {}
    data = saved(kind, exif=made, icc_profile=profile, **more) + b"A. Person"
    stripped = stripping.stripped(data)
    assert stripped is not None
    before, after = decoding.decode(data, None), decoding.decode(stripped, None)
    assert before.header.personal == BOTH and after.header.personal == NOTHING
    assert before.header.orientation == after.header.orientation == (turn or 1)
    assert np.array_equal(before.rgb, after.rgb)
    assert b"Person" not in stripped and b"camera" not in stripped
    assert Image.open(io.BytesIO(stripped)).info["icc_profile"] == profile
    assert stripping.stripped(stripped) == stripped


@pytest.mark.parametrize("name", sorted(odd()))
def test_every_odd_file_keeps_its_pixels(name: str) -> None:
    data = odd()[name][0]
    stripped = stripping.stripped(data)
    assert stripped is not None
    before, after = decoding.decode(data, None), decoding.decode(stripped, None)
    assert np.array_equal(before.rgb, after.rgb)
    assert before.header.orientation == after.header.orientation


def test_what_cannot_be_rewritten_and_tells_something_has_no_answer() -> None:
    telling = exif(artist="A. Person", latitude=True)
    assert stripping.stripped(saved("TIFF", exif=telling)) is None
    assert stripping.stripped(saved("AVIF", exif=telling, speed=10)) is None
    plain = saved("TIFF")
    assert stripping.stripped(plain) == plain


def test_mutants_are_stripped_or_refused() -> None:
    for number in range(40 * len(KINDS)):
        data = mutant(number)
        try:
            before = decoding.decode(data, None)
        except PictureError:
            continue
        if stripped := stripping.stripped(data):
            assert np.array_equal(decoding.decode(stripped, None).rgb, before.rgb), number
