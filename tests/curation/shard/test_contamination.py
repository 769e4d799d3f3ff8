"""The rule by which a benchmark is told in training data: shares of runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.shard.contamination import Prompt, Texts, plain, runs

WORDS = st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=8, max_size=30)


@given(WORDS, WORDS, st.integers(0, 22))
def test_overlap_is_the_share_of_the_shorter_text(
    prompt: list[str], other: list[str], start: int
) -> None:
    texts = Texts([Prompt("p", " ".join(prompt))], 8, 13)
    own, theirs = runs(" ".join(other), 8, 13), runs(" ".join(prompt), 8, 13)
    expected = len(own & theirs) / min(len(own), len(theirs))
    assert texts.overlap(" ".join(other))[0] == pytest.approx(expected)
    part = prompt[start : start + 8]
    if len(part) == 8:
        assert texts.overlap(" ".join(part)) == (1.0, "p")


def test_all_prompts_that_have_a_run_are_told_the_nearest_first() -> None:
    eight = "a b c d e f g h"
    texts = Texts([Prompt("longer", f"{eight} i j k"), Prompt("it", eight), Prompt("short", "a b")])
    assert list(texts.shares(f"{eight} z y")) == [(1.0, "it"), (1 / 3, "longer")]
    assert texts.compared == {"longer", "it"}
    assert list(texts.shares("a b")) == []
    assert plain("ＡＢ, c! 天地") == (("ab", "c"), "天地")
