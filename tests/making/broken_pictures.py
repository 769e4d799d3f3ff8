"""Broken picture files of every kind, each with the reason it must be refused for."""

import functools
import gzip
import io
import random
import struct
import zipfile
import zlib

from making.picture_making import (
    WIDTH,
    adam7,
    animation,
    bmp_header,
    chunk,
    photo,
    png,
    rows,
    saved,
    with_segment,
)
from PIL import Image


def tags_bomb(order: str = "<") -> bytes:
    """A TIFF structure of 60 kB whose 2,000 tags each claim nearly all of it: 100 MB when read."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    size = 55_000
    tags = b"".join(struct.pack(order + "HHII", 40_000 + n, 7, size, 8) for n in range(2000))
    body = mark + struct.pack(order + "IH", 8, 2000) + tags + bytes(4)
    return body + bytes(60_000 - len(body))


def scan_starts(data: bytes) -> list[int]:
    """The offsets of a JPEG's scan headers; the pictures here have none inside other segments."""
    found = []
    place = data.find(b"\xff\xda")
    while place >= 0:
        found.append(place)
        place = data.find(b"\xff\xda", place + 2)
    return found


def _patched(data: bytes, offset: int, raw: bytes) -> bytes:
    return data[:offset] + raw + data[offset + len(raw) :]


def _frame_at(data: bytes) -> int:
    return max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))


def _tag_at(data: bytes, tag: int) -> int:
    """The offset of the 4 value bytes of a tag in a little-endian TIFF written by Pillow."""
    first = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    for place in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, place)[0] == tag:
            return place + 8
    raise KeyError(tag)


def _scrambled(data: bytes, start: int, end: int, seed: int) -> bytes:
    """``data`` with forty bytes of a JPEG scan changed, none to or from FF."""
    chosen = random.Random(seed)
    changed = bytearray(data)
    for _ in range(40):
        place = chosen.randrange(start, end)
        if 0xFF not in changed[place - 1 : place + 1]:
            changed[place] = chosen.randrange(255)
    return bytes(changed)


def _many_scans(data: bytes, times: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    last = scan_starts(data)[-1]
    return data[:-2] + data[last:-2] * times + data[-2:]


def _gif_blocks(body: bytes) -> bytes:
    parts = [body[place : place + 255] for place in range(0, len(body), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _gif_frame_at(data: bytes) -> int:
    """The offset of the first frame of a GIF written by Pillow."""
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    while data[place] == 0x21:
        place += 2
        while data[place]:
            place += data[place] + 1
        place += 1
    return place


Broken = dict[str, tuple[bytes, str]]


@functools.cache
def broken() -> Broken:
    """Every broken file with the reason it must be refused for."""
    return _no_pictures() | _broken_jpeg() | _broken_png() | _broken_rest() | _bombs()


def _no_pictures() -> Broken:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo("a.jpg"), b"nothing")
    jpeg = saved(photo(), "JPEG")
    return {
        "nothing": (b"", "empty"),
        "html": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "html"),
        "html-after-space": (b"\xef\xbb\xbf\r\n\r\n  <HTML><head><title>x</title>", "html"),
        "html-late": (b"\n<!-- cache --><div></div><html lang=en>", "html"),
        "xml-error": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "html"),
        "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported"),
        "svg-in-xml": (b'<?xml version="1.0"?><svg width="9"/>', "unsupported"),
        "text": (b"this picture is no longer available\n", "not-a-picture"),
        "text-like-bmp": (b"BMW drives past a house made of plain text\n", "not-a-picture"),
        "json": (b'{"error": "forbidden"}', "not-a-picture"),
        "zeros": (bytes(5000), "not-a-picture"),
        "noise": (random.Random(3).randbytes(5000), "not-a-picture"),
        "zip": (archive.getvalue(), "not-a-picture"),
        "gzip": (gzip.compress(jpeg, mtime=0), "not-a-picture"),
        "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not-a-picture"),
        "ico": (saved(photo(), "ICO", sizes=[(32, 32)]), "unsupported"),
        "jpeg2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(90), "truncated"),
        "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90), "truncated"),
        "heif": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1hevd" + bytes(90), "unsupported"),
        "video": (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(90), "unsupported"),
        "pnm": (saved(photo(), "PPM"), "unsupported"),
        "tga": (saved(photo(), "TGA"), "unsupported"),
    }


def _broken_jpeg() -> Broken:
    data = saved(photo(), "JPEG", quality=90)
    restarts = saved(photo(), "JPEG", quality=90, restart_marker_rows=1)
    fine = saved(photo(), "JPEG", quality=90, progressive=True)
    grey = saved(Image.fromarray(photo()).convert("L"), "JPEG", quality=90)
    scan = scan_starts(data)[0]
    scans = scan_starts(fine)
    middle = (scan + len(data)) // 2
    last = (scans[-1] + len(fine)) // 2
    frame = _frame_at(data)
    eoi = b"\xff\xd9"
    return {
        "jpeg-magic-only": (b"\xff\xd8\xff", "truncated"),
        "jpeg-cut-in-header": (data[:300], "truncated"),
        "jpeg-cut-before-scan": (data[:scan], "truncated"),
        "jpeg-cut-before-scan-closed": (data[:scan] + eoi, "truncated"),
        "jpeg-cut-in-scan": (data[:middle], "truncated"),
        "jpeg-cut-last-byte": (data[:-1], "truncated"),
        "jpeg-cut-end-marker": (data[:-2], "truncated"),
        "jpeg-cut-in-scan-closed": (data[:middle] + eoi, "truncated"),
        "jpeg-cut-near-end-closed": (data[:-25] + eoi, "truncated"),
        "jpeg-grey-cut-closed": (grey[: len(grey) // 2] + eoi, "truncated"),
        "jpeg-restarts-cut-closed": (restarts[: len(restarts) * 2 // 3] + eoi, "truncated"),
        "jpeg-cut-then-another": (data[:middle] + data, "corrupt"),
        "jpeg-progressive-cut-first-scan": (fine[: scans[0] + 40], "truncated"),
        "jpeg-progressive-cut-between": (fine[: scans[3]] + eoi, "truncated"),
        "jpeg-progressive-cut-inside": (fine[: scans[4] + 30] + eoi, "truncated"),
        "jpeg-progressive-cut-last": (fine[:last] + eoi, "truncated"),
        "jpeg-bits-flipped": (_scrambled(data, scan + 14, len(data) - 4, 3), "corrupt"),
        "jpeg-no-tables": (data[:2] + data[frame:], "corrupt"),
        "jpeg-twelve-bits": (_patched(data, frame + 4, b"\x0c"), "unsupported"),
        "jpeg-arithmetic": (_patched(data, frame, b"\xff\xc9"), "unsupported"),
        "jpeg-lossless": (_patched(data, frame, b"\xff\xc3"), "unsupported"),
        "jpeg-no-height": (_patched(data, frame + 5, b"\0\0"), "unsupported"),
        "jpeg-no-width": (_patched(data, frame + 7, b"\0\0"), "corrupt"),
        "jpeg-taller": (_patched(data, frame + 5, b"\1\0"), "truncated"),
    }


def _broken_png() -> Broken:
    data = saved(photo(), "PNG")
    body = data.find(b"IDAT") + 4
    length = struct.unpack_from(">I", data, body - 8)[0]
    stream = rows(photo())
    short = zlib.compress(stream)[:-400]
    header = data[:33]
    end = chunk(b"IEND", b"")
    marked = png(stream, before=chunk(b"tEXt", b"Title\0here"))
    half = 20 * (3 * WIDTH + 1)
    return {
        "png-magic-only": (data[:8], "truncated"),
        "png-cut": (data[: len(data) // 2], "truncated"),
        "png-cut-end-chunk": (data[:-12], "truncated"),
        "png-cut-in-end-chunk": (data[:-3], "truncated"),
        "png-cut-closed": (header + chunk(b"IDAT", short) + end, "truncated"),
        "png-rows-missing": (png(stream[:half]), "truncated"),
        "png-interlaced-rows-missing": (png(adam7(photo())[:half], interlace=1), "truncated"),
        "png-no-pixels": (header + end, "truncated"),
        "png-bad-checksum": (_patched(data, body + 50, b"\0\0\0\0"), "corrupt"),
        "png-bad-checksum-in-text": (marked.replace(b"here", b"hare"), "corrupt"),
        "png-bad-stream": (header + chunk(b"IDAT", b"x\x9c" + bytes(200)) + end, "corrupt"),
        "png-bad-length": (_patched(data, body - 8, struct.pack(">I", length - 9)), "corrupt"),
        "png-no-header-chunk": (data[:8] + data[33:], "corrupt"),
        "png-palette-missing": (png(rows(photo()[..., 0]), colour=3), "corrupt"),
        "png-strange-depth": (png(stream, depth=7), "corrupt"),
    }


def _broken_rest() -> Broken:
    gif, moving = saved(photo(), "GIF"), animation("GIF")
    webp, lossless = saved(photo(), "WEBP", quality=90), saved(photo(), "WEBP", lossless=True)
    moving_webp = animation("WEBP")
    bmp, avif = saved(photo(), "BMP"), saved(photo(), "AVIF", speed=10)
    raw, packed = saved(photo(), "TIFF"), saved(photo(), "TIFF", compression="tiff_lzw")
    jpeg = saved(photo(), "TIFF", compression="jpeg")
    pages = saved(photo(), "TIFF", save_all=True, append_images=[Image.fromarray(photo())])
    frame, mdat = _gif_frame_at(gif), avif.find(b"mdat") + 4
    count = struct.unpack_from("<I", jpeg, _tag_at(jpeg, 279))[0]
    return {
        "gif-magic-only": (gif[:6], "truncated"),
        "gif-cut": (gif[: len(gif) // 2], "truncated"),
        "gif-cut-trailer": (gif[:-1], "truncated"),
        "gif-cut-closed": (gif[: frame + 11 + 5 * 256] + b"\0;", "truncated"),
        "gif-second-frame-cut": (moving[:-900], "truncated"),
        "gif-no-frame": (gif[:frame] + b";", "truncated"),
        "gif-junk-block": (gif[:frame] + b"\x99" + gif[frame:], "corrupt"),
        "webp-cut": (webp[: len(webp) // 2], "truncated"),
        "webp-cut-last-byte": (lossless[:-1], "truncated"),
        "webp-too-long": (_patched(webp, 4, struct.pack("<I", len(webp))), "truncated"),
        "webp-chunk-too-long": (_patched(webp, 16, struct.pack("<I", len(webp))), "truncated"),
        "webp-second-frame-cut": (moving_webp[:-100], "truncated"),
        "webp-zeroed": (lossless[:40] + bytes(len(lossless) - 40), "corrupt"),
        "bmp-magic-only": (bmp[:18], "truncated"),
        "bmp-cut": (bmp[:-1], "truncated"),
        "bmp-run-lengths-short": (bmp_header(9, 9, 8, 1, 2) + bytes(8) + b"\4\1\0\1", "corrupt"),
        "bmp-embedded-png": (bmp_header(9, 9, 0, 5) + saved(photo(), "PNG"), "unsupported"),
        "tiff-magic-only": (raw[:4], "truncated"),
        "tiff-cut": (raw[:-1], "truncated"),
        "tiff-cut-directory": (packed[:-20], "truncated"),
        "tiff-strip-outside": (_patched(packed, _tag_at(packed, 273), b"\0\0\0\1"), "truncated"),
        "tiff-strips-missing": (_patched(raw, _tag_at(raw, 278), b"\4\0\0\0"), "truncated"),
        "tiff-jpeg-strip-cut": (
            _patched(jpeg, _tag_at(jpeg, 279), struct.pack("<I", count // 2)),
            "truncated",
        ),
        "tiff-second-page-cut": (pages[:-5], "truncated"),
        "tiff-no-directory": (b"II*\0\0\0\0\0" + bytes(90), "corrupt"),
        "tiff-strange-compression": (
            _patched(packed, _tag_at(packed, 259), b"\x70\xc3"),
            "unsupported",
        ),
        "tiff-strange-colours": (_patched(raw, _tag_at(raw, 262), b"\x63\0"), "unsupported"),
        "avif-magic-only": (avif[:12], "truncated"),
        "avif-cut": (avif[:-1], "truncated"),
        "avif-zeroed": (avif[:mdat] + bytes(len(avif) - mdat), "corrupt"),
        **_broken_jp2(),
    }


def _broken_jp2() -> Broken:
    jp2 = saved(photo(), "JPEG2000", tile_size=(64, 64))
    bare = saved(photo(), "JPEG2000", no_jp2=True)
    first = jp2.find(b"\xff\x90\0\x0a")
    second = jp2.find(b"\xff\x90\0\x0a", first + 2)
    box = jp2.find(b"jp2c") - 4
    open_box = jp2[:box] + bytes(4) + jp2[box + 4 :]
    return {
        "jp2-magic-only": (jp2[:12], "truncated"),
        "jp2-cut": (jp2[:-1], "truncated"),
        "jp2-open-cut": (open_box[: len(jp2) // 2], "truncated"),
        "jp2-bare-cut": (bare[:-1], "truncated"),
        "jp2-bare-header-cut": (bare[:60], "truncated"),
        "jp2-tile-missing": (open_box[:first] + open_box[second:], "truncated"),
        "jp2-tile-twice": (open_box[:second] + open_box[first:], "corrupt"),
        "jp2-no-size": (_patched(bare, 3, b"\x52"), "not-a-picture"),
        "jp2-no-area": (_patched(bare, 8, bytes(4)), "corrupt"),
        "jp2-components": (_patched(bare, 40, b"\0\x40"), "unsupported"),
    }


def _bombs() -> Broken:
    jpeg, gif, bmp = saved(photo(), "JPEG"), saved(photo(), "GIF"), saved(photo(), "BMP")
    raw, jp2 = saved(photo(), "TIFF"), saved(photo(), "JPEG2000", no_jp2=True)
    frame = _gif_frame_at(gif)
    stream = rows(photo())
    zeros = zlib.compress(bytes(1 << 22))
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(b""))
    long_comment = b"!\xfe" + _gif_blocks(bytes(300_000))
    fractions = struct.pack("<HHII", 0x011A, 5, 20_000, 8)
    spread = bytes(8) + raw[8:]  # the first directory moves behind the pixels
    spread = b"II*\0" + struct.pack("<I", len(raw)) + spread[8:] + struct.pack("<H", 1) + fractions
    lossless = b"VP8L" + struct.pack("<IBI", 5, 0x2F, 16383 | 16383 << 14)
    return {
        "bomb-jpeg": (_patched(jpeg, _frame_at(jpeg) + 5, b"\xff\xdc\xff\xdc"), "bomb"),
        "bomb-jpeg-scans": (
            _many_scans(saved(photo(), "JPEG", progressive=True), 100),
            "bomb",
        ),
        "bomb-jpeg-exif": (with_segment(jpeg, 0xE1, b"Exif\0\0" + tags_bomb()), "bomb"),
        "bomb-png": (png(stream, size=(50_000, 50_000)), "bomb"),
        "bomb-png-long": (png(stream, size=(1 << 27, 1)), "bomb"),
        "bomb-png-text": (png(stream, before=chunk(b"zTXt", b"a\0\0" + zeros)), "bomb"),
        "bomb-png-profile": (png(stream, before=chunk(b"iCCP", b"a\0\0" + zeros)), "bomb"),
        "bomb-png-texts": (png(stream, before=text * 65), "bomb"),
        "bomb-png-exif": (png(stream, after=chunk(b"eXIf", tags_bomb(">"))), "bomb"),
        "bomb-gif": (_patched(gif, 6, b"\xff\xff\xff\xff"), "bomb"),
        "bomb-gif-frame": (_patched(gif, frame + 5, b"\xff\xff\xff\xff"), "bomb"),
        "bomb-gif-comment": (gif[:frame] + long_comment + gif[frame:], "bomb"),
        "bomb-webp": (b"RIFF" + struct.pack("<I", 18) + b"WEBP" + lossless + b"\0", "bomb"),
        "bomb-jp2": (_patched(jp2, 8, b"\0\0\xff\xff\0\0\xff\xff"), "bomb"),
        "bomb-jp2-tiles": (_patched(jp2, 24, b"\0\0\0\1\0\0\0\1"), "bomb"),
        "bomb-bmp": (_patched(bmp, 18, b"\xff\xff\xff\x7f\xff\xff\0\0"), "bomb"),
        "bomb-bmp-run-lengths": (
            bmp_header(60_000, 2900, 8, 1, 2) + bytes(8) + b"\0\2\0\xff\0\1" * 2000,
            "bomb",
        ),
        "bomb-tiff": (_patched(_patched(raw, _tag_at(raw, 256), b"\xff\xff\0\0"),
                               _tag_at(raw, 257), b"\xff\xff\0\0"), "bomb"),
        "bomb-tiff-tags": (tags_bomb(), "bomb"),
        "bomb-tiff-fractions": (spread + bytes(170_000), "bomb"),
    }  # fmt: skip
