"""Where fonts come from: the system's fonts through fontconfig, or ``--fonts DIR|FILE``.

Only names, weights and character coverage are read here; drawing with a font is ``fonts.py``.
"""

import hashlib
import re
import struct
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import uharfbuzz as hb
from fontTools import agl
from fontTools.ttLib import TTCollection, TTFont, TTLibError

from synthesis.problems import UsageError

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
LIGHTEST_WEIGHT = 300  # OS/2 usWeightClass: thinner faces vanish at small sizes
FONTCONFIG_LANGUAGE = {"en": "en", "zh": "zh-cn"}
DEBIAN_PACKAGE = {"en": "fonts-dejavu-core", "zh": "fonts-noto-cjk"}
PROBE = {
    "en": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-&",
    "zh": "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家"
    "学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见"
    "经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话"
    "儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真"
    "听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立"
    "马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制"
    "解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎"
    "元社术结六功指思非流每青管"
    "，。、！？：；（）《》",
}
_FONT_ERRORS = (TTLibError, OSError, LookupError, ValueError, AssertionError, struct.error)
_LOCALE = re.compile(r"\b(SC|CN|TC|TW|HK|MO|JP|KR)( MBE)?\b")
_SIMPLIFIED = ("SC", "CN")


@dataclass(frozen=True)
class FontFile:
    """One face: a file and its index in it, its names, and its weight (OS/2, 100 to 1000)."""

    path: str
    index: int
    family: str
    style: str
    postscript: str
    weight: int

    @property
    def digest(self) -> str:
        """BLAKE2b-128 of the file's bytes and the face's index."""
        return f"{_file_digest(self.path)}:{self.index}"


@cache
def _file_digest(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def find(language: str, where: str | None = None) -> tuple[FontFile, ...]:
    """The faces that can write ``language``, in an order that does not depend on their paths.

    ``where`` is a font file or a folder of them; ``None`` asks fontconfig. Faces lighter than
    ``LIGHTEST_WEIGHT`` are left out of the system's. Raises ``UsageError`` when none is left.
    """
    if where is None:
        faces = [face for face in _system(language) if face.weight >= LIGHTEST_WEIGHT]
    else:
        faces = [face for path in _below(where) for face in _faces(path)]
    fitting = [face for face in faces if covers(face, PROBE[language])]
    if where is None and language == "en":
        fitting = [face for face in fitting if not covers(face, PROBE["zh"])] or fitting
    if not fitting:
        raise UsageError(_nothing_found(language, where))
    chosen = {face.digest: face for face in _one_locale(fitting)}
    return tuple(sorted(chosen.values(), key=lambda face: (face.postscript, face.digest)))


def _nothing_found(language: str, where: str | None) -> str:
    package = DEBIAN_PACKAGE[language]
    place = "fontconfig knows no font" if where is None else f"--fonts {where}: no font there"
    advice = f"install one, e.g. `apt-get install {package}`, or name your own with --fonts DIR"
    return f"{place} that covers language {language!r}; {advice}"


def _system(language: str) -> list[FontFile]:
    command = ["fc-list", f":lang={FONTCONFIG_LANGUAGE[language]}", "--format", "%{file}\n"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        advice = "install it (`apt-get install fontconfig`) or name fonts with --fonts DIR"
        raise UsageError(f"the program fc-list (fontconfig) is missing; {advice}") from error
    paths = {line for line in listed.splitlines() if line.lower().endswith(SUFFIXES)}
    found: list[FontFile] = []
    for path in sorted(paths):
        with suppress(UsageError):  # a broken system font is not this user's mistake
            found += _faces(path)
    return found


def _below(where: str) -> list[str]:
    root = Path(where)
    if root.is_file():
        return [str(root)]
    if not root.is_dir():
        raise UsageError(f"--fonts {where}: no such file or folder")
    return sorted(str(path) for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)


def _faces(path: str) -> list[FontFile]:
    try:
        if path.lower().endswith((".ttc", ".otc")):
            fonts: Sequence[TTFont] = TTCollection(path, lazy=True).fonts
        else:
            fonts = [TTFont(path, lazy=True)]
        described = [_describe(path, index, font) for index, font in enumerate(fonts)]
    except _FONT_ERRORS as error:
        raise UsageError(f"{path}: not a font that can be read ({error})") from error
    return [face for face in described if _is_honest(face)]


def _is_honest(face: FontFile) -> bool:
    """Whether letters are letters: symbol fonts put pictures or Greek in the place of Latin.

    Told by glyph names that mean another character.
    """
    font = hb.Font(hb.Face(hb.Blob.from_file_path(face.path), face.index))
    for letter in "AHMahn":
        glyph = font.get_nominal_glyph(ord(letter))
        name = (font.get_glyph_name(glyph) if glyph else None) or ""
        meaning = agl.toUnicode(name) or agl.toUnicode(name, isZapfDingbats=True)
        if meaning not in {"", letter}:
            return False
    return True


def _describe(path: str, index: int, font: TTFont) -> FontFile:
    names = font["name"]
    family = names.getBestFamilyName() or Path(path).stem
    style = names.getBestSubFamilyName() or "Regular"
    postscript = names.getDebugName(6) or f"{family}-{style}".replace(" ", "")
    weight = int(font["OS/2"].usWeightClass) if "OS/2" in font else 400
    return FontFile(path, index, family, style, postscript, weight)


@cache
def characters(face: FontFile) -> frozenset[int]:
    """The code points in the face's character map."""
    blob = hb.Blob.from_file_path(face.path)
    return frozenset(hb.Face(blob, face.index).unicodes)


def covers(face: FontFile, text: str) -> bool:
    """Whether every character of ``text`` is in the face's character map."""
    return characters(face).issuperset(map(ord, text))


def _one_locale(faces: Iterable[FontFile]) -> list[FontFile]:
    """Of a collection's faces that differ only in locale (SC, TC, JP ...) keep the simplified one.

    They share one character map, but draw some hanzi in another country's form.
    """
    kept: dict[tuple[str, str, str], FontFile] = {}
    for face in faces:
        locale = _LOCALE.search(face.family)
        stem = " ".join(_LOCALE.sub("", face.family).split())
        key = (face.path, stem, face.style)
        if key not in kept or (locale and locale.group(1) in _SIMPLIFIED):
            kept[key] = face
    return list(kept.values())
