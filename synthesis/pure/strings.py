"""Style ``strings``: one to four characters, each centred in a fixed cell, from the left edge.

A toy task for a trainer: fixed font, fixed layout, one caption pattern per language. Cells are
half as wide as high for Latin (16x32 on a 64x32 canvas) and square for hanzi (32x32 on 128x32).
"""

from random import Random

from curation.failures.errors import UsageError
from curation.picture.colours import COLOURS, Colour
from synthesis import png, raster
from synthesis.fonts import files as font_files
from synthesis.fonts.face import Font
from synthesis.sample import Sample, TextBox, upright_quad

LONGEST = 4
CHARACTERS = {
    "en": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "zh": "一二三十人口日月水火山石田土木禾上下大小中天文心手足目耳风云雨花鸟车马门",
}
CAPTION = {
    "en": 'The text "{text}" in {ink} on a {background} background.',
    "zh": "{background}背景上写着{ink}的文字“{text}”。",
}
DEFAULT_SIZE = {"en": (64, 32), "zh": (128, 32)}
INKS = (
    Colour("red", "红色", (204, 24, 32)),
    Colour("green", "绿色", (0, 128, 48)),
    Colour("blue", "蓝色", (24, 72, 208)),
    Colour("black", "黑色", (16, 16, 16)),
    Colour("orange", "橙色", (224, 108, 0)),
    Colour("purple", "紫色", (128, 32, 160)),
)
LEAST_CONTRAST = 3.0  # WCAG 2.2, 1.4.3, large text
PREFERRED_FACES = {
    "en": ("DejaVuSansMono-Bold", "LiberationMono-Bold", "NotoSansMono-Bold"),
    "zh": ("NotoSansCJKsc-Bold", "NotoSansMonoCJKsc-Bold", "WenQuanYiMicroHei"),
}
_HEIGHT_SHARE = {"en": 0.75, "zh": 0.875}  # font size as a share of the cell's height
_REFERENCE = {"en": "H", "zh": "中"}  # what is centred between top and bottom


def cell_width(language: str, height: int) -> int:
    """The width of a cell in pixels on a canvas of that height."""
    return height if language == "zh" else height // 2


def check_size(language: str, width: int, height: int) -> None:
    """Raise ``UsageError`` unless ``LONGEST`` cells fit the canvas."""
    needed = LONGEST * cell_width(language, height)
    if width < needed:
        raise UsageError(
            f"--size {width}x{height}: style strings in {language!r} needs {LONGEST} cells of "
            f"{cell_width(language, height)}x{height}, so a canvas of {needed}x{height} or wider"
        )


def choose_face(language: str, where: str | None) -> font_files.FontFile:
    """The face of the style: the first preferred one there is, else the first that fits."""
    faces = {face.postscript: face for face in reversed(font_files.find(language, where))}
    preferred = [faces[name] for name in PREFERRED_FACES[language] if name in faces]
    return (preferred or list(reversed(faces.values())))[0]


def render(
    random: Random, language: str, font: Font, size: tuple[int, int], shows: str = ""
) -> Sample:
    """One sample; ``random`` chooses length, characters and ink; ``size`` is (width, height). A
    character that it ``shows`` stands somewhere in it.
    """
    width, height = size
    text = "".join(random.choices(CHARACTERS[language], k=random.randint(1, LONGEST)))
    if shows:
        place = random.randrange(len(text))
        text = text[:place] + shows + text[place + 1 :]
    ink = random.choice(INKS)
    canvas = written(font, language, text, ink, size)
    caption = CAPTION[language].format(
        text=text, ink=ink.name(language), background=COLOURS["white"].name(language)
    )
    boxes = _boxes(text, cell_width(language, height), height)
    image = png.encode(canvas)
    return Sample(image, width, height, text, caption, language, boxes, font.file.postscript)


def written(
    font: Font, language: str, text: str, ink: Colour, size: tuple[int, int]
) -> raster.Pixels:
    """A text in its cells on white; ``size`` is (width, height)."""
    width, height = size
    cell = cell_width(language, height)
    glyphs = [_glyph(font, character) for character in text]
    pixels = _font_size(font, language, cell, height)
    baseline = _baseline(font, language, pixels, height)
    origins = [
        raster.snapped(place * cell + (cell - _advance(font, glyph) * pixels) / 2, baseline)
        for place, glyph in enumerate(glyphs)
    ]
    canvas = raster.solid(width, height, COLOURS["white"].rgb)
    raster.render(canvas, [raster.Run(font, pixels, glyphs, origins)], ink.rgb)
    return canvas


def _boxes(text: str, cell: int, height: int) -> tuple[TextBox, ...]:
    line = TextBox(text, upright_quad(0, 0, len(text) * cell, height), "line")
    glyphs = [
        TextBox(character, upright_quad(place * cell, 0, (place + 1) * cell, height), "glyph")
        for place, character in enumerate(text)
    ]
    return (line, *glyphs)


def _glyph(font: Font, character: str) -> int:
    glyph = font.shaper.get_nominal_glyph(ord(character))
    if not glyph or not font.has_ink(glyph):
        raise UsageError(f"{font.file.path}: cannot render {character!r}, which strings needs")
    return int(glyph)


def _advance(font: Font, glyph: int) -> float:
    return int(font.shaper.get_glyph_h_advance(glyph)) / int(font.units_per_em)


def _font_size(font: Font, language: str, cell: int, height: int) -> int:
    widest = max(_advance(font, _glyph(font, character)) for character in CHARACTERS[language])
    return int(min(_HEIGHT_SHARE[language] * height, cell / widest))


def _baseline(font: Font, language: str, pixels: int, height: int) -> float:
    _, top, _, bottom = font.extents(_glyph(font, _REFERENCE[language]))
    return height / 2 - (top + bottom) / 2 * pixels
