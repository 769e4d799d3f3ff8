"""The text of a scene: one that suits the medium, set in faces that suit it."""

import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Literal

from synthesis.corpus import Paragraph
from synthesis.corpus.genres import Genre
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.pure import limits
from synthesis.scene import arcs, lettering
from synthesis.scene.medium import Medium, Sheet
from synthesis.text import block, paths
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Frame, Setting
from synthesis.unrenderable import UnrenderableError

Lines = Literal["level", "vertical", "arc"]
_TRIES = 60
_SLANTED_SHARE, _MOST_SLANT = 0.6, 2.6  # of texts by hand, and degrees
_SHORT = 26  # columns: shorter texts break at phrases
_WORTH_PHRASES = 0.62  # of the size, at least
_WORTH_PHRASES_OF_HANZI = 0.45  # names are not parted
_MOSTLY_WIDE = 1.4  # columns per character, for a text to count as hanzi
_LONG = 56  # columns: longer texts are set like prose
_TALL = 1.2  # times as high as wide: hanzi may be set downwards
_VERTICAL_SHARE = 0.6
_APART, _APART_HANZI = 0.05, 0.14  # ems between letters that fan out
_ROOM = 640 * 640  # pixels for which the media say how long their texts are
_MARGIN = 1.08  # a text is set so much larger than the smallest: perspective makes it smaller


@lru_cache(maxsize=4096)  # as a text is tried for one medium after the other
def columns(text: str) -> int:
    """How wide a text is: 1 for a letter, 2 for a hanzi."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def suits(medium: Medium, text: str, pixels: int) -> bool:
    """Whether a medium takes a text of that length in an image of so many pixels."""
    least, most = medium.columns
    return least <= columns(text) <= max(16, most * min(1.0, pixels / _ROOM))


def choose(
    random: Random, job: Job, media: Sequence[Medium], pixels: int
) -> tuple[Paragraph, Medium] | None:
    """A medium and a text of the job that it bears, each medium as likely as the others.

    ``None`` when none of the media has a text that suits it in an image of so many pixels.
    """
    for medium in random.sample(media, len(media)):
        pools = [those for genre, those in job.by_genre.items() if bears(medium, genre)]
        if not pools:
            continue
        for _ in range(_TRIES):
            paragraph = random.choice(random.choices(pools, [len(pool) for pool in pools])[0])
            if suits(medium, paragraph.text, pixels):
                return paragraph, medium
    return None


def bears(medium: Medium, genre: Genre | None) -> bool:
    """Whether texts of the genre stand on the medium; those of none, a user's, stand on all."""
    return genre is None or genre in medium.bears


def compose(
    random: Random,
    job: Job,
    text: str,
    medium: Medium,
    sheet: Sheet,
    smallest_scale: float,
    canvas: Size,
) -> tuple[Block, Lines]:
    """The text in the sheet's frame or on its arc, and how its lines go.

    ``smallest_scale`` is the least image pixels per pixel of the sheet. Raises
    ``UnrenderableError``.
    """
    style = typography(random, job, text, medium, sheet)
    sizes = sizes_of(random, job.language, medium, sheet, smallest_scale, canvas)
    if sheet.arc and arcs.curves(text) and random.random() < sheet.arc.share:
        with suppress(UnrenderableError):  # no room
            return arcs.on_arc(random, text, spaced(text, style), sheet.arc, sizes[0]), "arc"
    if runs_down(random, text, sheet):
        with suppress(UnrenderableError):  # a face without vertical forms, or no room
            down = replace(style, vertical=True)
            return block.fit(text, down, sheet.frame, sizes), "vertical"
    placed = in_rows(text, style, sheet.frame, sizes)
    return slanted(random, placed, text, medium, sheet), "level"


def spaced(text: str, style: Typography) -> Typography:
    """The style of letters that fan out over an arc."""
    return replace(style, tracking=_APART_HANZI if _is_han(text) else _APART)


def typography(random: Random, job: Job, text: str, medium: Medium, sheet: Sheet) -> Typography:
    """How a text is set on the medium."""
    order = lettering.faces(random, job, medium.lettering, text)
    return Typography(job.language, order, _setting(random, text, medium, sheet))


def sizes_of(
    random: Random,
    language: str,
    medium: Medium,
    sheet: Sheet,
    smallest_scale: float,
    canvas: Size,
) -> range:
    """The pixels per em of the sheet that suit it, from what can just be read in the image."""
    least = int(limits.smallest_em(language, canvas) * _MARGIN / min(1.0, smallest_scale)) + 1
    most = int(medium.largest * min(sheet.ground.shape[:2]) * random.uniform(0.75, 1.0))
    return range(least, max(least, most) + 1)


def runs_down(random: Random, text: str, sheet: Sheet) -> bool:
    """Whether it is set downwards: as most short hanzi on a tall sheet that is not ruled."""
    tall = sheet.frame.height > _TALL * sheet.frame.width and not sheet.rules
    may = tall and _is_han(text) and columns(text) <= _LONG
    return may and random.random() < _VERTICAL_SHARE


def _may_slant(text: str, medium: Medium, sheet: Sheet) -> bool:
    """Whether a short text is written by hand without rules to hold it straight."""
    return medium.lettering == "hand" and not sheet.rules and columns(text) <= _LONG


def in_rows(text: str, style: Typography, frame: Frame, sizes: range) -> Block:
    """The text in level lines, a short one broken at its phrases where that costs little.

    Raises ``UnrenderableError``.
    """
    placed = block.fit(text, style, frame, sizes)
    if columns(text) <= _SHORT and len(placed.lines) > 1 + text.count("\n"):
        return _by_phrases(text, style, frame, sizes, placed)
    return placed


def slanted(random: Random, placed: Block, text: str, medium: Medium, sheet: Sheet) -> Block:
    """The text turned a little, as most are on a board: nobody writes straight by hand there."""
    if not _may_slant(text, medium, sheet) or random.random() >= _SLANTED_SHARE:
        return placed
    frame = sheet.frame
    middle = frame.left + frame.width / 2, frame.top + frame.height / 2
    return paths.turned(placed, random.triangular(-_MOST_SLANT, _MOST_SLANT, -0.4), middle)


def _is_han(text: str) -> bool:
    return columns(text) > _MOSTLY_WIDE * len(text)


def _setting(random: Random, text: str, medium: Medium, sheet: Sheet) -> Setting:
    """Wide lines for hanzi and on ruled lines; short texts centred, hanzi in prose justified."""
    long, han, hand = columns(text) > _LONG, _is_han(text), medium.lettering == "hand"
    leading = random.uniform(1.4, 1.75) if han or sheet.rules else random.uniform(1.2, 1.45)
    centred = not long and not sheet.rules and random.random() < 0.93
    return Setting(
        "centre" if centred else "justified" if long and han and not hand else "left",
        leading,
        vertical=random.choice((0.0, 0.2, 0.5)) if hand else 0.5,
        block=not sheet.rules and random.random() < 0.5,
    )


def _by_phrases(text: str, style: Typography, frame: Frame, sizes: range, anywhere: Block) -> Block:
    """The text broken at phrases where that costs little of its size, else as it was."""
    with suppress(UnrenderableError):
        placed = block.fit(text, replace(style, phrases=True), frame, sizes)
        worth = _WORTH_PHRASES_OF_HANZI if _is_han(text) else _WORTH_PHRASES
        if placed.size >= worth * anywhere.size:
            return placed
    return anywhere
