"""Edits of scenes: beside the mask not a pixel differs, and what is said of the images is true."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from random import Random

import cv2
import numpy as np
import pytest
from making.edits import made, prepared

from synthesis.edits import translating
from synthesis.edits.edit import Edit
from synthesis.edits.kinds import SCENES, Operation
from synthesis.edits.scenes import media, stage, texts
from synthesis.edits.scenes.stage import Stage
from synthesis.edits.scenes.studio import Studio, Text
from synthesis.edits.steps import painted
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.scene import streams
from synthesis.unrenderable import UnrenderableError

OPERATIONS = SCENES.operations
COUNT, TRIES = 2, 24


@cache
def edits(operation: str, language: str) -> list[Edit]:
    return made(partial(make, OPERATIONS[operation]), operation, language, COUNT, TRIES)


def make(of: Operation[Stage], random: Random, job: Job) -> Edit:
    """An edit by an operation. Raises ``UnrenderableError``."""
    return painted(of.operate(random, (of.begin or SCENES.begin)(random, job), job))


def differs(edit: Edit) -> np.ndarray:
    return (edit.source != edit.target).any(axis=2)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_beside_the_mask_no_pixel_differs(operation: str, language: str) -> None:
    for edit in edits(operation, language):
        assert edit.change.operation == operation
        assert edit.mask is not None
        assert set(np.unique(edit.mask)) <= {0, 255}
        assert differs(edit).any()
        assert not (differs(edit) & (edit.mask == 0)).any()


@pytest.mark.parametrize("operation", ["text.replace", "text.recolour", "attribute.material"])
def test_the_same_random_numbers_give_the_same_pair(operation: str) -> None:
    (first, *_), (again, *_) = edits(operation, "zh"), edits.__wrapped__(operation, "zh")
    assert (first.source == again.source).all()
    assert (first.target == again.target).all()
    assert (first.change, first.before, first.after) == (again.change, again.before, again.after)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_boxes_hold_the_text_there_is(language: str) -> None:
    for edit in edits("text.replace", language):
        blocks = [box.text for box in edit.after if box.level == "block"]
        assert "".join("".join(blocks).split()) == "".join((edit.change.new or "").split())
        assert edit.before != edit.after
    for edit in edits("text.translate", language):
        (old,) = [box.text for box in edit.before if box.level == "block"]
        (new,) = [box.text for box in edit.after if box.level == "block"]
        assert (old, new) in [pair.out_of(language) for pair in prepared(language).parallel]
        assert edit.change.language == ("zh" if language == "en" else "en")
    for edit in edits("text.remove", language):
        assert edit.before and not edit.after
    for edit in edits("text.add", language):
        assert edit.after and not edit.before
    for operation in ("text.recolour", "attribute.colour", "background.replace"):
        for edit in edits(operation, language):
            assert edit.before == edit.after


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_recoloured_text_lies_within_its_boxes_mask(language: str) -> None:
    for edit in edits("text.recolour", language):
        glyphs = np.array([box.quad for box in edit.before if box.level == "glyph"])
        for x, y in glyphs.reshape(-1, 4, 2).mean(axis=1).astype(int).tolist():
            assert edit.mask is not None and edit.mask[y, x] == 255
        assert edit.change.colour != edit.change.was


def test_surroundings_change_around_the_medium_alone() -> None:
    for edit in edits("background.replace", "en"):
        (block,) = [np.array(box.quad) for box in edit.before if box.level == "block"]
        x, y = block.reshape(4, 2).mean(axis=0).astype(int).tolist()
        assert edit.mask is not None and edit.mask[y, x] == 0
        assert edit.change.other not in (None, edit.change.thing)


def test_paper_of_another_kind_has_the_colour_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    papers = [one for one in media.all_media() if one.name.english in media.PAPERS]
    for module in (media, stage):
        monkeypatch.setattr(module, "all_media", lambda: papers)
    said: list[tuple[str, str]] = []
    for number in range(24):
        try:
            edit = make(OPERATIONS["attribute.material"], Random(number), prepared("zh"))
        except UnrenderableError:
            continue
        both = cv2.erode(edit.mask, np.ones((61, 61), np.uint8)) > 0
        before, after = (np.median(of[both][:, :3], axis=0) for of in (edit.source, edit.target))
        assert np.abs(before - after).max() <= 30
        assert edit.change.thing and edit.change.other
        said.append((edit.change.thing.chinese, edit.change.other.chinese))
    assert said and not {"纸"} & {name for names in said for name in names}


def test_a_translation_is_set_in_a_face_like_that_of_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faces: list[tuple[FontFile, FontFile]] = []
    in_place = texts._in_place

    def seen(here: Stage, words: str, there: Studio | None = None) -> Text:
        second = in_place(here, words, there)
        faces.append((here.text.block.faces[0], second.block.faces[0]))
        return second

    monkeypatch.setattr(texts, "_in_place", seen)
    known = prepared("zh")
    for number in range(TRIES):
        with suppress(UnrenderableError):
            make(OPERATIONS["text.translate"], Random(number), known)
    assert len(faces) > TRIES / 4
    for face, other in faces:
        assert other in translating.alike(known.other_fonts, face)


def test_the_choice_among_options_is_told_and_all_others_are_as_they_were() -> None:
    options, others = ("red", "green", "blue"), (1, 2, 3, 4, 5)
    for seed in range(40):
        plain = Random(seed)
        steered = streams.Steered(Random(seed), options, lambda colour: colour.upper())
        assert steered.choice(options) == plain.choice(options).upper()
        assert [steered.choice(others) for _ in range(5)] == [
            plain.choice(others) for _ in range(5)
        ]
        assert steered.random() == plain.random()


def test_a_stage_is_photographed_twice_alike() -> None:
    here = begun(lambda number: stage.begin(Random(number), prepared("en")))
    again = here.painted(here.paint)
    assert again is not here
    assert (again.photo.image == here.photo.image).all()


def test_the_colour_of_another_material_is_said_where_it_could_be_any() -> None:
    for language in ("en", "zh"):
        for edit in edits("attribute.material", language):
            (other,) = [of for of in media.all_media() if edit.change.other == of.name] or [None]
            if other and other.palette and other.name.english not in media.PAPERS:
                assert edit.change.colour


def test_an_arc_keeps_its_ink_and_its_emblem() -> None:
    """Where a text is changed an emblem in its ink would change with it."""
    job = prepared("en")
    here = begun(partial(curved, job))
    for name in ("text.replace", "text.remove", "text.recolour", "attribute.material"):
        with pytest.raises(UnrenderableError):
            OPERATIONS[name].operate(Random(1), here, job)


def curved(job: Job, number: int) -> Stage:
    """A text on an arc. Raises ``UnrenderableError``."""
    signs = {"arched sign", "jar"}
    here = stage.begin(Random(number), job, lambda of: of.name.english in signs, curved=True)
    if here.text.lines != "arc":
        raise UnrenderableError("no_arc", here.text.words)
    return here


def begun(begin: Callable[[int], Stage]) -> Stage:
    """The first of some stages that can be photographed."""
    for number in range(TRIES):
        with suppress(UnrenderableError):
            here = begin(number)
            assert here.photo
            return here
    raise AssertionError("no scene at all")
