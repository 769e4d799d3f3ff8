"""What an edit says was not so before, and names things by what still stands in them."""

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

import cv2
import numpy as np
import pytest
from making import edits

from synthesis.captions.places import PLACES
from synthesis.description import Name, Words
from synthesis.edits import naming, translating
from synthesis.edits.edit import Edit
from synthesis.edits.kinds import KINDS
from synthesis.edits.layouts import blocks, colours, moving, places
from synthesis.edits.layouts import layout as layouts
from synthesis.edits.layouts.layout import Layout
from synthesis.edits.layouts.moving import CARD, ENTRY, PANEL
from synthesis.edits.steps import Step
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.sample import TextBox
from synthesis.unrenderable import UnrenderableError

SEEDS = 60
BLOCKS = {CARD, ENTRY, PANEL}
ROW = Name("box", "色块")
SEEN = 0.25  # levels, mean over the image


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return edits.job(tmp_path_factory.mktemp("fonts"), "en")


def made(job: Job, operation: str, family: str, count: int) -> list[Edit]:
    (kind,) = [of for of in KINDS if (of.operation, of.family) == (operation, family)]
    return [edit for edit in edits.some(job, kind, count) if isinstance(edit, Edit)]


def test_a_place_that_is_said_is_where_and_the_way_how(job: Job) -> None:
    for edit in made(job, "layout.move", "layout", 24):
        if edit.change.thing in BLOCKS:
            continue
        assert edit.change.place is not None
        said = sum(PLACES["en"], ()).index(edit.change.place.english)
        here, there = (middle(boxes, edit) for boxes in (edit.before, edit.after))
        for side, before, after in zip(divmod(said, 3), here, there, strict=True):
            assert abs(after - (side + 0.5) / 3) < 1 / 6 + 0.02
            way = (after - before) * (side - 1)
            assert way > -0.03
            assert side != 1 or said == 4 or abs(after - before) < 0.14
        assert np.hypot(*np.subtract(here, there)) > 0.1


def test_a_block_is_moved_with_all_in_it_and_nothing_else(job: Job) -> None:
    """To the place of an entry that is left out, which is where it is said to be."""
    moves = 0
    for seed in range(12):
        chance = Random(seed)
        for step in islice(blocks._to_gaps(chance, layouts.begin(chance, job)), 1):
            moves += 1
            before, after = (
                {number: text.box for number, _, text in of.texts()}
                for of in (step.before, step.after)
            )
            ways = {number: np.subtract(after[number], box) for number, box in before.items()}
            moved = [number for number, way in ways.items() if way.any()]
            quoted = {step.before.items[number].part.text for number in moved}
            assert step.change.old in quoted and step.change.thing in BLOCKS
            (first, *others), (here, there) = [ways[number] for number in moved], step.areas
            assert all(np.allclose(way, first) for way in others)
            assert np.allclose(np.subtract(there, here), first)
            assert all(here[0] - 1 <= before[number][0] <= here[2] for number in moved)
            said = sum(PLACES["en"], ()).index(step.change.place.english)  # type: ignore[union-attr]
            width, height = step.before.filling.size
            down, across = (there[1] + there[3]) / 2 / height, (there[0] + there[2]) / 2 / width
            assert (int(down * 3), int(across * 3)) == divmod(said, 3)
    assert moves >= 3


def middle(boxes: Sequence[TextBox], edit: Edit) -> tuple[float, float]:
    """Where the text that is named stands: down and across, 0 to 1."""
    (box,) = [of for of in boxes if (of.level, of.text) == ("block", edit.change.old)]
    height, width = edit.source.shape[:2]
    return np.mean(box.quad[1::2]) / height, np.mean(box.quad[::2]) / width


def test_what_stands_near_is_not_told_by_its_place() -> None:
    here = Words("On time", "text", None, 0.9, 0.3)
    for across, down, known in ((0.9, 0.4, False), (0.9, 0.2, False), (0.9, 0.7, True)):
        alike = Words("On time", "text", None, across, down)
        assert (naming.called(Random(1), here, [alike]) is not None) == known


def test_other_grounds_are_seen(job: Job) -> None:
    for edit in made(job, "background.replace", "page", 16):
        assert cv2.absdiff(edit.source, edit.target).max(axis=2).mean() >= SEEN


def test_cards_are_left_alone_once_their_texts_were_moved(job: Job) -> None:
    """A card is not moved with a text that stands elsewhere by now, nor named by it."""
    layout, (card, *_) = with_cards(job)
    away, left, top = next(
        (number, *text.box[:2])
        for number, _, text in layout.texts()
        if number in layout.below(card)
    )
    gone = places.shifted(layout, away, -round(left), -round(top))
    quoted = layout.items[away].part.text
    assert moving.text_of(layout, card) is not None
    assert moving.text_of(gone, card) != quoted
    for step in steps(gone, job):
        assert step.change.thing != CARD or quoted not in {step.change.old, step.change.new}
        before, after = (of.items[away].text for of in (gone, step.after))
        assert before is not None
        assert after is not None
        assert before.box == after.box


def with_cards(job: Job) -> tuple[Layout, list[int]]:
    """A layout with cards of several texts that can change places, and their numbers."""
    for seed in range(SEEDS):
        layout = layouts.begin(Random(seed), job)
        for step in steps(layout, job):
            if step.change.thing == CARD and step.change.operation == "layout.swap":
                numbers = [
                    number
                    for number in range(1, len(layout.items))
                    if moving.block_name(layout, number) == CARD
                    and moving.text_of(layout, number) in {step.change.old, step.change.new}
                ]
                return layout, numbers
    raise AssertionError("no layout has cards")


def steps(layout: Layout, job: Job) -> Iterator[Step[Layout]]:
    for seed in range(8):
        for operate in (moving.swap_entries, colours.recolour_thing):
            try:
                yield operate(Random(seed), layout, job)
            except UnrenderableError:
                continue


def test_a_row_of_texts_is_not_named_by_one_of_them(job: Job) -> None:
    rows = 0
    for seed in range(SEEDS):
        layout = layouts.begin(Random(seed), job)
        named = {of.change.old for of in steps(layout, job) if of.change.thing == ROW}
        for number, item in enumerate(layout.items):
            texts = [
                of.part.text for other, of, _ in layout.texts() if other in layout.below(number)
            ]
            if item.part.fill and len(texts) > 1 and item.box.width > 4 * item.box.height:
                rows += 1
                assert not named & {*texts}
    assert rows


def test_faces_of_the_other_language_look_alike() -> None:
    fonts = [
        FontFile("/f", 0, name, style, "", weight)
        for name in ("Noto Sans CJK SC", "Noto Serif CJK SC")
        for style, weight in (("Regular", 400), ("Bold", 700))
    ]
    for latin, weight, first in (("DejaVu Sans", 400, 0), ("DejaVu Serif", 700, 3)):
        face = FontFile("/l", 0, latin, "Book", "", weight)
        assert translating.alike(fonts, face) == [fonts[first]]
    assert translating.alike(fonts[:1], face) == fonts[:1]
