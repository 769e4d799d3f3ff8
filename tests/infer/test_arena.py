"""The arena: ratings of votes, the page for people, and a judge asked twice."""

import base64
import io
import json
import math
import random
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import browser
from making.chat_server import completion, serving
from making.commands import invoke
from PIL import Image

from curation.failures.errors import UsageError
from curation.storage import ownership
from infer import scoring
from infer.arena import duels as duels_of
from infer.arena import judging, page, ratings, votes
from infer.arena.__main__ import app
from infer.arena.votes import Duel, Vote
from infer.harness import results
from infer.harness.rows import Request, Row

TRUE = {"best": 1150.0, "good": 1050.0, "fair": 950.0, "poor": 850.0}


def simulated(count=4000, prompts=400):
    chance = random.Random(5)
    cast = []
    for n in range(count):
        a, b = chance.sample(sorted(TRUE), 2)
        wins = chance.random() < 1 / (1 + 10 ** ((TRUE[b] - TRUE[a]) / 400))
        cast.append(Vote(prompt=f"p{n % prompts}", a=a, b=b, vote="a" if wins else "b"))
    return cast


def test_simulated_votes_give_their_ratings_and_their_order_is_nothing_to_them():
    cast = simulated()
    rated = ratings.rate(cast, resamples=200)
    assert [each.model for each in rated] == list(TRUE)
    assert [(each.rank, each.best_rank, each.worst_rank) for each in rated] == [
        (n, n, n) for n in (1, 2, 3, 4)
    ]
    for each in rated:
        assert each.low - 5 <= TRUE[each.model] <= each.high + 5
        assert each.low < each.rating < each.high and each.high - each.low < 60
    assert np.mean([each.rating for each in rated]) == pytest.approx(1000)
    random.Random(1).shuffle(cast)
    turned = {"a": "b", "b": "a"}
    cast = [Vote(prompt=v.prompt, a=v.b, b=v.a, vote=turned[v.vote]) for v in cast]
    assert ratings.rate(cast, resamples=200) == rated
    anchored = {each.model: each.rating for each in ratings.rate(cast, "fair", 200)}
    assert anchored["fair"] == 1000 and anchored["best"] == pytest.approx(1200, abs=40)


def test_two_models_have_the_rating_of_their_share():
    cast = [Vote(prompt=f"p{n}", a="x", b="y", vote="a" if n < 75 else "b") for n in range(100)]
    x, y = ratings.rate(cast, resamples=200)
    assert x.rating - y.rating == pytest.approx(400 * math.log10(3), abs=1)
    tied = [*cast, *(Vote(prompt="t", a="x", b="y", vote=v) for v in ("both", "neither") * 25)]
    x, y = ratings.rate(tied, resamples=200)  # 100 wins of 150
    assert x.rating - y.rating == pytest.approx(400 * math.log10(2), abs=1)
    assert (x.wins, x.votes) == (100, 150)


def test_an_unbeaten_model_is_finite_and_prompts_are_resampled():
    cast = [Vote(prompt=f"p{n}", a="x", b="y", vote="a") for n in range(50)]
    x, y = ratings.rate(cast, resamples=200)
    assert 1200 < x.rating < 3000 and math.isfinite(y.low)
    spread = [Vote(prompt=f"p{n}", a="x", b="y", vote="ab"[n % 2]) for n in range(100)]
    lumped = [Vote(prompt=f"p{n // 10}", a="x", b="y", vote="ab"[n // 10 % 2]) for n in range(100)]
    widths = [each.high - each.low for each in (ratings.rate(v)[0] for v in (spread, lumped))]
    assert widths[1] > 2 * widths[0]
    with pytest.raises(UsageError, match="no votes"):
        ratings.rate([])
    with pytest.raises(UsageError, match="--anchor z: has no votes"):
        ratings.rate(cast, "z")


def test_prompts_of_two_benchmarks_may_have_the_same_id():
    texts = ("a cat", "a cat", "a dog")
    cast = [Vote(prompt=text, a="x", b="y", vote="a", prompt_id="00000") for text in texts]
    cast.append(Vote(prompt="a cat", a="x", b="y", vote="a", prompt_id="00001"))
    assert len({ratings.prompt_of(vote) for vote in cast}) == 3


def test_votes_are_read_from_both_kinds_of_file(tmp_path):
    row = {"prompt": "p", "a": "x", "b": "y", "vote": "neither"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "v.parquet")
    votes.write(tmp_path / "v.jsonl", [Vote(**row)])
    both = votes.read([tmp_path / "v.parquet", tmp_path / "v.jsonl"])
    assert both == [Vote(**row)] * 2
    for wrong, said in (
        (row | {"vote": "left"}, "row 1: vote"),
        (row | {"b": "x"}, "x against itself"),
        ({"duel": "d", "vote": "a"}, "expected --duels"),
    ):
        (tmp_path / "w.jsonl").write_text(json.dumps(wrong))
        done = invoke(app, ["rate", str(tmp_path / "w.jsonl")])
        assert done.exit_code == 2 and said in done.stderr


@pytest.fixture
def models(tmp_path):
    prompts = [{"prompt_id": f"p{n}", "prompt": f"<b>ink</b> {n // 2}"} for n in range(6)]
    pq.write_table(pa.Table.from_pylist(prompts), tmp_path / "prompts.parquet")
    named = []
    for shade, name in enumerate(("secret-one", "secret-two")):
        (tmp_path / name).mkdir()
        for n in range(6):
            image = Image.new("RGB", (16, 16), (200 * shade, n, n))
            image.save(tmp_path / name / f"p{n}_0.png")
        named.append(f"{name}={tmp_path / name}")
    return [*named, "--prompts", str(tmp_path / "prompts.parquet"), "-o", str(tmp_path / "out")]


def test_a_file_of_votes_does_not_count_twice(tmp_path):
    row = {"prompt": "p", "a": "x", "b": "y", "vote": "a"}
    first, again = (tmp_path / name for name in ("votes.jsonl", "votes (1).jsonl"))
    for path in (first, again):
        path.write_text(json.dumps(row))
    assert len(votes.read([first])) == 1
    with pytest.raises(UsageError, match=r"votes \(1\).jsonl: the same votes as"):
        votes.read([first, again])


def test_people_vote_on_a_page_that_names_nobody(models, tmp_path):
    done = invoke(app, ["page", *models, "--count", "5"])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out/vote.html").read_text()
    assert "secret" not in page and "<b>ink" not in page and page.count("&lt;b&gt;ink") == 5
    assert page.count('src="data:image/jpeg') == 10 and "http" not in page.replace("http-equiv", "")
    evaluation = tmp_path / "evaluation"
    ownership.claim(str(evaluation), scoring.KIND)
    given = [*models[:-1], str(evaluation)]
    refused = invoke(app, ["page", *given])
    assert refused.exit_code == 2 and "evaluation" in refused.stderr
    assert not (evaluation / "vote.html").exists()
    duels = votes.duels(tmp_path / "out/duels.jsonl")
    assert {duel.a for duel in duels} == {"secret-one", "secret-two"}  # both stand on the left
    lines = [json.dumps({"duel": duel.id, "vote": "a"}) for duel in duels]
    (tmp_path / "votes.jsonl").write_text("\n".join(lines))
    given = ["rate", str(tmp_path / "votes.jsonl"), "--duels", str(tmp_path / "out/duels.jsonl")]
    rated = json.loads(invoke(app, [*given, "--json"]).stdout)
    wins = {each["model"]: each["wins"] for each in rated["ratings"]}
    assert wins["secret-one"] == sum(duel.a == "secret-one" for duel in duels)
    assert rated["votes"] == 5 and "rank 1 [" in invoke(app, given).stdout


def test_a_judge_that_prefers_a_side_says_ties(models, tmp_path):
    with serving() as server:
        server.said = completion("1")
        given = ["judge", *models, "--judge", server.url, "--judge-model", "vlm"]
        done = invoke(app, given)
        assert done.exit_code == 0, done.output
        assert len(server.asked) == 12
        invoke(app, given)
        assert len(server.asked) == 12  # each once
    assert "the image shown first is better: 100.0 %" in done.stdout
    assert "it changed sides: 6" in done.stdout
    cast = votes.read([tmp_path / "out/votes.jsonl"])
    assert {vote.vote for vote in cast} == {"both"}
    assert {vote.prompt_id for vote in cast} == {f"p{n}" for n in range(6)}  # of three texts
    assert "prompts 6" in invoke(app, ["rate", str(tmp_path / "out/votes.jsonl")]).stdout


def test_a_judge_of_edits_sees_what_was_edited_first():
    source, left, right = (Image.new("RGB", (8, 8), (n, n, n)) for n in range(3))
    plain = judging.question("a sign", (), (left, right))
    assert plain.images == (left, right) and "edits" not in plain.text and "a sign" in plain.text
    asked = judging.question("make it red", [source], (right, left))
    assert asked.images == (source, right, left)
    assert "edits of the one before" in asked.text and "make it red" in asked.text
    assert "the 2 before" in judging.question("x", [source, left], (left, right)).text


def test_two_answers_are_one_vote():
    assert [judging.answer(text) for text in ("2", "Both.", "**1**", "1 or 2", "?")] == [
        "b",
        "both",
        "a",
        None,
        None,
    ]
    cases = {("a", "b"): "a", ("b", "a"): "b", ("a", "a"): "both", ("a", "both"): "both"}
    cases |= {("neither", "neither"): "neither", (None, "a"): "both", (None, None): "both"}
    assert {pair: judging.settled(*pair) for pair in cases} == cases
    duels = [Duel(id=str(n), prompt="p", a="x", b="y") for n in range(3)]
    made = judging.counted(duels, [("a", "b"), ("a", "a"), (None, "b")])
    assert (made.first, made.decided, made.disagreed, made.unclear) == (3, 5, 1, 1)


def test_what_was_edited_is_shown_beside_both_of_its_results(models, tmp_path):
    """Several images may have the same instruction; each duel has its own."""

    def jpeg(shade):
        stream = io.BytesIO()
        Image.new("RGB", (900, 300), (0, 0, shade)).save(stream, "PNG")
        return stream.getvalue()

    rows = [Row(f"p{n}", 0, "<b>bluer</b>", "", (), {}, 0, False, 0, "", {}) for n in range(6)]
    shades = {each.id: 40 * n for n, each in enumerate(rows)}
    requests = [Request(each.id, each.prompt, inputs=(jpeg(shades[each.id]),)) for each in rows]
    results.write_rows(tmp_path, rows[:5], requests[:5])
    done = invoke(app, ["page", *models, "--count", "5"])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out/vote.html").read_text()
    assert text.count("What was to be edited") == 5 and "<b>bluer" not in text
    duels = {duel.id: duel for duel in votes.duels(tmp_path / "out/duels.jsonl")}
    for part in text.split('<section class="duel" data-id="')[1:]:
        encoded = re.findall('src="data:image/jpeg;base64,([^"]*)"', part)
        images = [Image.open(io.BytesIO(base64.b64decode(each))) for each in encoded]
        duel = duels[part.partition('"')[0]]
        number = int(duel.prompt_id[1:])
        assert [image.size for image in images] == [(640, 213), (256, 256), (256, 256)]
        middles = [image.getpixel((100, 100)) for image in images]
        assert abs(middles[0][2] - shades[duel.prompt_id]) < 3
        for model, seen in zip((duel.a, duel.b), middles[1:], strict=True):
            wanted = (200 * (model == "secret-two"), number, number)
            assert max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) < 3
    broken = [{"prompt_id": each, "prompt": "x", "inputs": [b"no image"]} for each in ("p1", "q")]
    path = tmp_path / "prompts.parquet"
    pq.write_table(pa.Table.from_pylist(broken), path)
    assert duels_of.inputs(path, {"p7"}) == {}  # others are not looked at
    done = invoke(app, ["page", *models])
    assert done.exit_code == 2 and "an input of p1" in done.stderr


DRIVE = """
const key = (name, more) => document.dispatchEvent(
  new window.KeyboardEvent("keydown", { key: name, ...more }));
const votes = () => document.getElementById("count").textContent;
const pressed = () => document.querySelector('[aria-pressed="true"]')?.dataset.vote;
const seen = [];
key("1", { ctrlKey: true }); key("1", { repeat: true });
seen.push(votes());
key("4"); key("0");
seen.push(votes(), pressed());
document.querySelector('[data-vote="a"]').click();
document.querySelector('[data-vote="both"]').click();
document.querySelector('[data-vote="b"]').click();
seen.push(votes(), document.getElementById("end").hidden);
const wide = document.documentElement.scrollWidth <= window.innerWidth;
return [...seen, document.querySelector('[data-vote="b"]').disabled, wide];
"""


@pytest.mark.parametrize("width", [360, 1000])
def test_votes_are_cast_by_clicks_and_keys(tmp_path, width):
    plain = Image.new("RGB", (640, 480))
    duels = [
        page.Shown(name, "a sign " * 9, plain, plain, inputs)
        for name, inputs in (("x", None), ("y", [plain, plain]))
    ]
    seen = browser.look(page.render(duels), DRIVE, tmp_path, width=width)
    assert seen == ["0", "1", "neither", "2", False, True, True]
