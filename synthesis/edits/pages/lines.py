"""Texts of a page replaced, added, removed, recoloured and swapped, a line of several or all."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from curation.picture.colours import nearest
from synthesis.description import Name, Words
from synthesis.edits import colouring, naming
from synthesis.edits.edit import Change
from synthesis.edits.naming import Called
from synthesis.edits.pages import page as pages
from synthesis.edits.pages.page import Page, Piece
from synthesis.edits.steps import Step
from synthesis.job import Job
from synthesis.pure.columns import shifted
from synthesis.template import laying
from synthesis.text import block
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Frame
from synthesis.text.placing import PlacedLine
from synthesis.unrenderable import UnrenderableError

_TRIES = 16  # other texts that are tried
_SLACK = 1.5  # pixels that ink may leave the frame
TEXT = Name("text", "文字")


def replace_line(random: Random, page: Page, job: Job) -> Step[Page]:
    """Another text where one was."""
    for number, called in nameable(random, page):
        known = [piece.text for _, piece in page.texts()]
        genre = pages.genre_of(job, called.old)
        for _ in range(_TRIES):
            new = pages.short(random, job, genre)
            if not naming.suits(called.old, new) or new in known:
                continue
            if changed := with_text(page, number, new):
                change = Change("text.replace", called.old, new, place=called.place)
                areas = (page.box_of(number), changed.box_of(number))
                return Step(page, changed, change, areas)
    raise UnrenderableError("nothing_to_replace", "page")


def remove_line(random: Random, page: Page, job: Job) -> Step[Page]:
    """A line gone; the others stay where they are."""
    for number, called in _of_several(random, page):
        change = Change("text.remove", called.old, place=called.place)
        without = page.with_pieces({number: None})
        return Step(page, without, change, (page.box_of(number),))
    raise UnrenderableError("nothing_to_remove", "page")


def add_line(random: Random, page: Page, job: Job) -> Step[Page]:
    """A line where there was none: what ``remove_line`` does, from the end."""
    for number, called in _of_several(random, page):
        without = page.with_pieces({number: None})
        box = page.box_of(number)
        texts = [(piece.text, page.box_of(of)) for of, piece in without.texts()]
        said = [text for text, _ in texts]
        texts = [of for of in texts if naming.stands_once(of[0], said, page.language)]
        change = Change(
            "text.add", new=called.old, place=naming.beside(box, texts) or _middle(page, number)
        )
        return Step(without, page, change, (box,))
    raise UnrenderableError("nothing_to_add", "page")


def recolour_line(random: Random, page: Page, job: Job) -> Step[Page]:
    """A text in another ink; of a page of one long text all of it."""
    grounds = (page.pair.near_end, page.pair.far_end)
    texts = list(page.texts())
    if len(texts) == 1 and not naming.is_short(texts[0][1].text, page.language):
        chosen: list[tuple[int, Called | None]] = [(texts[0][0], None)]
    else:
        chosen = list(nameable(random, page))
    for number, called in chosen:
        piece = page.pieces[number]
        if piece is None or not (colour := colouring.other(random, piece.ink, grounds)):
            continue
        change = Change(
            *("text.recolour", called.old if called else None, None),
            thing=None if called else TEXT,
            colour=colour,
            was=nearest(piece.ink),
            place=called.place if called else None,
        )
        after = page.with_pieces({number: replace(piece, ink=colour.rgb)})
        return Step(page, after, change, (page.box_of(number),))
    raise UnrenderableError("nothing_to_recolour", "page")


def swap_lines(random: Random, page: Page, job: Job) -> Step[Page]:
    """Two lines in each other's places."""
    known = list(_of_several(random, page))
    if len(known) < 2:
        raise UnrenderableError("nothing_to_swap", "page")
    (first, called), (second, other) = known[:2]
    pieces = page.pieces[first], page.pieces[second]
    if pieces[0] is None or pieces[1] is None or called.place or other.place:
        raise UnrenderableError("nothing_to_swap", "page")
    after = page.with_pieces(
        {
            first: replace(pieces[1], lines=(_like(page, pieces[1].lines[0], pieces[0].lines[0]),)),
            second: replace(
                pieces[0], lines=(_like(page, pieces[0].lines[0], pieces[1].lines[0]),)
            ),
        }
    )
    areas = [of.box_of(number) for of in (page, after) for number in (first, second)]
    return Step(page, after, Change("layout.swap", called.old, other.old), areas)


def nameable(random: Random, page: Page) -> Iterator[tuple[int, Called]]:
    """The texts that an instruction can name, in an order of chance; none of a vertical page.

    Raises ``UnrenderableError`` for a page of lines that go down.
    """
    if page.composed.fitted.vertical:
        raise UnrenderableError("vertical", "page")
    numbers = [number for number, _ in page.texts()]
    for number in random.sample(numbers, len(numbers)):
        if called := called_in(random, page, number):
            yield number, called


def called_in(random: Random, page: Page, number: int) -> Called | None:
    """How to name one of the texts; ``None`` where it is too long, or no name is its alone."""
    words = {of: _words(page, of, piece) for of, piece in page.texts()}
    rest = [those for other, those in words.items() if other != number]
    short = naming.is_short(words[number].text, page.language)
    return naming.called(random, words[number], rest) if short else None


def with_text(
    page: Page, number: int, text: str, typography: Typography | None = None
) -> Page | None:
    """The page with another text in a piece's place, at its size; ``None`` where it does not fit.

    It is set by the page's own typography, unless by another.
    """
    piece = page.pieces[number]
    if piece is None:
        return None
    typography = typography or page.composed.fitted.typography
    several = len(page.pieces) > 1
    try:
        made = _line(page, piece, text, typography) if several else _whole(page, text, typography)
    except UnrenderableError:
        return None
    others = [page.box_of(other) for other, _ in page.texts() if other != number]
    if not _stays_in(made, page.composed.frame) or laying.meets(made.box, others):
        return None
    return page.with_pieces({number: Piece(made.text, made.lines, piece.ink)})


def _of_several(random: Random, page: Page) -> Iterator[tuple[int, Called]]:
    if len(list(page.texts())) > 1:
        yield from nameable(random, page)


def _words(page: Page, number: int, piece: Piece) -> Words:
    left, top, right, bottom = page.box_of(number)
    width, height = page.composed.size
    return Words(piece.text, "text", None, (left + right) / 2 / width, (top + bottom) / 2 / height)


def _middle(page: Page, number: int) -> Name:
    piece = page.pieces[number]
    words = _words(page, number, piece) if piece else Words("", "", None)
    return naming.place(words.across, words.down)


def _line(page: Page, piece: Piece, text: str, typography: Typography) -> Block:
    """The text as one line where the piece's line is."""
    plain = replace(typography, wrap=False, phrases=False, halves=False)
    made = block.at(text, plain, Frame(0, 0, 10 * page.composed.frame.width, 10 * page.em), page.em)
    line = _like(page, made.lines[0], piece.lines[0])
    return replace(made, lines=(line,))


def _whole(page: Page, text: str, typography: Typography) -> Block:
    """The text in the frame of the page, at its size."""
    return block.at(text, typography, page.composed.fitted.frame, page.em)


def _like(page: Page, line: PlacedLine, place: PlacedLine) -> PlacedLine:
    """A line moved to where another stands: on its baseline, aligned as it is."""
    (x, y), (across, down) = line.clusters[0].origins[0], place.clusters[0].origins[0]
    if page.composed.manner.setting.alignment == "centre":
        left, _, right, _ = line.box
        begin, _, end, _ = place.box
        return shifted(line, float(round((begin + end - left - right) / 2)), down - y)
    return shifted(line, across - x, down - y)


def _stays_in(made: Block, frame: Frame) -> bool:
    left, top, right, bottom = made.box
    return (
        left >= frame.left - _SLACK
        and top >= frame.top - _SLACK
        and right <= frame.left + frame.width + _SLACK
        and bottom <= frame.top + frame.height + _SLACK
    )
