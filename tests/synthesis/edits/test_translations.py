"""Texts in two languages: what ours are, and that each stands where its kind does."""

import re
from collections import Counter
from random import Random

import pytest
from making.edits import prepared

from synthesis import corpus
from synthesis.corpus.translations import TextKind, Translation
from synthesis.edits import naming, translating
from synthesis.edits.kinds import LAYOUTS, PAGES
from synthesis.edits.layouts import layout, translations
from synthesis.edits.pages import page
from synthesis.edits.pages import translations as page_translations
from synthesis.template import filled
from synthesis.unrenderable import UnrenderableError

LEAST, LEAST_OF_A_KIND = 1000, 15
SIGNS_A_WORD = (0.5, 6.0)  # hanzi and figures to an English word
TRIES, LEAST_ROLES = 16, 4
ENGLISH = re.compile(r"[A-Za-z0-9 $%&,.:;?!'/éà-]+")
CHINESE = re.compile(r"[\u4e00-\u9fffA-C0-9.:，。：；？！、 ]+")


def test_ours_are_many_of_every_kind_and_each_once() -> None:
    pairs = corpus.parallel()
    assert len(pairs) >= LEAST
    counts = Counter(pair.kind for pair in pairs)
    assert {*counts} == {*TextKind} and min(counts.values()) >= LEAST_OF_A_KIND
    assert len({pair.english.casefold() for pair in pairs}) == len(pairs)
    assert len({pair.chinese for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("kind", TextKind)
def test_ours_are_written_as_their_languages_are(kind: TextKind) -> None:
    for english, chinese, _ in (pair for pair in corpus.parallel() if pair.kind == kind):
        assert ENGLISH.fullmatch(english), english
        assert CHINESE.fullmatch(chinese) and re.search(r"[\u4e00-\u9fff]", chinese), chinese
        assert naming.is_short(english, "en") and naming.is_short(chinese, "zh")
        assert english.endswith("?") == chinese.endswith(("？", "吗"))
        figures = (set(re.findall(r"\d+", text)) for text in (chinese, english))
        assert kind == TextKind.DATE or next(figures) <= next(figures)
        words, signs = len(english.split()), len(re.findall(r"\w", chinese))
        assert SIGNS_A_WORD[0] <= signs / words <= SIGNS_A_WORD[1], (english, chinese)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_text_stands_where_its_kind_does(language: str) -> None:
    """In a slot of a layout what was translated is of a kind that suits the slot's role."""
    job, operate = prepared(language), LAYOUTS.operations[translating.OPERATION].operate
    kinds = {pair.out_of(language)[0].casefold(): pair.kind for pair in job.parallel}
    seen: set[str] = set()
    for number in range(TRIES):
        random = Random(f"stands/{number}")
        try:
            step = operate(random, layout.begin(random, job), job)
        except UnrenderableError:
            continue
        for slot, item, _ in step.before.texts():
            if item.part.text != step.change.old or item.part.node.say:
                continue
            assert kinds[item.part.text.casefold()] in translations.kinds_in(step.before, slot)
            seen.add(filled.role_of(item.part))
    assert len(seen) >= LEAST_ROLES


def test_slots_of_names_and_numbers_stay_as_they_are() -> None:
    for kind in ("person", "price", "value", "phone", "code", "day"):
        assert kind not in translations.KINDS


def test_every_kind_has_a_slot() -> None:
    ways = (*translations.KINDS.values(), *page_translations.KINDS.values())
    assert {kind for kinds in ways for kind in kinds.split()} == {*map(str, TextKind)}


def test_what_is_drawn_is_of_the_kinds_asked_for_and_about_as_long() -> None:
    job, chance = prepared("en"), Random(1)
    drawn = translating.drawn(chance, job, "Read more", [TextKind.BUTTON])
    buttons = {pair.out_of("en") for pair in job.translations[TextKind.BUTTON]}
    assert len(drawn) > 8 and {*drawn} <= buttons
    assert all(naming.suits("Read more", text) for text, _ in drawn)
    assert translating.drawn(chance, job, "Read more", []) == []
    assert Translation("a", "b").out_of("zh") == ("b", "a")


def test_lines_of_a_page_are_replaced_by_others_of_their_genre() -> None:
    job, replaced = prepared("en"), 0
    for number in range(8):
        random = Random(f"genre/{number}")
        try:
            step = PAGES.operations["text.replace"].operate(random, page.begin(random, job), job)
        except UnrenderableError:
            continue
        old, new = (page.genre_of(job, text or "") for text in (step.change.old, step.change.new))
        assert old == new
        replaced += old is not None
    assert replaced >= 3
