"""What a page stands on: another colour, or another texture in the same colour."""

from dataclasses import replace
from random import Random

import cv2

from curation.picture.colours import COLOURS, RGB, contrast_ratio, nearest
from synthesis.description import Name
from synthesis.edits import colouring
from synthesis.edits.edit import Change
from synthesis.edits.pages.page import Page
from synthesis.edits.steps import Step
from synthesis.fonts.face import Extents
from synthesis.job import Job
from synthesis.pure import backgrounds, pairs
from synthesis.pure.pairs import LEAST_CONTRAST, Pair
from synthesis.unrenderable import UnrenderableError

_LEAST_SEEN = 0.25  # levels, mean over the image: single dots and hairs on paper are hardly seen


def recolour_ground(random: Random, page: Page, job: Job) -> Step[Page]:
    """The same kind of ground in another colour."""
    was = page.pair.background

    def suits(rgb: RGB) -> bool:
        return _suits(page, _on(page, rgb))

    colour = colouring.chosen(random, was.rgb, suits, colouring.GROUNDS_APART)
    if colour is None:
        raise UnrenderableError("no_colour", "page")
    after = replace(page, pair=_on(page, colour.rgb))
    return Step(page, after, Change("background.recolour", colour=colour, was=was), _all(page))


def replace_ground(random: Random, page: Page, job: Job) -> Step[Page]:
    """Another texture."""
    others = [
        ground
        for ground in backgrounds.GROUNDS.values()
        if ground.texture not in {None, page.ground.texture}
        and backgrounds.suits(ground, page.pair)
    ]
    if not others or page.pair.is_gradient:
        raise UnrenderableError("no_texture", "page")
    for ground in random.sample(others, len(others)):
        after = replace(page, ground=ground)
        if cv2.absdiff(after.pixels, page.pixels).max(axis=2).mean() >= _LEAST_SEEN:
            name = ground.texture or Name("plain ground", "纯色背景")
            other = Name(name.english.removeprefix("a "), name.chinese)
            return Step(page, after, Change("background.replace", other=other), _all(page))
    raise UnrenderableError("hardly_seen", "page")


def _all(page: Page) -> list[Extents]:
    """A ground is everywhere."""
    width, height = page.composed.size
    return [(0.0, 0.0, float(width), float(height))]


def _on(page: Page, rgb: RGB) -> Pair:
    return pairs.on(COLOURS[nearest(rgb).english], page.pair)


def _suits(page: Page, pair: Pair) -> bool:
    """Whether all inks of the page can be read on a ground."""
    inks = {piece.ink for _, piece in page.texts()}
    ends = (pair.near_end, pair.far_end)
    return all(contrast_ratio(ink, end) >= LEAST_CONTRAST for ink in inks for end in ends) and all(
        backgrounds.suits(page.ground, replace(pair, ink_rgb=ink)) for ink in inks
    )
