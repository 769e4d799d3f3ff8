"""Edits of the text of a scene: another one, none, one where there was none, another colour."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from curation.picture.colours import RGB, contrast_ratio, lab, names
from synthesis.captions.roles import role_name
from synthesis.corpus import Paragraph
from synthesis.corpus.genres import PLAIN_ROLE
from synthesis.corpus.translations import TextKind
from synthesis.description import Name
from synthesis.edits import translating
from synthesis.edits.edit import Change, Mask
from synthesis.edits.scenes import regions, stage
from synthesis.edits.scenes.stage import Stage
from synthesis.edits.scenes.studio import Shot, Studio, Text
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.scene import inscribed, writing
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


def begin(random: Random, job: Job) -> Stage:
    """A scene with a text that can be quoted, and nothing that holds another one in its lines."""
    return stage.begin(random, job, suits=quotable, ruled=False)


def replace_text(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """Another text in the place of the first. Raises ``UnrenderableError``."""
    _check(here, job)
    other = _another(random, job, here)
    studio = replace(here.studio, role=inscribed.role_of(other))
    second = _in_place(here, other.text)
    change = _naming(random, here, Change("text.replace", new=other.text))
    return _rewritten(here, studio, second, change)


def _check(here: Stage, job: Job) -> None:
    """Raise ``UnrenderableError`` where no other text can be written in its place."""
    if not here.shot.written or here.text.lines == "arc" or here.studio.blank.sheet.rules:
        raise UnrenderableError("no_place_for_text", f"{here.text.lines} lines")
    if here.studio.job.language != job.language:
        raise UnrenderableError("other_language", "after a translation")


def _another(random: Random, job: Job, here: Stage) -> Paragraph:
    """A text of the job that may stand there: about as long, and short enough to be quoted."""
    pool = [
        paragraph
        for genre, those in job.by_genre.items()
        if writing.bears(here.medium, genre)
        for paragraph in those
    ]
    words = here.text.words
    low, high = (round(share * writing.columns(words)) for share in _ALIKE)
    for _ in range(_TRIES if pool else 0):
        other = random.choice(pool)
        long = writing.columns(other.text)
        if other.text != words and quotable(other.text) and low <= long <= max(high, low + 4):
            return other
    raise UnrenderableError("no_other_text", f"for {words[:40]}")


def _in_place(here: Stage, words: str, studio: Studio | None = None) -> Text:
    """Other words as large as the text, or a little smaller where they are longer."""
    size = here.text.block.size
    second = (studio or here.studio).text(words, size, here.text.lines)
    if second.block.size < _SMALLER * size:
        raise UnrenderableError("does_not_fit", f"{second.block.size} of {size} px")
    return second


def _rewritten(here: Stage, studio: Studio, second: Text, change: Change) -> Step[Stage]:
    before = here.with_room(second)
    after = before.rewritten(studio, second)
    return Step(before, after, change, mask=of_texts(before, [here.text, second]))


def begin_translated(random: Random, job: Job) -> Stage:
    """A scene with a text of the parallel corpus. Raises ``UnrenderableError``."""
    known = replace(job, paragraphs=tuple(Paragraph(text) for text in _pairs(job)))
    here = stage.begin(random, known, _is_bilingual, quotable, ruled=False)
    if here.text.lines != "level":
        raise UnrenderableError("vertical_text", "letters stand in level lines")
    return replace(here, studio=replace(here.studio, job=job))


def _is_bilingual(medium: Medium) -> bool:
    return medium.name.english in _BILINGUAL


def _pairs(job: Job) -> dict[str, str]:
    pairs = [pair for kind in _WRITTEN for pair in job.translations.get(kind, ())]
    return dict(pair.out_of(job.language) for pair in pairs)


def translate(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """The text in the other language. Raises ``UnrenderableError``."""
    _check(here, job)
    new = _pairs(job).get(here.text.words)
    if new is None or here.text.lines != "level":
        raise UnrenderableError("no_translation", f"of {here.text.words[:40]}")
    studio = here.studio
    fonts = translating.alike(job.other_fonts, here.text.block.faces[0])
    other = replace(job, language=translating.into(job.language), fonts=tuple(fonts))
    style = writing.typography(studio.steps("style"), other, new, here.medium, studio.blank.sheet)
    there = replace(studio, job=other, style=replace(style, setting=studio.style.setting))
    second = _in_place(here, new, there)
    named = _naming(random, here, Change(translating.OPERATION))
    said = new if random.random() < _TRANSLATED_SHARE else None
    return _rewritten(here, there, second, replace(named, new=said, language=other.language))


def remove(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """The medium left blank. Raises ``UnrenderableError``."""
    _check_written(here)
    change = _naming(random, here, Change("text.remove"))
    return Step(here, here.unwritten(), change, mask=of_texts(here, [here.text]))


def add(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """A text on a medium that was blank. Raises ``UnrenderableError``."""
    before, after = here, here
    if here.shot.written:
        _check_written(here)
        before = here.unwritten()
    else:
        other = _another(random, job, here)
        studio = replace(here.studio, role=inscribed.role_of(other))
        after = here.rewritten(studio, _in_place(here, other.text))
    ink = after.photo.ink if random.random() < _PLACED_SHARE else None
    change = Change("text.add", new=after.text.words, place=on(here.medium), colour=ink)
    return Step(before, after, change, mask=of_texts(after, [after.text]))


def _check_written(here: Stage) -> None:
    """Raise ``UnrenderableError`` where there is no text, or an emblem of the same ink with it."""
    if not here.shot.written or here.text.lines == "arc":
        raise UnrenderableError("no_text", "or an emblem in the same ink")


def recolour(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """The text in another colour. Raises ``UnrenderableError``."""
    _check_written(here)
    own = names(here.paint)
    inks = (*here.studio.blank.sheet.inks, *_PAINTS)
    others = [ink for ink in inks if not {*names(ink)} & {*own} and _suits(ink, here.shot)]
    if not others:
        raise UnrenderableError("no_other_colour", f"on {here.shot.text.ground}")
    was = here.photo.ink
    if was is None:
        raise UnrenderableError("unnamed_colour", "before")
    after = here.painted(random.choice(others))
    colour = after.photo.ink
    if colour is None or colour == was:
        raise UnrenderableError("unnamed_colour", "after")
    change = _naming(random, here, Change("text.recolour", colour=colour))
    if change.thing is None and random.random() < _PLACED_SHARE:  # nobody calls a poem black
        change = replace(change, was=was)
    return Step(here, after, change, mask=of_texts(here, [here.text]))


def _suits(ink: RGB, shot: Shot) -> bool:
    """Whether it is told at a glance from the ink of the text, and plain on the same ground."""
    apart = math.dist(lab(ink), lab(shot.text.paint)) >= _APART
    return apart and contrast_ratio(ink, shot.text.ground) >= _CONTRAST


def quotable(words: str) -> bool:
    """Whether an instruction quotes it: it is short, and of one line."""
    return writing.columns(words) <= LONGEST and "\n" not in words


def on(medium: Medium) -> Name:
    """Where a text on the medium is."""
    return Name(f"on the {medium.name.english}", f"{medium.name.chinese}上")


def _naming(random: Random, here: Stage, change: Change) -> Change:
    """The change with a name for the one text of the scene: quoted, its role, what bears it."""
    words, called = here.text.words, here.studio.role
    quoted = quotable(words) and random.random() < _QUOTED_SHARE
    named = called != PLAIN_ROLE and random.random() < _NAMED_SHARE
    placed = random.random() < _PLACED_SHARE or not (quoted or named)
    role = Name(role_name("en", called), role_name("zh", called))
    return replace(
        change,
        old=words if quoted else None,
        thing=role if named else None,
        place=on(here.medium) if placed else None,
    )


def of_texts(here: Stage, texts: Sequence[Text]) -> Mask:
    """Where the texts are in the image."""
    sheet = here.shot.text.sheet
    shape = sheet.ground.shape[0], sheet.ground.shape[1]
    return regions.of_texts(texts, here.surface, sheet.ink, shape, here.studio.canvas)
