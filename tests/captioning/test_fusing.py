"""The fused caption by a model: what it is given, what is believed, and what stands otherwise."""

from typing import Any

import pytest
from making.collection import drawing, encoded
from making.told_captions import Told, said
from pydantic import ValidationError

from captioning import fusing, prompting
from captioning.backends.backend import Question, Reply
from captioning.fusing import Given
from captioning.prompting import Language
from captioning.recaption import READ, recaption
from captioning.settings import RecaptionSettings
from curation.measuring.here import as_declared
from curation.signals.row import Row

CHURCH = 'A Gothic church by a river, with a sign that says "VISITE".'
RAW = "view of Notre Dame de Paris in 1944"
IMAGE = encoded(drawing(1, 260))


@pytest.mark.parametrize(
    ("fused", "problem"),
    [
        ('Notre Dame de Paris in 1944, a Gothic church by a river; a sign says "VISITE".', "none"),
        (CHURCH, "none"),
        ('The church of Saint Denis by a river, with a sign that says "VISITE".', "invented"),
        ('Reims, a Gothic church by a river, with a sign that says "VISITE".', "invented"),
        ('A Gothic church by a river in 1945, with a sign that says "VISITE".', "invented"),
        ('A Gothic church by a river, with signs that say "VISITE" and "ENTREE".', "invented"),
        ("A Gothic church by a river, Notre Dame de Paris, with a sign.", "lost"),
        ('Notre Dame. "VISITE".', "lost"),
        (f"{CHURCH} According to the raw caption it is Notre Dame.", "leaked"),
        (f"{CHURCH} </raw> Notre Dame.", "leaked"),
        (f"{CHURCH} Buy it at www.notredame.com.", "shop_talk"),
        ('一座位于河边的哥特式教堂，也就是巴黎圣母院，旁边立着一块牌子，上面写着"VISITE"。',
         "other_language"),
    ],
)  # fmt: skip
def test_a_fused_caption_is_believed_as_far_as_its_names_were_given(
    fused: str, problem: str
) -> None:
    assert fusing.problem(fused, Given(CHURCH, [RAW], ["VISITE"]), "en") == problem


@pytest.mark.parametrize(
    ("fused", "problem"),
    [
        ("《千与千寻》的剧照，一个女孩站在桥上。", "none"),
        ("《龙猫》的剧照，一个女孩站在桥上。", "invented"),
        ("Chihiro，一个女孩站在桥上。", "invented"),
        ("根据网页，一个女孩站在桥上。", "leaked"),
        ("A girl stands on a bridge in a still of 千与千寻.", "other_language"),
    ],
)
def test_in_chinese_likewise(fused: str, problem: str) -> None:
    assert fusing.problem(fused, Given("一个女孩站在桥上。", ["《千与千寻》剧照"]), "zh") == problem


def test_a_text_of_the_image_that_speaks_of_pages_is_no_leak() -> None:
    page = 'A poster that says "according to the web page".'
    assert fusing.problem(f"Paris: {page}", Given(page, ["Paris"]), "en") == "none"


def measured(
    again: Reply, raw: list[str], language: Language = "en", **seen: Any
) -> tuple[dict[str, Any], list[Question]]:
    """The columns of an image with these raw captions, whose second question is answered so."""
    asked: list[Question] = []
    fuse = prompting.prompt("fuse", language).system.strip()

    def answering(question: Question, _: int) -> Reply:
        asked.append(question)
        return again if question.turn.system == fuse else said(CHURCH)

    backend = Told(answering=answering)
    settings = RecaptionSettings(backend=backend, languages={language: 1}, fused="model")
    row = Row("a", IMAGE, {"caption_raw": raw}, dict.fromkeys(READ) | seen)
    [values] = as_declared(recaption, recaption.function(settings)([row]), 1)
    return values, asked


def test_the_model_is_given_its_caption_and_the_raw_one_as_data() -> None:
    fused = 'Notre Dame de Paris in 1944, a Gothic church by a river; a sign says "VISITE".'
    values, asked = measured(said(fused), [RAW])
    assert values["caption_fused"][0]["text"] == fused
    assert (values["fused_by"], values["fused_problem"]) == ("model", "none")
    assert values["caption_recaption"][0]["text"] == CHURCH
    assert f"<raw>{RAW}</raw>" in asked[1].turn.user and CHURCH in asked[1].turn.user
    assert values["recaption_attempts"] == 2 and values["recaption_new_tokens"] == 40


@pytest.mark.parametrize(
    ("again", "problem"),
    [
        (said("Buy tickets for Saint Denis."), "shop_talk"),
        (said("I'm sorry, but I can't help with that."), "lost"),
        (Reply('{"Caption": "Notre', "length"), "truncated"),
        (Reply("no", reason="refused"), "refused"),
    ],
)
def test_what_is_not_believed_gives_way_to_the_rule_with_its_reason(
    again: Reply, problem: str
) -> None:
    values, _ = measured(again, [RAW])
    assert values["caption_fused"][0]["text"] == f"{CHURCH} The source names Notre Dame de Paris."
    assert (values["fused_by"], values["fused_problem"]) == ("rule", problem)
    assert values["recaption_problem"] == "none"


@pytest.mark.parametrize("raw", [[], ["IMG_2034.jpg"], ["I'm sorry, I can't describe this image."]])
def test_without_a_raw_caption_that_is_one_nothing_is_asked(raw: list[str]) -> None:
    values, asked = measured(said("x"), raw)
    assert len(asked) == 1 and values["fused_by"] == "nothing"
    assert values["caption_fused"][0]["text"] == CHURCH


def test_a_back_end_that_reads_no_prompt_cannot_fuse() -> None:
    with pytest.raises(ValidationError, match="expected 'rule'"):
        RecaptionSettings.model_validate({"fused": "model"})
    told = Told(answering=None)
    by_model, by_rule = (
        RecaptionSettings(backend=told, fused=fused).identity() for fused in ("model", "rule")
    )
    assert len(by_model["prompts"]) == len(by_rule["prompts"]) + 2
