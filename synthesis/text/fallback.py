"""Which of several fonts renders what: the first, else the next that has all of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

from icu4py.breakers import CharacterBreaker

from synthesis.fonts.face import Font
from synthesis.text import scripts
from synthesis.text.clusters import IGNORED, Cluster, Manner, shape_run
from synthesis.text.scripts import Item
from synthesis.unrenderable import UnrenderableError


@lru_cache(maxsize=1024)
def shape_with(fonts: tuple[Font, ...], item: Item, manner: Manner) -> tuple[Cluster, ...]:
    """The item's clusters, each rendered by the first of ``fonts`` that has what it stands in.

    A word of a script with spaces stays in one font, and where one font has all the words, all
    do; hanzi, kana and Thai go to another font one by one. Emoji are rendered in colours or not at
    all. Raises ``UnrenderableError`` with the first font's reason.
    """
    if item.script == scripts.EMOJI:
        return _emoji(fonts, item, manner)
    try:
        return shape_run(fonts[0], item, manner)
    except UnrenderableError:
        if len(fonts) == 1:
            raise
    needed = frozenset() if item.script in scripts.UNSPACED else _letters(item.text)
    chosen: list[tuple[str, Font]] = []
    for piece in _pieces(item):
        if not piece.isspace():
            chosen.append((piece, _font_for(fonts, needed, replace(item, text=piece), manner)))
        else:
            chosen.append((piece, chosen[-1][1] if chosen else fonts[0]))
    clusters: list[Cluster] = []
    for font, run in groupby(chosen, key=lambda piece_and_font: piece_and_font[1]):
        text = "".join(piece for piece, _ in run)
        clusters += shape_run(font, replace(item, text=text), manner)
    return tuple(clusters)


def _emoji(fonts: Sequence[Font], item: Item, manner: Manner) -> tuple[Cluster, ...]:
    for font in fonts:
        if ord(item.text[0]) not in font.characters or not font.has_colours:
            continue
        try:
            clusters = shape_run(font, item, manner)
        except UnrenderableError:
            continue
        if len(clusters) == 1 and len(clusters[0].glyphs) == 1:
            return clusters
    raise UnrenderableError("missing_character", f"{item.text} in colours")


def _letters(text: str) -> frozenset[int]:
    return frozenset(ord(character) for character in text if character.isalpha())


def _by_coverage(fonts: Sequence[Font], needed: frozenset[int]) -> Iterator[Font]:
    """Fonts that have all the letters needed before the others; no more looked at than asked."""
    yield from (font for font in fonts if needed <= font.characters)
    yield from (font for font in fonts if not needed <= font.characters)


def _pieces(item: Item) -> Iterator[str]:
    """What must not be parted: a character with its marks, or a word; blanks and marks alone."""
    characters = list(CharacterBreaker(item.text, "en"))
    if item.script in scripts.UNSPACED:
        yield from characters
        return
    for in_word, group in groupby(
        characters, key=lambda character: character[0].isalnum() or character in IGNORED
    ):
        if in_word:
            yield "".join(group)
        else:
            yield from group


def _font_for(fonts: Sequence[Font], needed: frozenset[int], piece: Item, manner: Manner) -> Font:
    problem: UnrenderableError | None = None
    for font in _by_coverage(fonts, needed):
        try:
            shape_run(font, piece, manner)
            return font
        except UnrenderableError as error:
            if problem is None or font is fonts[0]:
                problem = error
    raise problem or UnrenderableError("no_font")
