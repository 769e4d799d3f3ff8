"""Fonts made for the tests: plain rectangles, with holes in their coverage where a test asks."""

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
    return "".join(sorted({*texts, *latin, *font_files.PROBE[language]} - {"\n"}))


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


def make(
    path: Path,
    characters: str,
    *,
    inkless: str = "",
    lost: str = "",
    names: dict[str, str] | None = None,
    family: str = "Test",
) -> str:
    """Write a font of rectangles for ``characters``; returns its path.

    ``inkless`` characters are mapped to an empty glyph, ``lost`` ones become .notdef when shaped.
    ``names`` gives a character's glyph another name.
    """
    glyph_of = {ord(one): (names or {}).get(one, f"uni{ord(one):04X}") for one in characters}
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", *glyph_of.values()])
    builder.setupCharacterMap(glyph_of)
    outlines, metrics = {}, {}
    for name, character in [(".notdef", "中"), *((glyph_of[ord(one)], one) for one in characters)]:
        left, bottom, right, top, advance = _rectangle(character)
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
    rules = " ".join(f"sub {glyph_of[ord(one)]} by .notdef;" for one in lost)
    if rules:
        addOpenTypeFeaturesFromString(builder.font, f"feature ccmp {{ {rules} }} ccmp;")
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)
    return str(path)
