"""What is in a font file, found out once: names, characters, which of them have no ink, and
which marks are set so that they cannot be read.

Kept as JSON below the user's cache folder under the hash of the file's bytes, so a font that
changes is read again, and one that moves is not. A cache that cannot be read is made anew, one
that cannot be written is done without.
"""

import json
import os
import struct
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import uharfbuzz as hb

from curation import storage
from curation.failures.errors import UsageError
from synthesis.fonts.font_file import Entry, FontFile, file_digest, ranges

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_COLLECTIONS = (".ttc", ".otc")
VERSION = 2  # raise it whenever the same font would be described otherwise
_HONEST_LETTERS = "AHMahn"
_UNPRINTED = frozenset("ZC")  # general categories that need no ink: separators and controls


@cache
def entries(path: str) -> tuple[Entry, ...]:
    """The honest faces of a font file; raises ``UsageError`` when it is no font that can be read.

    Symbol fonts that put images or Greek on Latin code points are left out.
    """
    try:
        kept = _cache_folder() / f"{file_digest(path)}-{VERSION}.json"
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    with suppress(OSError, ValueError, KeyError, TypeError):
        return _kept(path, kept.read_bytes())
    read = _read(path)
    with suppress(OSError):
        storage.write_bytes(str(kept), json.dumps([_plain(entry) for entry in read]).encode())
    return read


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "inkstone" / "fonts"


def _plain(entry: Entry) -> dict[str, Any]:
    described = {key: value for key, value in asdict(entry.file).items() if key != "path"}
    ranges_of = {"mapped": entry.mapped, "inkless": entry.inkless, "ill_set": entry.ill_set}
    return described | ranges_of


def _kept(path: str, content: bytes) -> tuple[Entry, ...]:
    faces = json.loads(content)
    if not isinstance(faces, list):
        raise TypeError(path)
    return tuple(_parsed(path, face) for face in faces)


def _parsed(path: str, face: dict[str, Any]) -> Entry:
    names = {key: str(face[key]) for key in ("family", "style", "postscript")}
    file = FontFile(path, int(face["index"]), weight=int(face["weight"]), **names)
    entry = Entry(file, *(str(face[key]) for key in ("mapped", "inkless", "ill_set")))
    if not entry.renderable <= entry.characters:  # also reads both, so that a broken one shows
        raise ValueError(path)
    return entry


def _read(path: str) -> tuple[Entry, ...]:
    from fontTools.ttLib import TTCollection, TTFont, TTLibError

    from synthesis.fonts import marks
    from synthesis.fonts.typefaces import typeface

    errors = (TTLibError, OSError, LookupError, ValueError, AssertionError, struct.error)
    try:
        if path.lower().endswith(_COLLECTIONS):
            fonts: Sequence[Any] = TTCollection(path, lazy=True).fonts
        else:
            fonts = [TTFont(path, lazy=True)]
        described = [_describe(path, index, font) for index, font in enumerate(fonts)]
    except errors as error:
        raise UsageError(f"{path}: not a font that can be read ({error})") from error
    sound = []
    empty: dict[
        tuple[int, int], bool
    ] = {}  # by outlines and glyph: a collection's faces share them
    for file, font in zip(described, fonts, strict=True):
        outlines = _outlines(font)
        shaper = hb.Font(hb.Face(hb.Blob.from_file_path(path), file.index))
        if _is_honest(shaper):
            mapped = frozenset(shaper.face.unicodes)
            inkless = [code for code in mapped if _lacks_ink(shaper, code, outlines, empty)]
            ill_set = marks.ill_set(marks.Face(shaper, typeface(file)))
            sound.append(Entry(file, ranges(mapped), ranges(inkless), ranges(ill_set)))
    return tuple(sound)


def _describe(path: str, index: int, font: Any) -> FontFile:
    names = font["name"]
    family = names.getBestFamilyName() or Path(path).stem
    style = names.getBestSubFamilyName() or "Regular"
    postscript = names.getDebugName(6) or f"{family}-{style}".replace(" ", "")
    weight = int(font["OS/2"].usWeightClass) if "OS/2" in font else 400
    return FontFile(path, index, family, style, postscript, weight)


def _is_honest(shaper: Any) -> bool:
    """Whether letters are letters, told by glyph names that mean another character."""
    from fontTools import agl

    for letter in _HONEST_LETTERS:
        glyph = shaper.get_nominal_glyph(ord(letter))
        name = (shaper.get_glyph_name(glyph) if glyph else None) or ""
        meaning = agl.toUnicode(name) or agl.toUnicode(name, isZapfDingbats=True)
        if meaning not in {"", letter}:
            return False
    return True


def _outlines(font: Any) -> int:
    """Where in the file the glyphs' outlines (or bitmaps) are."""
    tables = font.reader.tables
    return next(
        (tables[tag].offset for tag in ("glyf", "CFF ", "CFF2", "CBDT") if tag in tables), 0
    )


def _lacks_ink(shaper: Any, code: int, outlines: int, empty: dict[tuple[int, int], bool]) -> bool:
    glyph = shaper.get_nominal_glyph(code)
    key = outlines, glyph
    if key not in empty:
        box = shaper.get_glyph_extents(glyph)
        empty[key] = box is None or box.width == 0 or box.height == 0
    return empty[key] and unicodedata.category(chr(code))[0] not in _UNPRINTED
