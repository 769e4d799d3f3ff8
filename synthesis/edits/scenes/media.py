"""Edits of what a text stands on and what is around it: its colour, its material, surroundings."""

import math
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from curation.picture.colours import RGB, contrast_ratio, lab, names
from synthesis.description import Name
from synthesis.edits.edit import Change
from synthesis.edits.scenes import regions, stage
from synthesis.edits.scenes.stage import Stage
from synthesis.edits.scenes.studio import Shot, Text
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.scene import inscribed
from synthesis.scene.inscribed import Blank
from synthesis.scene.media import all_media
from synthesis.scene.medium import Medium
from synthesis.scene.streams import Steered
from synthesis.scene.surroundings import PLACES, Place
from synthesis.unrenderable import UnrenderableError

_SAID_SHARE = 0.4  # of edits: what was there before is told
_APART = 25.0  # CIELAB: two colours of one medium
_SHAPE = 1.15  # times the widest and the narrowest of a medium: in another's place
_LEAST_AROUND = 0.2  # of the image: surroundings that are seen
_BEYOND = 0.03  # of the sheet: how far a text may go beyond another sheet's frame
_SHEET, _CRUMPLED = "sheet of paper", "crumpled sheet of paper"
PAPERS = {_SHEET, _CRUMPLED, "card"}  # whose colour stays, by so many tries
_TRIES, _ALIKE = 6, 9.0  # CIELAB
_FLAT = Name("flat sheet of paper", "平整的纸")
_WALLS = {  # as an instruction tells them from other walls
    "plaster wall": Name("plaster wall", "抹灰墙面"),
    "wall of boards": Name("wooden wall", "木板墙"),
}
_CONTRAST = 5.5  # of an ink on another ground, before they are worn, lit and blurred


def begin_painted(random: Random, job: Job) -> Stage:
    """A scene with a medium that is seen in several colours."""
    return stage.begin(random, job, lambda medium: bool(medium.palette), curved=True)


def recolour(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """The same medium in another colour. Raises ``UnrenderableError``."""
    medium = here.medium
    others = [colours[0] for colours in medium.palette if _suits(colours[0], here.shot)]
    if not others:
        raise UnrenderableError("no_other_colour", f"of a {medium.name.english}")
    was = here.photo.ground
    if was is None:
        raise UnrenderableError("unnamed_colour", "before")
    painted = random.choice(others)

    def turned(own: tuple[Any, ...]) -> tuple[Any, ...]:
        return (painted, *own[1:])

    steered = Steered(here.studio.steps(here.drawn), medium.palette, turned)
    blank, sheet = _blank(here, medium, steered), here.studio.blank.sheet
    if blank.sheet.ink != sheet.ink:
        raise UnrenderableError("other_ink", f"on a {medium.name.english}")
    kept = replace(blank.sheet, rules=sheet.rules, arc=sheet.arc)
    after = here.on(replace(blank, sheet=kept))
    colour = after.photo.ground
    if colour is None:
        raise UnrenderableError("unnamed_colour", "after")
    first, second = here.shot.text.ground, after.shot.text.ground
    if {*names(first)} & {*names(second)} or math.dist(lab(first), lab(second)) < _APART:
        raise UnrenderableError("same_colour", f"{was.english} and {colour.english}")
    label = sheet.surface if medium.name.english == "jar" else None
    change = Change(
        "attribute.colour",
        thing=label or medium.name,
        colour=colour,
        was=was if random.random() < _SAID_SHARE else None,
    )
    return Step(here, after, change, mask=regions.of_sheet(here.shot, here.studio.canvas))


def _suits(colour: RGB, shot: Shot) -> bool:
    """Whether a ground of that colour is another, with the ink of the text still plain on it."""
    apart = math.dist(lab(colour), lab(shot.text.ground)) >= _APART
    return apart and contrast_ratio(colour, shot.text.paint) >= _CONTRAST


def _blank(here: Stage, medium: Medium, random: Random) -> Blank:
    """A sheet of the medium in the place of that of the scene, before the same surroundings."""
    blank, canvas = here.studio.blank, here.studio.canvas
    sheet = medium.make(random, blank.where.width, blank.where.height, blank.sun)
    sheet = replace(sheet, arc=None, rules=None, frame=blank.where.visible(sheet.frame, canvas))
    return replace(blank, sheet=sheet, medium=replace(medium, places=blank.medium.places))


def begin_flat(random: Random, job: Job) -> Stage:
    """A scene with a medium that another may take the place of."""
    return stage.begin(random, job, _lies, ruled=False)


def remake(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """The same text in the same place on another medium, whose colour is said where it may be
    painted in any. Raises ``UnrenderableError``.
    """
    sheet = here.studio.blank.sheet
    if not _lies(here.medium) or not here.shot.written or sheet.rules or sheet.arc:
        raise UnrenderableError("no_medium", f"in place of a {here.medium.name.english}")
    after = here.on(*_in_place(random, here))
    was, now = here.medium, after.medium
    same = _are_papers(was, now) and after.photo.ground == here.photo.ground
    colour = None if same or not now.palette else after.photo.ground
    if now.palette and not same and colour is None:
        raise UnrenderableError("unnamed_colour", f"of a {now.name.english}")
    thing, other = _called(was.name, now.name)
    change = Change("attribute.material", thing=thing, other=other, colour=colour)
    mask = regions.of_sheets((here.shot, after.shot), here.studio.canvas)
    return Step(here, after, change, mask=mask)


def _in_place(random: Random, here: Stage) -> tuple[Blank, str]:
    """A sheet of another medium that may be there, the text plain on it in the ink that it has,
    and the step whose random numbers made it.
    """
    text = here.text
    media = [other for other in all_media() if _takes(other, here)]
    for other in random.sample(media, len(media)):
        papers = _are_papers(other, here.medium)
        for number in range(_TRIES if papers else 1):
            drawn = f"sheet {number}" if number else "sheet"
            blank = _blank(here, other, here.studio.steps(drawn))
            below = inscribed.mean_below(blank.sheet, text.block)
            apart = math.dist(lab(below), lab(here.shot.text.ground))
            plain = contrast_ratio(here.paint, below) >= _CONTRAST
            if _holds(blank, text) and plain and (apart <= _ALIKE or not papers):
                return blank, drawn
    raise UnrenderableError("no_medium", f"in place of a {here.medium.name.english}")


def _are_papers(*media: Medium) -> bool:
    return {medium.name.english for medium in media} <= PAPERS


def _called(was: Name, now: Name) -> tuple[Name, Name]:
    """What two media are called beside each other: one paper is told from the other."""
    if {was.english, now.english} == {_SHEET, _CRUMPLED}:
        return (_FLAT, now) if was.english == _SHEET else (was, _FLAT)
    if was.english == _SHEET:
        return Name(_SHEET, "这张纸"), now
    return was, (Name(_SHEET, "一张纸") if now.english == _SHEET else now)


def _lies(medium: Medium) -> bool:
    """Whether it is flat, and lies or hangs in the image with nothing that carries it."""
    flat = medium.support == "nothing" and medium.view.share[0] <= 1 and medium.lift > 0
    return flat and medium.name.english != "T-shirt"


def _takes(other: Medium, here: Stage) -> bool:
    """Whether another medium may be where that of the scene is."""
    where, (low, high) = here.studio.blank.where, other.aspects
    places = [PLACES[key].name for key in other.places]
    return (
        other.name != here.medium.name
        and _lies(other)
        and bool(other.bears & here.medium.bears)
        and low / _SHAPE <= where.width / where.height <= high * _SHAPE
        and here.shot.surroundings in places
    )


def _holds(blank: Blank, text: Text) -> bool:
    """Whether the text stays where one would write on the sheet."""
    frame, (left, top, right, bottom) = blank.sheet.frame, text.block.box
    x, y = _BEYOND * blank.where.width, _BEYOND * blank.where.height
    inside_x = frame.left - x <= left and right <= frame.left + frame.width + x
    return inside_x and frame.top - y <= top and bottom <= frame.top + frame.height + y


def begin_before(random: Random, job: Job) -> Stage:
    """A scene with a medium that leaves something of its surroundings."""
    return stage.begin(random, job, lambda medium: medium.view.share[0] <= 1, curved=True)


def surround(random: Random, here: Stage, job: Job) -> Step[Stage]:
    """Other surroundings behind the same medium. Raises ``UnrenderableError``."""
    shot, blank = here.shot, here.studio.blank
    if shot.surroundings is None:
        raise UnrenderableError("no_surroundings", "the medium fills the image")
    if shot.around < _LEAST_AROUND:
        raise UnrenderableError("no_surroundings", "hardly any are seen")
    behind = next(key for key, place in PLACES.items() if place.name == shot.surroundings)
    instead = random.choice([*_like(behind)])
    after = here.on(replace(blank, medium=replace(here.medium, places=(instead,))))
    change = Change(
        "background.replace",
        thing=_place(behind) if random.random() < _SAID_SHARE else None,
        other=_place(instead),
    )
    mask = regions.around_sheet(here.shot, here.studio.canvas)
    return Step(here, after, change, mask=mask)


def _place(key: str) -> Name:
    name = PLACES[key].name
    return _WALLS.get(name.english, name)


def _like(key: str) -> Iterator[str]:
    """Places that may be where that one is: also planes to lie on, to hang on, or far scenes."""
    here = PLACES[key]
    for other, place in PLACES.items():
        if other != key and _kind(place) == _kind(here):
            yield other


def _kind(place: Place) -> tuple[bool, bool]:
    return place.plane, place.turns
