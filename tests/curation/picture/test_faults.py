"""Files cut anywhere, bombs, and decoders that throw, print or leak."""

import gc
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from making.broken_pictures import broken, scan_starts
from making.odd_pictures import odd
from making.picture_making import HEIGHT, WIDTH, chunk, photo, saved
from making.places import TESTS
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from curation.picture import decoding, opening
from curation.picture.decoding import PictureError
from curation.picture.formats import outline

BROKEN, ODD = broken(), odd()


def refusal(data: bytes, short_side: int | None = None) -> PictureError:
    with pytest.raises(PictureError) as caught:
        decoding.decode(data, short_side)
    return caught.value


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "JPEG2000"])
def test_no_beginning_of_a_file_passes(kind: str) -> None:
    data = saved(photo(), kind, **({"speed": 10} if kind == "AVIF" else {}))
    decoding.decode(data)
    cuts = {*range(1, 40), *range(40, len(data), len(data) // 200 + 1)}
    for cut in sorted(cuts | set(range(len(data) - 40, len(data)))):
        error = refusal(data[:cut])
        assert error.reason == "truncated" or (
            cut < 18 and error.reason in ("not-a-picture", "unsupported")
        ), cut


@pytest.mark.parametrize("short_side", [None, 8])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"optimize": True}],
    ids=lambda options: next(iter(options), "plain"),
)
def test_jpeg_cut_anywhere_and_closed_again(
    options: dict[str, int], mode: str, short_side: int | None
) -> None:
    """Only a cut within the last two 8 x 8 blocks can go unseen."""
    for content in (photo(), np.zeros((HEIGHT, WIDTH, 3), np.uint8)):
        data = saved(Image.fromarray(content).convert(mode), "JPEG", quality=90, **options)
        whole = decoding.decode(data, short_side).rgb
        edge = 18 * len(whole) // HEIGHT + 1
        start, end = scan_starts(data)[0] + 20, len(data) - 2
        for cut in {*range(start, end, len(data) // 60 + 1), *range(end - 30, end)}:
            head = data[:cut].removesuffix(b"\xff")
            try:
                changed = (decoding.decode(head + b"\xff\xd9", short_side).rgb != whole).any(axis=2)
            except PictureError as error:
                assert error.reason in ("truncated", "corrupt")
                continue
            assert end - cut < 60
            changed[-edge:, -edge:] = False
            assert not changed.any(), end - cut


def test_jpeg_scan_too_long_for_its_picture_is_corrupt_only_beyond_some_bytes() -> None:
    data = saved(photo(), "JPEG")
    junk = bytes(range(1, 121))
    decoding.decode(data[:-2] + junk[:40] + data[-2:])
    assert refusal(data[:-2] + junk + data[-2:]).reason == "corrupt"


# All but the two that Pillow itself stops inflating at 1 MB.
SEEN_THROUGH = {name for name in BROKEN if name.startswith("bomb-")} - {
    "bomb-png-text",
    "bomb-png-profile",
}


@pytest.mark.parametrize("name", sorted(SEEN_THROUGH))
def test_bombs_never_reach_the_decoder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: object) -> None:
        raise AssertionError("a bomb was opened")

    monkeypatch.setattr(opening, "opened", reached)
    monkeypatch.setattr(opening, "load_jpeg", reached)
    assert refusal(BROKEN[name][0]).reason == "bomb"


def test_files_of_too_many_parts_are_bombs() -> None:
    gif, png, webp = (ODD[name][0] for name in ("gif-plain", "png-plain", "webp-alpha"))
    blocks = b"!\xff" + b"\1x" * 2_000_001 + b"\0"
    assert refusal(gif[:-1] + blocks + b";").reason == "bomb"
    assert refusal(png[:33] + chunk(b"teSt", b"") * 100_001 + png[33:]).reason == "bomb"
    body = webp[12:] + b"junk\0\0\0\0" * 100_001
    many = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    assert refusal(many).reason == "bomb"
    page = struct.Struct("<HHHIII")
    pages = b"".join(
        page.pack(1, 257, 3, 1, 0, 8 + page.size * (number + 1)) for number in range(10_001)
    )
    assert refusal(b"II*\0\x08\0\0\0" + pages).reason == "bomb"


@pytest.mark.parametrize(
    ("width", "height", "size", "bomb"),
    [
        (13_377, 13_377, 10**6, False),
        (13_378, 13_378, 10**6, True),
        (65_535, 1, 100, False),
        (65_536, 1, 10**6, True),
        (4096, 4096, 40, False),
        (4096, 4097, 40, True),
        (12_000, 12_000, 14_400, False),
    ],
)
def test_size_caps(width: int, height: int, size: int, bomb: bool) -> None:
    if bomb:
        with pytest.raises(PictureError, match="bomb"):
            outline.check_size(width, height, size)
    else:
        outline.check_size(width, height, size)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (TypeError("x"), "corrupt"),
        (IndexError("x"), "corrupt"),
        (SyntaxError("x"), "corrupt"),
        (struct.error("x"), "corrupt"),
        (OverflowError("x"), "corrupt"),
        (RecursionError("x"), "corrupt"),
        (ValueError("x <_io.BytesIO object at 0x7f00aa>"), "corrupt"),
        (OSError("image file is truncated (3 bytes not processed)"), "truncated"),
        (OSError("Unsupported BMP bitfields layout"), "unsupported"),
        (Image.DecompressionBombError("x"), "bomb"),
        (MemoryError(), "memory"),
        (OSError("out of memory error when reading image file"), "memory"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_whatever_pillow_throws_is_a_refusal(
    raised: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throw(*_: object) -> None:
        raise raised

    for plugin in (JpegImagePlugin.JpegImageFile, PngImagePlugin.PngImageFile):
        monkeypatch.setattr(plugin, "load", throw)
    for name in ("jpeg-plain", "png-plain"):
        error = refusal(ODD[name][0])
        assert error.reason == reason
        assert "0x" not in str(error)


def test_an_interrupt_is_not_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def throw(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", throw)
    with pytest.raises(KeyboardInterrupt):
        decoding.decode(ODD["png-plain"][0])


def test_truncated_files_stay_out_when_another_library_lets_them_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, (data, reason) in BROKEN.items():
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        if reason in ("truncated", "corrupt"):
            assert refusal(data).reason == reason, name


def test_errors_survive_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(PictureError("bomb", "9x9")))  # noqa: S301 (our own bytes)
    assert (error.reason, error.detail, str(error)) == ("bomb", "9x9", "bomb: 9x9")
    assert str(PictureError("empty")) == "empty"
    assert PictureError("corrupt", "a\nb\x1b[31m\u202e").detail == "a b [31m"
    assert len(PictureError("corrupt", "x" * 999).detail) == 200


@pytest.mark.parametrize("flags", [[], ["-W", "error"], ["-X", "dev"]], ids=str)
def test_nothing_is_printed(flags: list[str]) -> None:
    """Neither by Python nor by a C library; and warnings made errors lose no good picture."""
    code = (
        "from making.broken_pictures import broken\nfrom making.odd_pictures import odd\n"
        "import logging, warnings\nfrom curation.picture import decoding\n"
        "broken_files, odd_files = list(broken().values()), list(odd().values())\n"
        "for data, _ in broken_files:\n"
        "    try: decoding.decode(data)\n"
        "    except decoding.PictureError: pass\n"
        "    else: raise SystemExit('passed')\n"
        "for data, _, _ in odd_files: decoding.decode(data)\n"
    )
    ignored = ["-W", "ignore::DeprecationWarning"]
    done = subprocess.run(
        [sys.executable, *flags, *ignored, "-c", code],
        cwd=TESTS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nothing_is_left_behind() -> None:
    def living() -> int:
        gc.collect()
        return sum(isinstance(found, Image.Image) for found in gc.get_objects())

    before = living()
    for data, _ in BROKEN.values():
        refusal(data)
    for data, *_ in ODD.values():
        decoding.decode(data)
    assert living() == before


CANARY = "root:x:0:0:Zq7wKv9Xj2"
BEGINNINGS = [
    *(b"", b"<html>", b"<!--", b"<?xml ?>", b"{", b"\x7f", b"BM", b"PK\3\4", b"%PDF", b"P6 "),
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\0\0\0\5", b"GIF89a", b"II*\0"),
    *(b"RIFF\xff\0\0\0WEBP", b"\0\0\0\x18ftyp", b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\5"),
]


@pytest.mark.parametrize("beginning", BEGINNINGS, ids=ascii)
def test_no_byte_of_a_refused_file_is_quoted(beginning: bytes) -> None:
    told = str(refusal(beginning + CANARY.encode() * 30)).lower()
    pieces = {CANARY.lower()[n : n + 4] for n in range(len(CANARY) - 3)}
    pieces |= {piece.encode().hex(" ") for piece in pieces}
    assert not [piece for piece in pieces if piece in told], told


def test_what_a_decoder_quotes_is_left_out() -> None:
    assert PictureError("corrupt", "chunk b'abcd' is bad").detail == "chunk ... is bad"
