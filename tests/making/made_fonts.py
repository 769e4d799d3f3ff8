"""Fonts made for the tests: plain rectangles, with holes in their coverage where a test asks."""

import unicodedata
from pathlib import Path

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from synthesis import corpus
from synthesis.fonts import files as font_files

LEFT_HALF = frozenset("，。、；：！？」』）》”’")
RIGHT_HALF = frozenset("「『（《“‘")
EM = 1000


def all_characters(language: str) -> str:
    """Everything the shipped corpus, the captions and the probe of a language need."""
    loaded = corpus.load(language)
    texts = "".join(one.text for one in (*loaded.paragraphs, *loaded.pages))
    latin = "".join(map(chr, range(0x20, 0x7F)))
    every = {*texts, *latin, *font_files.PROBE[language]} - {"\n"}
    if "ำ" in every:  # which shapers part
        every |= {*unicodedata.normalize("NFKD", "ำ")}
    return "".join(sorted(every))


def _rectangle(character: str) -> tuple[int, int, int, int, int]:
    """Left, bottom, right, top and advance, different for neighbouring characters."""
    code = ord(character)
    if character in LEFT_HALF:
        return 80, 0, 380, 250, EM
    if character in RIGHT_HALF:
        return 620, 500, 920, 800, EM
    if code < 0x2E80:
        return 40, -10 * (code % 7), 440 + 5 * (code % 11), 500 + 20 * (code % 13), 560
    return 60, -80, 900 + code % 40, 780 + code % 60, EM


def _mark(place: int, *, ill_set: bool) -> tuple[int, int, int, int, int]:
    """A stroke above the letter before it, every mark at a height of its own if not ``ill_set``."""
    bottom = 780 + (0 if ill_set else 36 * (place % 36))
    return -330, bottom, -130, bottom + 24, 0


def make(
    path: Path,
    characters: str,
    *,
    inkless: str = "",
    lost: str = "",
    names: dict[str, str] | None = None,
    ill_set: str = "",
    family: str = "Test",
) -> str:
    """Write a font of rectangles for ``characters``; returns its path.

    ``inkless`` characters are mapped to an empty glyph, ``lost`` ones become .notdef when shaped.
    ``names`` gives a character's glyph another name; combining marks in ``ill_set`` lie on each
    other. Consonants before a virama become ``half``.
    """
    marks = [one for one in characters if unicodedata.category(one) == "Mn"]
    shapes = {one: _rectangle(one) for one in characters}
    shapes |= {one: _mark(at, ill_set=one in ill_set) for at, one in enumerate(marks)}
    glyph_of = {ord(one): (names or {}).get(one, f"uni{ord(one):04X}") for one in characters}
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", "half", *glyph_of.values()])
    builder.setupCharacterMap(glyph_of)
    outlines, metrics = {}, {}
    drawn = [(glyph_of[ord(one)], one, shape) for one, shape in shapes.items()]
    drawn += [(".notdef", "中", _rectangle("中")), ("half", "h", (40, 0, 240, 400, 280))]
    for name, character, (left, bottom, right, top, advance) in drawn:
        pen = TTGlyphPen(None)
        if not character.isspace() and character not in inkless:
            pen.moveTo((left, bottom))
            for corner in ((left, top), (right, top), (right, bottom)):
                pen.lineTo(corner)
            pen.closePath()
        outlines[name] = pen.glyph()
        metrics[name] = (advance, left)
    builder.setupGlyf(outlines)
    builder.setupHorizontalMetrics(metrics)
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    postscript = family.replace(" ", "") + "-Regular"
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": postscript})
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWeightClass=400)
    builder.setupPost()
    rules = [f"sub {glyph_of[ord(one)]} by .notdef;" for one in lost]
    features = f"feature ccmp {{ {' '.join(rules)} }} ccmp;" if rules else ""
    if "\u094d" in characters:
        letters = " ".join(glyph_of[code] for code in sorted(glyph_of) if 0x915 <= code <= 0x939)
        features += f"feature half {{ script dev2; sub [{letters}] uni094D by half; }} half;"
    if features:
        addOpenTypeFeaturesFromString(builder.font, features)
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)
    return str(path)
