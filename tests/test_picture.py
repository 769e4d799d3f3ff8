"""Decoding: what is refused and why, what odd files become, and what a decoder may not do."""

import csv
import gc
import io
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from broken_pictures import broken, scan_starts
from odd_pictures import odd
from picture_making import HEIGHT, WIDTH, chunk, photo, saved, upright
from PIL import GifImagePlugin, Image, ImageFile, ImageOps, JpegImagePlugin, PngImagePlugin

from curation import loading, picture, pixels
from curation.formats import outline
from curation.picture import PictureError

SHARED = Path(__file__).parents[2] / "shared" / "data"
BROKEN, ODD = broken(), odd()
Y, X = np.mgrid[:HEIGHT, :WIDTH]
# Lossy formats ring near edges: only the middle of each quarter is compared for them.
MIDDLE = (abs(Y % 32 - 15.5) < 11) & (abs(X % 48 - 23.5) < 19)


def refusal(data: bytes, short_side: int | None = None) -> PictureError:
    with pytest.raises(PictureError) as caught:
        picture.decode(data, short_side)
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
    assert {reason for _, reason in BROKEN.values()} == set(picture.REASONS) - {"memory"}


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_file_becomes_its_upright_pixels(name: str) -> None:
    data, expected, worst = ODD[name]
    decoded = picture.decode(data, None)
    header = picture.read_header(data)
    assert decoded.header == header
    assert decoded.rgb.shape == expected.shape == (header.height, header.width, 3)
    assert decoded.rgb.dtype == np.uint8
    difference = abs(decoded.rgb.astype(int) - expected)
    assert (difference if worst <= 1 else difference[MIDDLE]).max() <= worst
    assert header.size == len(data)
    assert header.format in picture.FORMATS


@pytest.mark.parametrize("name", sorted(name for name in ODD if "orientation" in name))
def test_turned_like_pillow(name: str) -> None:
    data = ODD[name][0]
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(picture.decode(data, None).rgb, np.asarray(turned))


@pytest.mark.parametrize("name", sorted(ODD))
def test_strips_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ODD[name][0]
    whole = [picture.decode(data, short_side).rgb for short_side in (None, 20)]
    monkeypatch.setattr(pixels, "_STRIP_PIXELS", 5 * WIDTH)
    for before, short_side in zip(whole, (None, 20), strict=True):
        assert np.array_equal(before, picture.decode(data, short_side).rgb)


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
    decoded = picture.decode(ODD[name][0], short_side)
    assert decoded.rgb.shape == (*shape, 3)
    assert (decoded.header.height, decoded.header.width) == (64, 96)
    step = 64 // shape[0]
    centres = decoded.rgb[8 // step :: 32 // step, 24 // step :: 48 // step].astype(int)
    assert abs(centres - upright()[8::32, 24::48]).max() <= 8


def test_odd_sizes_are_reduced_alike() -> None:
    image = Image.fromarray(photo()).crop((0, 0, 91, 53))
    shapes = {picture.decode(saved(image, kind), 10).rgb.shape for kind in ("JPEG", "PNG", "GIF")}
    assert shapes == {(14, 23, 3)}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_no_beginning_of_a_file_passes(kind: str) -> None:
    data = saved(photo(), kind, **({"speed": 10} if kind == "AVIF" else {}))
    picture.decode(data)
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
        whole = picture.decode(data, short_side).rgb
        edge = 18 * len(whole) // HEIGHT + 1
        start, end = scan_starts(data)[0] + 20, len(data) - 2
        for cut in {*range(start, end, len(data) // 60 + 1), *range(end - 30, end)}:
            head = data[:cut].removesuffix(b"\xff")
            try:
                changed = (picture.decode(head + b"\xff\xd9", short_side).rgb != whole).any(axis=2)
            except PictureError as error:
                assert error.reason in ("truncated", "corrupt")
                continue
            assert end - cut < 60
            changed[-edge:, -edge:] = False
            assert not changed.any(), end - cut


def test_jpeg_scan_too_long_for_its_picture_is_corrupt_only_beyond_some_bytes() -> None:
    data = saved(photo(), "JPEG")
    junk = bytes(range(1, 121))
    picture.decode(data[:-2] + junk[:40] + data[-2:])
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

    monkeypatch.setattr(loading, "opened", reached)
    monkeypatch.setattr(loading, "load_jpeg", reached)
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
    assert picture.read_header(ODD[name][0]).frames == frames


def test_header_describes_the_stored_pixels() -> None:
    header = picture.read_header(ODD["jpeg-orientation-6"][0])
    assert (header.width, header.height, header.orientation) == (WIDTH, HEIGHT, 6)
    modes = {name: picture.read_header(ODD[name][0]).mode for name in ODD}
    assert modes["jpeg-cmyk"] == "CMYK"
    assert modes["jpeg-grey"] == "L"
    assert modes["png-deep-grey"] == "I;16"
    assert modes["tiff-lab"] == "LAB"


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
        picture.decode(ODD["png-plain"][0])


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
        "from broken_pictures import broken\nfrom odd_pictures import odd\n"
        "import logging, warnings\nfrom curation import picture\n"
        "broken_files, odd_files = list(broken().values()), list(odd().values())\n"
        "for data, _ in broken_files:\n"
        "    try: picture.decode(data)\n"
        "    except picture.PictureError: pass\n"
        "    else: raise SystemExit('passed')\n"
        "for data, _, _ in odd_files: picture.decode(data)\n"
    )
    ignored = ["-W", "ignore::DeprecationWarning"]
    done = subprocess.run(
        [sys.executable, *flags, *ignored, "-c", code],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
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
        picture.decode(data)
    assert living() == before


def test_small_and_grey_views() -> None:
    wide = np.tile(photo(), (9, 12, 1))
    decoded = picture.decode(saved(wide, "PNG"), None)
    assert decoded.small.shape == (256, 512, 3)
    assert decoded.grey.shape == (256, 512)
    assert decoded.small.dtype == decoded.grey.dtype == np.uint8
    assert abs(float(decoded.small.mean()) - float(wide.mean())) < 1
    tiny = picture.decode(saved(photo(), "PNG"))
    assert tiny.small is tiny.rgb
    strip = picture.decode(saved(np.full((300, 60_000), 99, np.uint8), "PNG"), None)
    assert strip.small.shape == (256, 51_200, 3)
    assert {int(value) for value in np.unique(strip.grey)} == {99}


MUST_PASS = {
    *("photo", "photo-open", "captioned", "quality-clean", "quality-degraded", "text-rich"),
    *("code", "watermark", "edit-source", "edit-target", "edit-mask", "edit-reference"),
}
# Pictures of our formats that Pillow alone would let through, and should not: looked at by hand.
RIGHTLY_REFUSED = {
    "bad/fuzzing_corpus__5482a54657765056f1a94116a8dbffe7.jpg": "truncated",  # coloured rubble
    "bad/ljt_seeds__id_000678_src_000131_op_havoc_rep_16.gif": "corrupt",  # 68 Mpx in 425 bytes
    "bad/pillow_tests__broken_data_stream.png": "corrupt",  # random bytes behind the first chunk
}
FOREIGN = ("ICO", "PSD", "DDS", "QOI", "JPEG2000")
FOREIGN_ENDINGS = (".tga", ".cur", ".pcx", ".pgm")


def _expectation(row: dict[str, str]) -> str:
    """What the manifest says of a file: ``pass``, ``refuse`` or ``foreign`` (not our formats)."""
    kind, says, name = row["kind"], row["expected"], row["file"]
    if kind in MUST_PASS or (kind == "dup" and says != "corrupt"):
        return "pass"
    if kind in ("prompts", "taxonomy") or says == "corrupt":
        return "refuse"
    if any(f"format:{entry}" in says for entry in FOREIGN) or name.endswith(FOREIGN_ENDINGS):
        return "foreign"
    if "pil-error" in says or says.startswith(("truncated", "corrupt")):
        return "refuse"
    return "refuse" if _fuzzed_png(row) or name in RIGHTLY_REFUSED else "pass"


def _fuzzed_png(row: dict[str, str]) -> bool:
    """Chunks cut short or with wrong checksums, which Pillow forgives where it need not look."""
    return row["file"].startswith("bad/fuzzing_corpus") and "PNG" in row["notes"]


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")  # pytest takes our own filter away
@pytest.mark.skipif(not SHARED.exists(), reason="the shared real data are not on this machine")
def test_real_files_do_what_the_manifest_says() -> None:
    with (SHARED / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 1400
    wrong = []
    for row in rows:
        expected = _expectation(row)
        try:
            picture.decode((SHARED / row["file"]).read_bytes())
            found = "pass"
        except PictureError as error:
            found = "foreign" if error.reason in ("unsupported", "not-a-picture") else "refuse"
            if expected == "refuse":
                found = "refuse"
            if row["file"] in RIGHTLY_REFUSED:
                assert error.reason == RIGHTLY_REFUSED[row["file"]]
        if found != expected:
            wrong.append(f"{row['file']}: {expected} but {found}")
    assert wrong == []
