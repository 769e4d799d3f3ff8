"""Planted causes are routed to what causes them, each rule by the number that decides."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from curation.failures.errors import IncompleteError
from train.figures import Rate
from train.flywheel import attribution, deficits, misread, near, rewarded, rules, words
from train.flywheel.attribution import Known
from train.flywheel.cases import CASE, Case
from train.flywheel.rules import Evidence
from train.flywheel.settings import Settings
from train.flywheel.supply import Supply

KNOWN = "ABCDEFGHIJKLMNOPRSTUVWXY"
LACKING = "QZ"  # in no training image
COLOURS = ("red", "green", "blue")
SEEDS = 4


def caption(text, colour):
    return f'The text "{text}" in {colour} on a white background.'


def supply():
    own, chance = Supply(), random.Random(0)
    for _ in range(800):
        text = "".join(chance.choices(KNOWN, k=chance.randint(1, 4)))
        box = {"text": text, "level": "line"}
        said = [{"text": caption(text, chance.choice(COLOURS))}]
        own.add({"text_boxes": [box], "caption_recaption": said})
    return own


def routed(every, to=None):
    known = Known(supply(), {}, {})
    return attribution.attribute(every, known, to or Settings())


def planted(chance, number):
    """Images of a prompt with a cause of each track, as a model might make and a reader read."""
    track = ("data", "prompt", "rl")[number % 3]
    text, colour = "".join(chance.choices(KNOWN, k=chance.randint(2, 4))), chance.choice(COLOURS)
    if track == "data":
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice(LACKING) + text[place + 1 :]
    prompt = caption(text, colour)
    if track == "prompt":
        lost = chance.choice((f' "{text}"', f" in {colour}"))
        prompt = prompt.replace(lost, "")
    for k in range(SEEDS):
        read = list(text)
        ink = colour
        if track == "data":
            read = [chance.choice(KNOWN) if each in LACKING else each for each in read]
        elif text not in prompt:
            read = chance.choices(KNOWN, k=chance.randint(1, 4))
        elif colour not in prompt:
            ink = chance.choice(COLOURS)
        elif k % 2:
            read[chance.randrange(len(read))] = ""
        if chance.random() < 0.1:  # whatever else goes wrong
            read[chance.randrange(len(read))] = chance.choice(KNOWN)
        seen, empty = "".join(read), 1 - len("".join(read)) / 4
        score = 1 - len(misread.failed([text], seen)) / len(text) - 0.25 * (ink != colour)
        rewards = {"read": max(0.0, score), "empty": empty}
        yield Case(
            *(CASE, "planted", f"{number:03d}", k, prompt),
            texts=(text,),
            read=seen,
            score=max(0.0, score),
            note=track,
            rewards=rewards,
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_causes_are_routed_right_nine_times_of_ten(seed):
    chance = random.Random(seed)
    listed = routed([case for number in range(120) for case in planted(chance, number)])
    counts = Counter(
        (each.case.note, each.finding.track if each.finding else "undecided")
        for each in listed
        if each.reason != attribution.RIGHT
    )
    for track in ("data", "prompt", "rl"):
        own = sum(number for (of, _), number in counts.items() if of == track)
        assert counts[track, track] >= 0.9 * own > 20, counts
    agreed = rewarded.agreement([each.case for each in listed], 0.1)
    assert rewarded.distrusted(agreed, Settings().rl) == ("empty",)


def test_cases_are_attributed_or_left_out_and_the_ledger_adds_up():
    chance = random.Random(4)
    listed = routed([case for number in range(30) for case in planted(chance, number)])
    gone = replace(listed[0].case, source="other", missing=True)
    listed += routed([gone])
    record = attribution.ledger(listed, 2, len(listed) + 2)
    assert record["in"] == 30 * SEEDS + 3
    assert record["left_out"]["no image"] == 1
    parts = [*record["attributed"].values(), *record["left_out"].values(), record["quarantined"]]
    assert record["in"] == sum(parts)
    with pytest.raises(IncompleteError, match="124 cases came in, 123 were attributed"):
        attribution.ledger(listed, 2, len(listed) + 3)
    rows = attribution.table(listed).to_pylist()
    again = [attribution.of_row(row) for row in rows]
    assert [each.case for each in again] == [each.case for each in listed]
    assert [each.finding for each in again] == [each.finding for each in listed]


EXPLICIT = Evidence(Rate(0, 1), failed=("A",), said=5, least_said=4, longest=9, most_lines=2)
DISTRUSTED = {"against": {"x": (Rate(0, 2), Rate(3, 30))}}  # it judges images of all prompts


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rare": {"A": 3}, "few": 20}, ("data", "characters", 3, 20)),
        ({"length": 12}, ("data", "layout", 12, 9)),
        ({"lines": 3}, ("data", "layout", 3, 2)),
        ({"rare_words": {"narwhal": 1}}, ("data", "concept", 1, 5)),
        ({"near": 0}, None),  # not bounded by default
        ({"unsaid": ("A7",), "rare": {"A": 3}}, ("prompt", "unsaid", 1, 0)),
        ({"said": 3}, ("prompt", "vague", 3, 4)),
        ({"rewritten": Rate(4, 4)}, ("prompt", "rewritten", 1, 0.5)),
        ({"rewritten": Rate(1, 4)}, None),
        ({"own": Rate(1, 4)}, ("rl", "unstable", 0.25, 0.25)),
        ({"own": Rate(1, 8)}, None),
        ({"elsewhere": Rate(3, 4)}, ("rl", "able", 0.75, 0.25)),
        ({"elsewhere": Rate(0, 9)}, None),
        ({"against": {"x": (Rate(0, 2), Rate(3, 30))}}, ("rl", "reward", 0.1, 0.7)),
        ({"against": {"x": (Rate(2, 2), Rate(3, 30))}}, None),
        ({**DISTRUSTED, "own": Rate(1, 2)}, ("rl", "reward", 0.1, 0.7)),
        ({**DISTRUSTED, "unsaid": ("A7",)}, ("prompt", "unsaid", 1, 0)),
        ({**DISTRUSTED, "rewritten": Rate(4, 4)}, ("prompt", "rewritten", 1, 0.5)),
        ({**DISTRUSTED, "rare": {"A": 3}, "few": 20}, ("data", "characters", 3, 20)),
        ({**DISTRUSTED, "length": 12}, ("data", "layout", 12, 9)),
        ({**DISTRUSTED, "said": 3}, ("prompt", "vague", 3, 4)),
        ({**DISTRUSTED, "rare_words": {"narwhal": 1}}, ("data", "concept", 1, 5)),
        ({}, None),
    ],
)
def test_each_rule_says_the_number_that_decides_and_its_bound(changes, expected):
    seen = replace(EXPLICIT, **changes)
    first = next(rules.findings(seen, Settings()), None)
    said = first and (first.track, first.cause, first.value, first.bound)
    assert said == expected
    assert first is None or first.detail


def test_near_images_are_bounded_where_it_is_asked_for():
    to = Settings.model_validate({"data": {"neighbours": 5}})
    seen = replace(EXPLICIT, near=2, failed=())
    assert next(rules.findings(seen, to)).cause == "concept"


@pytest.mark.parametrize(
    ("asked", "read", "failed"),
    [
        (["A7"], "A7", ""),
        (["A7"], "A1", "7"),
        (["AB", "CD"], "AB\nD", "C"),
        (["STONE"], "STNE", "O"),
        (["AB"], "", "AB"),
        (["AB"], "AB\nin another colour: A", ""),
        (["AAB"], "AB", "A"),
        (["龙马"], "尤马", "龙"),
    ],
)
def test_misread_characters_are_those_that_no_alignment_matches(asked, read, failed):
    assert "".join(misread.failed(asked, read)) == failed


def test_words_are_those_outside_of_quotations():
    assert words.content('The text "red STONE" in Blue on a wall') == ("text", "blue", "wall")
    assert words.latin("红色的wall") == ()
    assert words.quoted("写着“山水”的牌子") == ("山水",)
    assert len(words.content("写着“山水”的牌子")) == 5


@pytest.mark.parametrize(
    ("prompt", "text", "is_said"),
    [
        ('The text "A7" in red', "A7", True),
        ('The text "Big Sale" in red', "SALE", True),
        ("A sign that says sale", "SALE", True),
        ("A sign for sailors", "SAIL", False),
        ("The text in purple", "U", False),
        ("The text on a wall", "A", False),
        ("一块写着山水的牌子", "山水", True),
    ],
)
def test_a_text_is_said_in_quotations_or_as_words(prompt, text, is_said):
    assert words.says(prompt, text) is is_said


def test_a_vote_counts_more_than_a_score():
    first = Case(CASE, "a", "0", 0, "p", score=1.0, rewards={"r": 0.9})
    second = Case(CASE, "b", "0", 0, "p", score=0.0, wins=1, rewards={"r": 0.1})
    [(_, rate)] = rewarded.agreement([first, second], 0.1)["r"].items()
    assert (rate.right, rate.of) == (0, 1)
    [(_, rate)] = rewarded.agreement([first, replace(second, wins=0)], 0.1)["r"].items()
    assert (rate.right, rate.of) == (1, 1)


def test_a_reward_that_does_not_tell_two_images_apart_is_not_counted_against_it():
    best = Case(CASE, "a", "0", 0, "p", score=1.0, rewards={"r": 0.5, "s": 0.5})
    worst = Case(CASE, "a", "0", 1, "p", score=0.0, rewards={"r": 0.5, "s": 0.4})
    agreed = rewarded.agreement([best, worst], 0.1)
    assert {name: rewarded.total(of) for name, of in agreed.items()} == {"s": Rate(1, 1)}


def test_an_image_that_is_missing_is_not_a_wrong_one():
    def image(k, **more):
        return Case(CASE, "a", "0", k, caption("AB", "red"), ("AB",), **more)

    every = [image(0, read="AB", score=1.0), image(1, read="AC", score=0.5)]
    every += [image(k, missing=True) for k in range(2, 10)]
    [each] = [of for of in routed(every) if of.finding]
    assert (each.finding.cause, each.finding.value) == ("unstable", 0.5)


def test_prompts_in_chinese_are_not_held_against_a_map_for_english():
    assert near.near([], ["一块写着“山水”的牌子"], 0.15) == {}


@pytest.mark.parametrize("lacking", [3, 20, 30])
def test_no_more_images_are_planned_than_may_be(lacking):
    has = Supply(characters=Counter({"A": 100}))
    to = Settings.model_validate({"plan": {"most": 20}}).plan
    rare = {chr(0x4E00 + number): number for number in range(lacking)}
    needed = deficits.need(rare, has, to)
    assert len(needed) == min(lacking, 20)
    assert min(needed.values()) >= 1
    assert 0.8 * 20 <= sum(needed.values()) <= 20


def test_no_text_that_a_prompt_quotes_is_trained_on():
    def failing(text, **more):
        return Case(CASE, "a", text, 0, caption(text, "red"), read="", **more)

    every = [failing("QA ZA"), failing("za qa"), failing("Za Qa", score=1.0)]
    listed = routed(every)
    assert {each.finding.cause for each in listed if each.finding} == {"characters"}
    needed = {"Q": 1, "Z": 1, "q": 1, "z": 1}
    made = deficits.of(listed, supply(), Settings())
    assert needed.keys() <= made.characters.keys()
    assert made.texts
    assert not {"qaza", "zaqa"} & {text.casefold().replace(" ", "") for text in made.texts}
