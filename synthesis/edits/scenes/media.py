"""Edits of what a text stands on and what is around it: its colour, its material, surroundings."""

import math
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from curation.picture.colours import RGB, contrast_ratio, lab, names
from synthesis.description import Name
from synthesis.edits.edit import Change, Edit
from synthesis.edits.scenes import regions
from synthesis.edits.scenes.studio import Shot, Studio, Text, photographs, set_up, shoot
from synthesis.edits.scenes.texts import edited, unruled
from synthesis.job import Job
from synthesis.scene import inscribed
from synthesis.scene.geometry import Surface
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


def recolour(random: Random, job: Job) -> Edit:
    """The same medium in another colour. Raises ``UnrenderableError``."""
    here, paragraph = set_up(random, job, [medium for medium in all_media() if medium.palette])
    text, medium = here.text(paragraph.text), here.blank.medium
    surface = here.surface([text])
    first = shoot(here, text, surface)
    others = [colours[0] for colours in medium.palette if _suits(colours[0], first)]
    if not others:
        raise UnrenderableError("no_other_colour", f"of a {medium.name.english}")
    painted = random.choice(others)

    def turned(own: tuple[Any, ...]) -> tuple[Any, ...]:
        return (painted, *own[1:])

    steered = Steered(here.steps("sheet"), medium.palette, turned)
    other = _blank(here, medium, steered)
    if other.sheet.ink != here.blank.sheet.ink:
        raise UnrenderableError("other_ink", f"on a {medium.name.english}")
    shots = [first, shoot(here, text, surface, first.text.paint, blank=other)]
    photos = photographs(here, shots)
    was, colour = photos[0].ground, photos[1].ground
    if colour is None or was is None:
        raise UnrenderableError("unnamed_colour", "before or after")
    before, after = (shot.text.ground for shot in shots)
    if {*names(before)} & {*names(after)} or math.dist(lab(before), lab(after)) < _APART:
        raise UnrenderableError("same_colour", f"{was.english} and {colour.english}")
    label = here.blank.sheet.surface if medium.name.english == "jar" else None
    change = Change(
        "attribute.colour",
        thing=label or medium.name,
        colour=colour,
        was=was if random.random() < _SAID_SHARE else None,
    )
    return edited(here, shots, photos, change, regions.of_sheet(first, here.canvas))


def _suits(colour: RGB, shot: Shot) -> bool:
    """Whether a ground of that colour is another, with the ink of the text still plain on it."""
    apart = math.dist(lab(colour), lab(shot.text.ground)) >= _APART
    return apart and contrast_ratio(colour, shot.text.paint) >= _CONTRAST


def _blank(here: Studio, medium: Medium, random: Random) -> Blank:
    """A sheet of the medium in the place of that of the studio, before the same surroundings."""
    blank = here.blank
    sheet = medium.make(random, blank.where.width, blank.where.height, blank.sun)
    sheet = replace(
        sheet, arc=None, rules=None, frame=blank.where.visible(sheet.frame, here.canvas)
    )
    return replace(blank, sheet=sheet, medium=replace(medium, places=blank.medium.places))


def remake(random: Random, job: Job) -> Edit:
    """The same text in the same place on another medium, whose colour is said where it may be
    painted in any. Raises ``UnrenderableError``.
    """
    here, paragraph = set_up(random, job, [medium for medium in all_media() if _lies(medium)])
    here = unruled(here)  # lines that come or go would have to be said
    text = here.text(paragraph.text)
    surface = here.surface([text])
    first = shoot(here, text, surface)
    blank = _in_place(random, here, first, text)
    bent = Surface(surface.matrix, blank.sheet.bend)
    shots = [first, shoot(here, text, bent, first.text.paint, blank=blank)]
    photos = photographs(here, shots)
    was, now = here.blank.medium, blank.medium
    painted = bool(now.palette) and not _are_papers(was, now)
    colour = photos[1].ground if painted else None
    if painted and colour is None:
        raise UnrenderableError("unnamed_colour", f"of a {now.name.english}")
    thing, other = _called(was.name, now.name)
    change = Change("attribute.material", thing=thing, other=other, colour=colour)
    return edited(here, shots, photos, change, regions.of_sheets(shots, here.canvas))


def _in_place(random: Random, here: Studio, shot: Shot, text: Text) -> Blank:
    """Another medium that may be there, with the text in the ink that it has."""
    media = [other for other in all_media() if _takes(other, here, shot)]
    for other in random.sample(media, len(media)):
        papers = _are_papers(other, here.blank.medium)
        for number in range(_TRIES if papers else 1):
            blank = _blank(here, other, here.steps(f"sheet {number}" if number else "sheet"))
            below = inscribed.mean_below(blank.sheet, text.block)
            apart = math.dist(lab(below), lab(shot.text.ground))
            plain = contrast_ratio(shot.text.paint, below) >= _CONTRAST
            if _holds(blank, text) and plain and (apart <= _ALIKE or not papers):
                return blank
    raise UnrenderableError("no_medium", f"in place of a {here.blank.medium.name.english}")


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


def _takes(other: Medium, here: Studio, shot: Shot) -> bool:
    """Whether another medium may be where that of the studio is."""
    medium, where = here.blank.medium, here.blank.where
    low, high = other.aspects
    places = [PLACES[key].name for key in other.places]
    return (
        other is not medium
        and _lies(other)
        and shot.scene.surroundings in places
        and bool(other.bears & medium.bears)
        and low / _SHAPE <= where.width / where.height <= high * _SHAPE
    )


def _holds(blank: Blank, text: Text) -> bool:
    """Whether the text stays where one would write on the sheet."""
    frame, (left, top, right, bottom) = blank.sheet.frame, text.block.box
    x, y = _BEYOND * blank.where.width, _BEYOND * blank.where.height
    inside_x = frame.left - x <= left and right <= frame.left + frame.width + x
    return inside_x and frame.top - y <= top and bottom <= frame.top + frame.height + y


def surround(random: Random, job: Job) -> Edit:
    """Other surroundings behind the same medium. Raises ``UnrenderableError``."""
    here, paragraph = set_up(random, job, [medium for medium in all_media() if _stands(medium)])
    text = here.text(paragraph.text)
    surface = here.surface([text])
    first = shoot(here, text, surface)
    if first.text.beyond or first.scene.surroundings is None:
        raise UnrenderableError("no_surroundings", "the medium fills the image")
    if first.scene.around < _LEAST_AROUND:
        raise UnrenderableError("no_surroundings", "hardly any are seen")
    behind = next(key for key, place in PLACES.items() if place.name == first.scene.surroundings)
    instead = random.choice([*_like(behind)])
    medium = replace(here.blank.medium, places=(instead,))
    shots = [first, shoot(here, text, surface, blank=replace(here.blank, medium=medium))]
    change = Change(
        "background.replace",
        thing=_place(behind) if random.random() < _SAID_SHARE else None,
        other=_place(instead),
    )
    mask = regions.around_sheet(first, here.canvas)
    return edited(here, shots, photographs(here, shots), change, mask)


def _place(key: str) -> Name:
    name = PLACES[key].name
    return _WALLS.get(name.english, name)


def _stands(medium: Medium) -> bool:
    return medium.view.share[0] <= 1


def _like(key: str) -> Iterator[str]:
    """Places that may be where that one is: also planes to lie on, to hang on, or far scenes."""
    here = PLACES[key]
    for other, place in PLACES.items():
        if other != key and _kind(place) == _kind(here):
            yield other


def _kind(place: Place) -> tuple[bool, bool]:
    return place.plane, place.turns
