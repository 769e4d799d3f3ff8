"""Prompts by what images are to teach: portraits are captioned anew by their own."""

from itertools import pairwise
from typing import Any

import pytest
from making.collection import drawing, encoded
from making.told_captions import Told, said
from pydantic import ValidationError

from captioning import by_category, prompting
from captioning.backends.backend import Question, Reply
from captioning.by_category import ByCategorySettings
from captioning.recaption import READ, RecaptionSettings
from curation.configuration import loading
from curation.measuring import choosing
from curation.measuring.here import as_declared
from curation.signals.row import Row
from taxonomy.categories import CATEGORIES

IMAGE = encoded(drawing(1, 260))
ASKED = {
    "portrait": "portrait",
    "text_rendering": "text",
    "general": "annotate",
    None: "annotate",
}


def row(name: str, category: str | None) -> Row:
    return Row(name, IMAGE, {}, dict.fromkeys(READ) | {"category": category})


def test_each_category_is_asked_by_its_prompt_and_equal_prompts_together() -> None:
    systems: list[str] = []

    def answering(question: Question, _: int) -> Reply:
        systems.append(question.turn.system)
        return said("A table.")

    settings = ByCategorySettings(backend=Told(answering=answering), languages={"en": 1})
    categories = [*ASKED] * 2
    rows = [row(str(number), category) for number, category in enumerate(categories)]
    entry = by_category.recaption
    values = as_declared(entry, entry.function(settings)(rows), len(rows))
    assert [of["recaption_kind"] for of in values] == [ASKED[of] for of in categories]
    prompts = {kind: prompting.turn(prompting.prompt(kind, "en")) for kind in ASKED.values()}
    asked = [kind for of in systems for kind, turn in prompts.items() if turn.system == of]
    assert sorted(asked) == sorted(ASKED[of] for of in categories)
    changes = sum(first != second for first, second in pairwise(asked))
    assert changes == len(set(asked)) - 1


def test_the_categories_are_those_of_the_taxonomy() -> None:
    for category in CATEGORIES:
        ByCategorySettings.model_validate({"kinds": {category: "portrait"}})
    for wrong in ({"portait": "portrait"}, {"portrait": "portait"}):
        with pytest.raises(ValidationError, match="portrait"):
            ByCategorySettings.model_validate({"kinds": wrong})
    with pytest.raises(ValidationError, match="expected one of annotate"):
        RecaptionSettings.model_validate({"kind": "anotate"})


def test_answers_are_kept_by_every_prompt_that_may_be_asked() -> None:
    def prompts(**settings: Any) -> list[str]:
        kept: list[str] = ByCategorySettings(**settings).identity()["prompts"]
        return kept

    assert len(prompts()) == 6 and len(prompts(kinds={})) == 2
    assert prompts(kinds={"general": "general"}) != prompts(kinds={"general": "text"})


def test_qwen_image_captions_portraits_anew() -> None:
    pipeline = loading.load(str(loading.shipped_path()), "qwen-image")
    chosen = choosing.chosen(pipeline)
    owner = chosen.owner["caption_recaption"]
    settings = chosen.settings_of(owner)
    assert isinstance(settings, ByCategorySettings) and settings.kinds["portrait"] == "portrait"
    assert chosen.models["recaption"] > chosen.models["categories"]
