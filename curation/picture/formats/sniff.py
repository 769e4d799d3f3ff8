"""Which image format the first bytes announce, and what else they may be.

What is no image is named by its kind, never by its bytes: a file may have come to be read by
mistake, and reasons stand in ledgers and reports that are passed on.
"""

import re

from curation.picture.formats.refusal import PictureError

_OURS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)
_FOREIGN = (
    (b"8BPS", "Photoshop"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "CUR"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"icns", "ICNS"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"\x8aMNG\r\n\x1a\n", "MNG"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"SIMPLE  =", "FITS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"\x01\xda", "SGI"),
    (b"\x59\xa6\x6a\x95", "Sun raster"),
    (b"gimp xcf", "GIMP"),
    (b"FORM", "IFF"),
    (b"\x0a\x05\x01", "PCX"),
    (b"AT&TFORM", "DjVu"),
)
_PNM = re.compile(rb"P[1-7fF]\s")
_OTHERS = (
    (b"PK", "a ZIP archive, or a document in one"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "PDF"),
    (b"PAR1", "Parquet"),
    (b"RIFF", "sound or video (RIFF)"),
    (b"OggS", "sound or video (Ogg)"),
    (b"\x1aE\xdf\xa3", "video (Matroska or WebM)"),
    (b"ID3", "sound (MP3)"),
    (b"fLaC", "sound (FLAC)"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a program (Windows)"),
    (b"SQLite format", "an SQLite database"),
)
_BRANDS = {b"qt ": "QuickTime video", b"M4A": "sound (MPEG-4)"}
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_GENERAL_BRANDS = (b"mif1", b"msf1")  # what they hold is among the compatible brands
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_HTML_STARTS = (
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"<title",
    b"<meta",
    b"<!--",
    b"<?xml",
    b"<rss",
)
_HEAD = 1024


def name(data: bytes) -> str:
    """The format of ours that ``data`` begins like. Raises ``PictureError`` for everything else."""
    if not data:
        raise PictureError("empty")
    for magic, format_name in _OURS:
        if data.startswith(magic):
            return format_name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _isobmff(data)
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    raise _foreign(data)


def _isobmff(data: bytes) -> str:
    brand = data[8:12]
    if brand in _AVIF_BRANDS:
        return "AVIF"
    if brand in _HEIC_BRANDS:
        return "HEIC"
    if brand not in _GENERAL_BRANDS:
        raise PictureError("unsupported", _BRANDS.get(brand[:3], "ISO media file, such as MP4"))
    compatible = data[8 : min(int.from_bytes(data[:4], "big"), _HEAD)]
    if b"avif" in compatible:
        return "AVIF"
    if any(kind in compatible for kind in _HEIC_BRANDS):
        return "HEIC"
    raise PictureError("unsupported", "HEIF without AV1 or HEVC")


def _foreign(data: bytes) -> PictureError:
    for magic, kind in _FOREIGN:
        if data.startswith(magic):
            return PictureError("unsupported", kind)
    if _PNM.match(data):
        return PictureError("unsupported", "PNM")
    return _no_picture(data)


def _no_picture(data: bytes) -> PictureError:
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!")) and b"<svg" in head):
        return PictureError("unsupported", "SVG")
    if head.startswith(_HTML_STARTS) or b"<html" in head:
        is_xml = b"<html" not in head and head.startswith((b"<?xml", b"<rss"))
        return PictureError("html", "an XML document" if is_xml else "an HTML page")
    if not head.strip(b"\0"):
        return PictureError("not-a-picture", "all zeros")
    for magic, kind in _OTHERS:
        if data.startswith(magic):
            return PictureError("not-a-picture", kind)
    if all(32 <= byte < 127 or byte in b"\t\n\r" for byte in head):
        is_json = head[:1] in (b"{", b"[")
        return PictureError("not-a-picture", "text, perhaps JSON" if is_json else "text")
    return PictureError("not-a-picture", "no format that is known here begins so")
