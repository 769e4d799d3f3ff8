"""Edits of the text of a scene: another one, none, one where there was none, another colour."""

import math
from dataclasses import replace
from random import Random

from curation.picture.colours import RGB, Colour, contrast_ratio, lab, names
from synthesis.captions.roles import role_name
from synthesis.corpus import Paragraph
from synthesis.corpus.genres import PLAIN_ROLE
from synthesis.corpus.translations import TextKind
from synthesis.description import Name
from synthesis.edits import masks, translating
from synthesis.edits.edit import Change, Edit, Mask
from synthesis.edits.scenes import regions
from synthesis.edits.scenes.studio import (
    Photo,
    Shot,
    Studio,
    Text,
    opaque,
    photographs,
    set_up,
    shoot,
)
from synthesis.job import Job
from synthesis.scene import writing
from synthesis.scene.media import all_media
from synthesis.scene.medium import Medium
from synthesis.unrenderable import UnrenderableError

LONGEST = 72  # columns of a text that an instruction quotes
_ALIKE = (0.6, 1.5)  # times the columns of a text: how long another in its place is
_TRIES = 40
_SMALLER = 0.62  # of its size: how much smaller another text may be set
_QUOTED_SHARE, _NAMED_SHARE, _PLACED_SHARE = 0.75, 0.5, 0.35
_APART = 35.0  # CIELAB: two colours of one text
_CONTRAST = 5.5  # of another ink, before it is worn, lit and blurred
_TRANSLATED_SHARE = 0.5  # of instructions: the translation is said, too
_BILINGUAL = (  # media that are seen in either language with any short text
    *("shop sign", "street sign", "wooden board", "blackboard", "whiteboard", "glass window"),
    *("card", "screen", "sheet of paper"),
)
_WRITTEN = (  # kinds of texts that are, and those of no known kind
    *(TextKind.NOTICE, TextKind.PLACE, TextKind.OFFER, TextKind.DISH, TextKind.DATE),
    *(TextKind.TITLE, TextKind.SLOGAN, TextKind.GREETING, TextKind.SENTENCE, None),
)
_PAINTS = (  # where the sheet's own inks give no other colour
    *((190, 24, 34), (18, 64, 160), (14, 104, 62), (236, 120, 24), (110, 40, 130)),
    *((250, 214, 60), (250, 250, 246), (22, 22, 24), (246, 150, 180), (60, 160, 220)),
)


def replace_text(random: Random, job: Job) -> Edit:
    """Another text in the place of the first. Raises ``UnrenderableError``."""
    here, paragraph = set_up(random, job, all_media(), quotable)
    here = unruled(here)
    text = here.text(paragraph.text)
    other = _another(random, job, paragraph.text, here.blank.medium)
    second = _in_place(here, text, other)
    change = _naming(random, here, paragraph.text, Change("text.replace", new=other))
    return _rewritten(here, text, second, change)


def _another(random: Random, job: Job, words: str, medium: Medium) -> str:
    pool = [
        paragraph
        for genre, those in job.by_genre.items()
        if writing.bears(medium, genre)
        for paragraph in those
    ]
    low, high = (round(share * writing.columns(words)) for share in _ALIKE)
    for _ in range(_TRIES):
        other = random.choice(pool).text
        long = writing.columns(other)
        if other != words and quotable(other) and low <= long <= max(high, low + 4):
            return other
    raise UnrenderableError("no_other_text", f"for {words[:40]}")


def unruled(here: Studio) -> Studio:
    """The studio without ruled lines, which are where the lines of one text are."""
    sheet = replace(here.blank.sheet, rules=None)
    return replace(here, blank=replace(here.blank, sheet=sheet))


def _in_place(here: Studio, text: Text, words: str) -> Text:
    """Other words as large as the text, or a little smaller where they are longer."""
    second = here.text(words, text.block.size, text.lines)
    if second.block.size < _SMALLER * text.block.size:
        raise UnrenderableError("does_not_fit", f"{second.block.size} of {text.block.size} px")
    return second


def _rewritten(
    here: Studio, text: Text, second: Text, change: Change, there: Studio | None = None
) -> Edit:
    surface = here.surface([text, second])
    first = shoot(here, text, surface)
    shots = [first, shoot(there or here, second, surface, first.text.paint)]
    return edited(
        here, shots, photographs(here, shots), change, of_texts(here, [text, second], first)
    )


def translate(random: Random, job: Job) -> Edit:
    """The text in the other language. Raises ``UnrenderableError``."""
    pairs = dict(
        pair.out_of(job.language) for kind in _WRITTEN for pair in job.translations.get(kind, ())
    )
    known = replace(job, paragraphs=tuple(Paragraph(text) for text in pairs))
    media = [medium for medium in all_media() if medium.name.english in _BILINGUAL]
    here, paragraph = set_up(random, known, media, quotable)
    here, new = unruled(here), pairs[paragraph.text]
    text = here.text(paragraph.text, lines="level")
    fonts = translating.alike(job.other_fonts, text.block.faces[0])
    other = replace(job, language=translating.into(job.language), fonts=tuple(fonts))
    medium, sheet = here.blank.medium, here.blank.sheet
    style = writing.typography(here.steps("style"), other, new, medium, sheet)
    there = replace(here, job=other, style=replace(style, setting=here.style.setting))
    second = _in_place(there, text, new)
    named = _naming(random, here, paragraph.text, Change(translating.OPERATION))
    said = new if random.random() < _TRANSLATED_SHARE else None
    change = replace(named, new=said, language=other.language)
    return _rewritten(here, text, second, change, there)


def remove(random: Random, job: Job) -> Edit:
    """The medium left blank. Raises ``UnrenderableError``."""
    here, paragraph = set_up(random, job, all_media())
    text = here.text(paragraph.text)
    change = _naming(random, here, paragraph.text, Change("text.remove"))
    surface = here.surface([text])
    shots = [shoot(here, text, surface), shoot(here, text, surface, written=False)]
    return edited(here, shots, photographs(here, shots), change, of_texts(here, [text], shots[0]))


def add(random: Random, job: Job) -> Edit:
    """A text on a medium that was blank. Raises ``UnrenderableError``."""
    here, paragraph = set_up(random, job, all_media(), quotable)
    text = here.text(paragraph.text)
    surface = here.surface([text])
    shots = [shoot(here, text, surface, written=False), shoot(here, text, surface)]
    photos = photographs(here, shots)
    ink = photos[1].ink if random.random() < _PLACED_SHARE else None
    change = Change("text.add", new=paragraph.text, place=on(here.blank.medium), colour=ink)
    return edited(here, shots, photos, change, of_texts(here, [text], shots[1]))


def recolour(random: Random, job: Job) -> Edit:
    """The text in another colour. Raises ``UnrenderableError``."""
    here, paragraph = set_up(random, job, all_media())
    text = here.text(paragraph.text)
    surface = here.surface([text])
    first = shoot(here, text, surface)
    own = names(first.text.paint)
    inks = (*here.blank.sheet.inks, *_PAINTS)
    others = [ink for ink in inks if not {*names(ink)} & {*own} and _suits(ink, first)]
    if not others:
        raise UnrenderableError("no_other_colour", f"on {first.text.ground}")
    second = shoot(here, text, surface, random.choice(others))
    shots = [first, second]
    photos = photographs(here, shots)
    colour, was = _two(photos[1].ink, photos[0].ink)
    change = Change("text.recolour", colour=colour)
    change = _naming(random, here, paragraph.text, change)
    if change.thing is None and random.random() < _PLACED_SHARE:  # nobody calls a poem black
        change = replace(change, was=was)
    return edited(here, shots, photos, change, of_texts(here, [text], first))


def _suits(ink: RGB, shot: Shot) -> bool:
    """Whether it is told at a glance from the ink of the text, and plain on the same ground."""
    apart = math.dist(lab(ink), lab(shot.text.paint)) >= _APART
    return apart and contrast_ratio(ink, shot.text.ground) >= _CONTRAST


def _two(after: Colour | None, before: Colour | None) -> tuple[Colour, Colour]:
    """Both colours, where both have names and they are not one. Raises ``UnrenderableError``."""
    if after is None or before is None or after == before:
        raise UnrenderableError("unnamed_colour", "before or after")
    return after, before


def quotable(words: str) -> bool:
    """Whether an instruction quotes it: it is short, and of one line."""
    return writing.columns(words) <= LONGEST and "\n" not in words


def on(medium: Medium) -> Name:
    """Where a text on the medium is."""
    return Name(f"on the {medium.name.english}", f"{medium.name.chinese}上")


def _naming(random: Random, here: Studio, words: str, change: Change) -> Change:
    """The change with a name for the one text of the scene: quoted, its role, what bears it."""
    quoted = quotable(words) and random.random() < _QUOTED_SHARE
    named = here.role != PLAIN_ROLE and random.random() < _NAMED_SHARE
    placed = random.random() < _PLACED_SHARE or not (quoted or named)
    role = Name(role_name("en", here.role), role_name("zh", here.role))
    return replace(
        change,
        old=words if quoted else None,
        thing=role if named else None,
        place=on(here.blank.medium) if placed else None,
    )


def of_texts(here: Studio, texts: list[Text], shot: Shot) -> Mask:
    """Where the texts are in the image."""
    sheet = shot.text.sheet
    shape = sheet.ground.shape[0], sheet.ground.shape[1]
    return regions.of_texts(texts, shot.text.surface, sheet.ink, shape, here.canvas)


def edited(
    here: Studio, shots: list[Shot], photos: list[Photo], change: Change, mask: Mask
) -> Edit:
    """Two shots as an edit. Raises ``UnrenderableError`` where they differ beside the mask."""
    source, target = (opaque(photo.image) for photo in photos)
    masks.check(source, target, mask)
    font = shots[1].text.block.faces[0].postscript
    return Edit(source, target, mask, shots[0].boxes, shots[1].boxes, change, font)
