"""``python -m infer.evaluation``: the held-out strings, against what the trainer said of them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.commands import invoke
from scipy.stats import binomtest

from infer.evaluation.__main__ import app
from train.figures import Rate, interval


def evaluate(out, *arguments, code=0):
    given = ["held_out_strings", "--checkpoint", str(out), *arguments]
    result = invoke(app, given)
    assert result.exit_code == code, result.output
    return result


def test_held_out_strings_are_scored_as_the_trainer_scored_them(tiny, undisturbed):
    out, trained = undisturbed
    figures = json.loads(evaluate(out, "--data", tiny[1], "--json").stdout)
    trainer = json.loads(trained.stdout)
    assert figures["images"] == figures["exact"]["of"] == trainer["held_out_images"]
    assert figures["exact"]["share"] == pytest.approx(trainer["held_out_accuracy"], abs=0.05)
    assert figures["cells"]["low"] < figures["cells"]["share"] < figures["cells"]["high"]
    assert figures["steps"] == 2  # those it was judged with
    sentence = evaluate(out, "--data", tiny[1]).stdout
    assert sentence.startswith("held-out strings exact: ")
    assert sentence.endswith("[one font, fixed layout, unseen strings of seen glyphs]\n")


def test_what_a_perfect_model_would_generate_is_all_right(tiny, undisturbed):
    from making import training_shards as shards

    from infer.checkpoints import find
    from infer.evaluation.held_out_strings import HeldOutStrings

    benchmark = HeldOutStrings(find(undisturbed[0]), tiny[1])
    requests = benchmark.requests()
    perfect = []
    for request in requests:
        text, colour = request.prompt.split('"')[1], request.prompt.split()[4]
        perfect.append(shards.draw(text, colour, request.width // shards.CELL))
    assert benchmark.score(perfect).values["exact"]["share"] == 1
    blank = [shards.draw("", "red", request.width // shards.CELL) for request in requests]
    assert benchmark.score(blank).values["exact"]["share"] == 0


def test_what_is_missing_is_told(tiny, undisturbed, tmp_path):
    out = undisturbed[0]
    assert "expected --data: shards of rendered strings" in evaluate(out, code=2).stderr
    assert "no checkpoint here" in evaluate(tmp_path, code=2).stderr
    nothing = evaluate(out, "--data", str(tmp_path), code=2).stderr
    assert "no .parquet file matches" in nothing


@given(st.integers(0, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_intervals_are_wilsons(counts):
    right, of = counts
    low, high = interval(right, of)
    if not of:
        assert (low, high) == (0, 1)
        return
    known = binomtest(right, of).proportion_ci(method="wilson")
    assert math.isclose(low, known.low, abs_tol=1e-9)
    assert math.isclose(high, known.high, abs_tol=1e-9)
    assert 0 <= low <= right / of <= high <= 1


def test_a_rate_says_its_interval():
    assert str(Rate(9, 10)) == "90.0 % [59.6, 98.2] (9 of 10)"
