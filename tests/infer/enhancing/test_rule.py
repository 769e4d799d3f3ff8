"""The rule of enhanced prompts: quoted texts stay, nothing else is quoted, whatever is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.networks import languages
from curation.networks.weights import MissingModelError
from curation.shard.quotations import EVERY, spans
from curation.shard.scripts import script
from infer.enhancing import rule
from infer.enhancing.enhancer import TRIES, Enhancer, NoAnswerError
from train.enhancer.answers import cleaned
from train.enhancer.instructions import instructions

PAIRS = ('""', "“”", "「」", "『』", "„“", "«»", "‹›", "＂＂", "〝〞", "''", "‘’", "””")
MARKS = "".join(PAIRS) + "”“»«〟‟‚‛"
WORDS = st.text("abc d墨水,.\n", max_size=30)
TEXTS = st.text("INKink 墨水5%&\n-", min_size=1, max_size=12).filter(str.strip)
PARTS = st.sampled_from([*"ab 墨\n", *MARKS, "<think>", "</think>"])
ANYTHING = st.lists(PARTS, max_size=60).map("".join)


@st.composite
def prompts(draw, most=3):
    """A prompt, and the texts that it quotes."""
    quoted = draw(st.lists(TEXTS, max_size=most))
    parts = [draw(WORDS)]
    for text in quoted:
        pair = draw(st.sampled_from(PAIRS))
        parts += [f" {pair[0]}{text}{pair[1]} ", draw(WORDS)]
    return "a fox" + "".join(parts), quoted


@given(prompts())
def test_a_prompt_stands_for_itself_also_with_more_words(made):
    prompt, quoted = made
    assert spans(prompt, EVERY) == quoted
    assert rule.faults(prompt, prompt) == []
    own = "abc" if script(prompt) == "LATIN" else "墨水"
    assert rule.faults(prompt, f"{prompt} {own}, {own}.") == []


@given(prompts(), TEXTS, st.sampled_from(PAIRS))
def test_nothing_else_may_be_quoted(made, text, pair):
    prompt, _ = made
    assert rule.faults(prompt, f"{prompt} abc {pair[0]}{text}{pair[1]} ")
    assert rule.faults(prompt, f'{prompt} abc "')
    assert rule.faults(prompt, f"{prompt} abc „")


@given(prompts(), st.data())
def test_a_quoted_text_that_is_gone_or_another_is_seen(made, data):
    prompt, quoted = made
    if not quoted:
        return
    text = data.draw(st.sampled_from(quoted))
    place = data.draw(st.integers(0, len(text) - 1))
    other = text[:place] + "Z" + text[place + 1 :]
    changed = prompt.replace(text, other, 1)
    if spans(changed, EVERY) != quoted:  # not where the same letters stand outside of quotations
        assert rule.faults(prompt, changed)
    assert rule.faults(prompt, "a fox" + "".join(f' "{each}" ' for each in quoted[1:]))
    if len(set(quoted)) > 1:
        turned = "a fox" + "".join(f' "{each}" ' for each in sorted(quoted, reverse=True))
        if sorted(quoted, reverse=True) != quoted:
            assert rule.faults(prompt, turned)


@given(ANYTHING)
def test_what_is_quoted_is_left_as_it_is_by_cleaning(answer):
    said = answer.rpartition("</think>")[2].strip()
    assert spans(cleaned(answer), EVERY) == spans(said, EVERY)


@given(prompts(), st.lists(ANYTHING, min_size=TRIES, max_size=TRIES))
def test_whatever_is_answered_what_is_generated_quotes_as_the_prompt(made, answers):
    prompt, quoted = made

    class Says:
        name, at_once = "x", 1

        def write(self, system, user, attempt):
            assert (system, user) == (instructions(script(prompt)), prompt)
            return answers[attempt]

    enhanced = Enhancer(Says()).enhance(prompt)
    assert spans(enhanced.text, EVERY) == quoted
    assert bool(enhanced.reason) == (enhanced.text not in map(cleaned, answers))
    if enhanced.reason:
        assert enhanced.text == prompt


SENTENCES = (
    ('a sign "INK"', "a sign in the rain", "does not quote 'INK' as the prompt does"),
    ("a sign", 'a sign "INK"', "quotes 'INK', which the prompt does not"),
    ('"A" over "B"', 'signs "B" under "A"', "another order"),
    ("a fox", "", "is empty"),
    ("a fox", "一只狐狸", "is written in CJK; expected LATIN"),
    ("一只狐狸", "a fox in the snow", "is written in LATIN; expected CJK"),
    ("きつね狐狸", "狐狸", "is written in CJK; expected HIRAGANA"),
    ("a fox", "a fox " * 300, "1,800 characters; expected at most 1,205"),
    ("a fox", "we think of a fox <think> red", "is a thought without an end"),
    ("a fox", "I'm sorry, but I can't help with that request.", "is an answer, and no prompt"),
    ("一只狐狸", "抱歉，我无法满足这个请求。", "is an answer, and no prompt"),
    ("'Don't walk' on a sign", "'Dont walk' on a sign", 'does not quote "Don\'t walk"'),
    ("en skylt ”ÖPPET”", "en skylt", "does not quote 'ÖPPET'"),
    ("a fox", "a fox\x1b[2J", "characters that are none of a text"),
    ("ein Schild „OFFEN“", "ein Schild „ZU“", "does not quote 'OFFEN'"),
    ("鉄道図書館", "铁路图书馆，雨中", "is written in CJK; expected HIRAGANA"),
)


@pytest.mark.parametrize(("prompt", "enhanced", "said"), SENTENCES)
def test_a_fault_is_a_sentence(prompt, enhanced, said):
    assert said in "; ".join(rule.faults(prompt, enhanced))


def test_what_is_kept_may_stand_in_other_marks_and_among_more_words():
    for prompt, enhanced in (
        ('a sign "INK"', "a rusty sign with “INK” in red, it's raining, the dogs’ bowls"),
        ("一块招牌「墨水」", "雨中一块生锈的招牌，写着“墨水”，4K UHD"),
        ('5" pipes', 'steel pipes of 5" on a table'),
        ('"INK 墨"', 'in red on white: "INK 墨"'),
        ("‘Don’t walk’ in red", "'Don’t walk' over the dogs' bowls, in red"),
        ("写着”墨水”", "雨中写着”墨水”"),
        ("I'm sorry for a fox", "I'm sorry for a red fox"),
    ):
        assert rule.faults(prompt, enhanced) == []
    for before in (
        '<think>\na "b"\n</think>\n\n',
        "held back: </think>",
        "Sure! Here's the prompt:\n",
    ):
        assert cleaned(before + ' A fox\n on snow: "a\nb" ') == 'A fox on snow: "a\nb"'
    assert cleaned("好的！改写后的提示词：一只狐狸") == "一只狐狸"
    assert cleaned("A shell's prompt: green") == "A shell's prompt: green"


def test_answers_are_asked_for_again_and_the_prompt_is_what_is_left():
    class Says:
        name, at_once = "x", 1

        def __init__(self, *answers):
            self.answers, self.asked = answers, []

        def write(self, system, user, attempt):
            self.asked.append(attempt)
            answer = self.answers[attempt]
            if answer is None:
                raise NoAnswerError("the server is gone")
            return answer

    second = Says('a sign "ink"', 'a rusty sign "INK"')
    enhancer = Enhancer(second)
    assert enhancer.enhance('a sign "INK"').text == 'a rusty sign "INK"'
    assert enhancer.enhance('a sign "INK"').reason == "" and second.asked == [0, 1]
    never = Enhancer(Says("x", "y", "z")).enhance('a sign "INK"')
    assert never.text == 'a sign "INK"' and "of 3 answers none" in never.reason
    passing = Says(None)
    enhancer = Enhancer(passing)
    gone = enhancer.enhance("a fox")
    assert (gone.text, gone.reason) == ("a fox", "the server is gone")
    passing.answers = ("a red fox",)
    assert enhancer.enhance("a fox").text == "a red fox"  # a failure is not remembered
    unclear = Enhancer(Says()).enhance('a sign “INK"')
    assert unclear.text == 'a sign “INK"' and "without its pair" in unclear.reason
    assert "照抄" in instructions(script("一只狐狸"))


def test_another_language_of_the_same_script_is_seen_where_both_are_sure():
    try:
        language = languages.detector()
    except MissingModelError as error:
        pytest.skip(str(error))
    german, english = "Ein roter Fuchs im Schnee am Abend", "A red fox in the snow in the evening"
    assert rule.faults(english, german, language) == [
        "its language is de; expected en, as that of the prompt"
    ]
    assert rule.faults(german, english, language) == [
        "its language is en; expected de, as that of the prompt"
    ]
    assert rule.faults(english, german) == []
    assert rule.faults("a fox", german, language) == []  # too short to be sure of
    assert rule.faults(f'{english} "Hund"', f'{english} at night "Hund"', language) == []
    near = {"a": ("da", 0.9), "a b": ("no", 0.9)}  # as one, to whom it matters here
    assert rule.faults("a", "a b", near.__getitem__) == []
    own, more = "雪景色鉄道写真", "雪の中を走る鉄道の写真、静かな駅"  # Japanese by its characters
    assert rule.faults(own, more, {own: ("zh", 0.9), more: ("ja", 0.9)}.__getitem__) == []
    assert rule.faults(own, more, language) == []
    assert script("京都夜景") == script("國立臺灣大學") == "CJK"  # of both, of Taiwan
    assert script("鉄道図書館") == "HIRAGANA"
