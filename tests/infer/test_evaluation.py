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


def evaluate(checkpoint, *arguments, code=0):
    given = ["held_out_strings", "--checkpoint", str(checkpoint), *arguments]
    result = invoke(app, given)
    assert result.exit_code == code, result.output
    return result


def test_held_out_strings_are_scored_as_the_trainer_scored_them(tiny, undisturbed, tmp_path):
    checkpoint, trained = undisturbed
    given = ["--data", tiny[1], "--out", str(tmp_path / "out")]
    result = json.loads(evaluate(checkpoint, *given, "--json").stdout)
    trainer = json.loads(trained.stdout)
    exact, cells = result["metrics"]["exact"], result["metrics"]["cells"]
    assert result["images"] == exact["n"] == trainer["held_out_images"]
    assert exact["value"] == pytest.approx(trainer["held_out_accuracy"], abs=0.05)
    assert exact["interval"] == "Wilson" and cells["interval"] == "bootstrap over prompts"
    assert cells["low"] < cells["value"] < cells["high"]
    assert result["settings"]["steps"] == 2  # those it was judged with
    assert result["facts"]["label"] == "one font, fixed layout, unseen strings of seen glyphs"
    assert "the trainer holds out" in result["contamination"]["reason"]
    images = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/images").iterdir()}
    assert len(images) == result["images"]
    said = evaluate(checkpoint, *given)
    assert said.stdout.startswith("exact: 0.")
    assert {path: path.stat().st_mtime_ns for path in images} == images  # none made again


def test_what_a_perfect_model_would_generate_is_all_right(tiny, undisturbed, tmp_path):
    from making import training_shards as shards

    from infer.checkpoints import find
    from infer.evaluation.held_out_strings import HeldOutStrings

    requests = HeldOutStrings(find(undisturbed[0]), tiny[1]).requests()
    given = ["--data", tiny[1], "--json", "--images"]
    for colour_of, expected in ((lambda request: request.prompt.split()[4], 1), (None, 0)):
        folder = tmp_path / str(expected)
        folder.mkdir()
        for request in requests:
            text = request.texts[0] if colour_of else ""
            colour = colour_of(request) if colour_of else "red"
            image = shards.draw(text, colour, request.size[0] // shards.CELL)
            image.save(folder / request.file)
        result = json.loads(evaluate(undisturbed[0], *given, str(folder)).stdout)
        assert result["metrics"]["exact"]["value"] == expected
        assert not result["metrics"]["exact"]["note"]
        assert result["out"] == str(tmp_path / "evaluation" / folder.name / "held_out_strings")


def test_what_is_missing_is_told(tiny, undisturbed, tmp_path):
    checkpoint = undisturbed[0]
    assert "expected --data: shards of rendered strings" in evaluate(checkpoint, code=2).stderr
    assert "no checkpoint here" in evaluate(tmp_path, code=2).stderr
    nothing = evaluate(checkpoint, "--data", str(tmp_path), code=2).stderr
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


def test_a_character_in_another_colour_is_wrong_and_said(tiny, undisturbed, tmp_path):
    from making import training_shards as shards

    from infer.checkpoints import find
    from infer.evaluation.held_out_strings import HeldOutStrings

    asked = HeldOutStrings(find(undisturbed[0]), tiny[1]).requests()[0]
    others = {"blue": "red", "red": "blue"}
    colour = others[asked.prompt.split()[4]]
    image = shards.draw(asked.texts[0], colour, asked.size[0] // shards.CELL)
    (tmp_path / "a").mkdir()
    image.save(tmp_path / "a" / asked.file)
    evaluate(
        undisturbed[0],
        "--data",
        tiny[1],
        "--images",
        str(tmp_path / "a"),
        "-o",
        str(tmp_path / "out"),
    )
    page = (tmp_path / "out" / "report.html").read_text()
    assert f"<p>{asked.texts[0]}\nin another colour: {' '.join(asked.texts[0])}</p>" in page
    assert "in another colour counts as wrong" in page
