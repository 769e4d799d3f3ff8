"""What is judged was in nothing that was trained on, and both readers read what is clean."""

from itertools import islice

import pytest

from benchmarks import short_strings
from train.data.examples import is_held_out


def test_what_is_judged_is_held_out_of_rows_and_of_what_captions_say() -> None:
    rows = set(islice(short_strings.texts("trained"), 3000))
    judged = short_strings.judged_on(200, 3000)
    assert len({*judged}) == 200
    assert not {*judged} & rows
    assert all(is_held_out(text, short_strings.HELD_OUT) for text in judged)
    trained = [text for text in rows if not is_held_out(text, short_strings.HELD_OUT)]
    said = [short_strings.mistaken(text) for text in trained]
    assert not any(is_held_out(text, short_strings.HELD_OUT) for text in said)
    apart = [
        sum(a != b for a, b in zip(*pair, strict=True)) for pair in zip(trained, said, strict=True)
    ]
    assert {*apart} == {0, 1}
    assert abs(sum(apart) / len(apart) - short_strings.WRONG) < 0.03
    assert all(short_strings.mistaken(text) == text for text in judged)


def test_both_readers_read_clean_images_and_no_others() -> None:
    pytest.importorskip("rapidocr")
    wanted = short_strings.judged_on(8, 100)
    clean = short_strings.read([short_strings.drawn(text) for text in wanted], wanted)
    assert all(clean.exact)
    assert all(clean.read)
    other = short_strings.read([short_strings.drawn("AAA")] * 8, wanted)
    assert not any(other.exact)
    assert not any(other.read)
