"""Which of several fonts draws what: the first, else the next that has all of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

from icu4py.breakers import CharacterBreaker

from synthesis.fonts.face import Font
from synthesis.problems import UnrenderableError
from synthesis.text import scripts
from synthesis.text.clusters import IGNORED, Cluster, Manner, shape_run
from synthesis.text.scripts import Item


@lru_cache(maxsize=4096)
def shape_with(fonts: tuple[Font, ...], item: Item, manner: Manner) -> tuple[Cluster, ...]:
    """The item's clusters, each drawn by the first of ``fonts`` that can draw what it stands in.

    A word of a script with spaces stays in one font, and where one font has all the words, all
    do; hanzi, kana and Thai go to another font one by one. Emoji are drawn in colours or not at
    all. Raises ``UnrenderableError`` with the first font's reason.
    """
    if item.script == scripts.EMOJI:
        return _emoji(fonts, item, manner)
    try:
        return shape_run(fonts[0], item, manner)
    except UnrenderableError:
        if len(fonts) == 1:
            raise
    ordered = _by_coverage(fonts, item)
    chosen: list[tuple[str, Font]] = []
    for piece in _pieces(item):
        if not piece.isspace():
            chosen.append((piece, _font_for(ordered, replace(item, text=piece), manner)))
        else:
            chosen.append((piece, chosen[-1][1] if chosen else fonts[0]))
    found: list[Cluster] = []
    for font, run in groupby(chosen, key=lambda one: one[1]):
        text = "".join(piece for piece, _ in run)
        found += shape_run(font, replace(item, text=text), manner)
    return tuple(found)


def _emoji(fonts: Sequence[Font], item: Item, manner: Manner) -> tuple[Cluster, ...]:
    for font in fonts:
        if not font.has_colours:
            continue
        try:
            clusters = shape_run(font, item, manner)
        except UnrenderableError:
            continue
        if len(clusters) == 1 and len(clusters[0].glyphs) == 1:
            return clusters
    raise UnrenderableError("missing_character", f"{item.text} in colours")


def _by_coverage(fonts: Sequence[Font], item: Item) -> Sequence[Font]:
    """In a script with spaces, fonts that have all its letters come before the others."""
    if item.script in scripts.UNSPACED:
        return fonts
    needed = {ord(one) for one in item.text if one.isalpha()}
    return sorted(fonts, key=lambda font: not needed <= font.characters)


def _pieces(item: Item) -> Iterator[str]:
    """What must not be parted: a character with its marks, or a word; blanks and marks alone."""
    characters = list(CharacterBreaker(item.text, "en"))
    if item.script in scripts.UNSPACED:
        yield from characters
        return
    for in_word, group in groupby(characters, key=lambda one: one[0].isalnum() or one in IGNORED):
        if in_word:
            yield "".join(group)
        else:
            yield from group


def _font_for(fonts: Sequence[Font], piece: Item, manner: Manner) -> Font:
    problems: dict[int, UnrenderableError] = {}
    for font in fonts:
        try:
            shape_run(font, piece, manner)
            return font
        except UnrenderableError as error:
            problems[id(font)] = error
    raise next(iter(problems.values()))
