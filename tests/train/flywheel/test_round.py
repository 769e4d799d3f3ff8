"""A round: each step once, whatever ends it on the way, and a page of what changed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from making import training_shards as shards
from making.commands import invoke
from making.made_fonts import all_characters, make
from making.places import ROOT

from curation import shard
from curation.failures.errors import UsageError
from infer.evaluation.__main__ import app as evaluate
from synthesis.pure import strings
from synthesis.render import app as render
from train.__main__ import app as train
from train.data.examples import shown_text
from train.flywheel import rounds, sources
from train.flywheel.__main__ import _of_nothing, app
from train.flywheel.settings import Settings

APPS = {"infer.evaluation": evaluate, "synthesis.render": render, "train": train}
TINY = (
    shards.TINY.replace("sizes: []", "sizes: [64x32]")
    .replace("steps: 40", "steps: 2")
    .replace("every: 20", "every: 2")
    .replace("every: 7", "every: 2")
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Options of a round: a model of two steps that was trained on strings without a 7."""
    folder = tmp_path_factory.mktemp("round")
    characters = sorted({*all_characters("en"), *strings.CHARACTERS["en"]})
    fonts = make(folder / "test.ttf", "".join(characters))
    given = ["--lang", "en", "--mode", "strings", "--size", "64x32", "--fonts", fonts]
    assert not invoke(render, [*given, "--n", "90", "--out", str(folder / "all")]).exit_code
    import pyarrow as pa

    some = [
        row for row in shard.rows(str(folder / "all")) if "7" not in shown_text(row["text_boxes"])
    ]
    (folder / "some").mkdir()
    batches = pa.Table.from_pylist(some, schema=shard.schema()).to_batches()
    shard.write(str(folder / "some" / "part-0.parquet"), batches, shard.schema())
    (folder / "tiny.yaml").write_text(TINY)
    of_base = ["--config", str(folder / "tiny.yaml"), "--data", str(folder / "some")]
    of_base += ["--threads", "1", "--out", str(folder / "base")]
    assert not invoke(train, of_base).exit_code
    settings = {
        "data": {"few": 1000},
        "plan": {"least": 60, "most": 20},
        "render": {"mode": "strings", "size": "64x32", "fonts": fonts},
        "evaluation": {"data": str(folder / "all"), "sample": 12},
        "training": {"config": str(folder / "tiny.yaml"), "steps": 2, "threads": 1},
    }
    (folder / "round.yaml").write_text(json.dumps(settings))
    asked = ["round", "--checkpoint", str(folder / "base"), "--shards", str(folder / "some")]
    return [*asked, "--config", str(folder / "round.yaml")]


@pytest.fixture
def ran(monkeypatch):
    """The commands that are run, here in this process; ``killed`` names one that ends it all."""
    listed, killed = [], []

    def process(command):
        name = command[2]
        listed.append(name)
        ended = invoke(APPS.get(name, app), list(command[3:]))
        assert ended.exit_code == 0, ended.output
        if name in killed:
            killed.remove(name)
            raise RuntimeError("killed")
        return ended.exit_code

    monkeypatch.setattr(rounds, "process", process)
    return listed, killed


def files(folder):
    """What a round leaves for people and for what goes on from it."""
    names = ("report.html", "result.json", "train.yaml", "attributed/cases.parquet")
    return [(folder / name).read_bytes() for name in names]


def test_a_round_renders_trains_and_shows_it_and_goes_on_where_it_was_ended(
    prepared, ran, tmp_path
):
    listed, killed = ran
    out = tmp_path / "out"
    asked = [*prepared, "--out", str(out)]
    killed += ["train", "synthesis.render"]
    for _ in range(2):
        with pytest.raises(RuntimeError, match="killed"):
            invoke(app, asked)
    done = invoke(app, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    steps = ["infer.evaluation", "train.flywheel", "synthesis.render", "train", "infer.evaluation"]
    assert listed == [*steps[:3], *steps[2:4], *steps[3:]]
    first, result = files(out), json.loads(done.stdout)
    rendered = list(shard.rows(str(out / "rendered" / "characters"), ["text_boxes"]))
    assert len(rendered) == sum(result["added"].values()) > 0
    assert result["changes"][0]["name"] == "all"
    assert result["changes"][0]["before"]["of"] == 12
    page = first[0].decode()
    assert "Before and after" in page
    assert "after the round" in page
    [phase] = json.loads((out / "train.yaml").read_text())["phases"]
    assert [round(of["share"], 3) for of in phase["sources"]] == [0.5, 0.5]
    listed.clear()
    again = invoke(app, asked)
    assert (again.exit_code, listed, files(out)) == (0, [], first)
    assert again.stderr.count("done before") == 5
    (tmp_path / "x.jsonl").write_text("")
    refused = invoke(app, [*asked, "--cases", str(tmp_path / "x.jsonl")])
    assert refused.exit_code == 2
    assert "was begun with other more; choose another --out" in refused.stderr


def test_a_plan_prints_commands_and_runs_none(prepared, ran, tmp_path):
    shown = invoke(app, [*prepared, "--out", str(tmp_path / "out"), "--plan"])
    assert shown.exit_code == 0
    modules = [line.split()[2] for line in shown.stdout.splitlines()]
    assert modules == [
        *("infer.evaluation", "train.flywheel", "synthesis.render", "train", "infer.evaluation")
    ]
    assert not ran[0]
    assert not (tmp_path / "out").exists()


def turn(out, *more):
    return rounds.Turn(Path("base"), ("some",), more, None, Path(out))


@pytest.mark.parametrize(
    ("lang", "mode", "by"),
    [
        ("en", "strings", ["--need"]),
        ("en", "pure", ["--corpus"]),
        ("zh", "pure", ["--need", "--corpus"]),
        ("zh", "mix", ["--corpus"]),
    ],
)
def test_a_plan_renders_by_what_the_round_does(lang, mode, by):
    to = Settings.model_validate({"render": {"lang": lang, "mode": mode}})
    made = [command for name, command in rounds.planned(turn("out"), to) if name == "rendered"]
    assert [next(of for of in command if of in ("--need", "--corpus")) for command in made] == by


def test_a_folder_with_an_equals_sign_is_one(tmp_path):
    listed = dict(rounds.planned(turn("lr=3"), Settings()))
    assert sources.named([listed["attributed"][4]]) == {"before": Path("lr=3/before")}


@pytest.mark.parametrize(
    ("code", "ends_with", "advice"),
    [
        *((code, code, "run the same") for code in (1, 4, 130, 143)),
        *((2, 2, "correct what"), (3, 3, "correct what")),
        *((-signal.SIGINT, 130, "run the same"), (-signal.SIGKILL, 1, "run the same")),
    ],
)
def test_only_what_may_go_well_is_to_be_run_again(code, ends_with, advice):
    error = rounds.StepError("trained", code)
    assert error.code == ends_with
    assert advice in str(error)


@pytest.mark.parametrize("text", [None, "steps: [", "- 1\n"])
def test_settings_of_training_are_read_before_anything_runs(prepared, ran, tmp_path, text):
    further, config = tmp_path / "further.yaml", tmp_path / "round.yaml"
    if text:
        further.write_text(text)
    config.write_text(json.dumps({"training": {"config": str(further)}}))
    refused = invoke(app, [*prepared[:-1], str(config), "--out", str(tmp_path / "out")])
    assert refused.exit_code == 2, refused.output
    assert "further.yaml" in refused.stderr
    assert not ran[0]


@pytest.mark.parametrize("of", ["cases", "training"])
def test_files_are_known_by_their_contents(tmp_path, monkeypatch, of):
    files = {name: tmp_path / name for name in ("cases", "training")}
    files["cases"].write_text('{"prompt": "a"}')
    files["training"].write_text("steps: 3")
    to = Settings.model_validate({"training": {"config": str(files["training"])}})
    own = turn(tmp_path / "out", "--cases", str(files["cases"]))
    monkeypatch.setattr(rounds, "process", lambda command: 4)
    for _ in range(2):
        with pytest.raises(rounds.StepError):
            rounds.run(own, to, print)
    files[of].write_text(files[of].read_text().replace("a", "b").replace("3", "4"))
    with pytest.raises(UsageError, match=f"was begun with other contents of .*{of}; choose"):
        rounds.run(own, to, print)


def test_what_lacks_and_is_not_rendered_is_said():
    assert "nothing is lacking" in _of_nothing({"characters": 0, "layouts": 0})
    assert "3 characters and 0 layouts are lacking" in _of_nothing({"characters": 3, "layouts": 0})


def test_a_step_that_fails_is_named_with_its_exit_code(prepared, monkeypatch, tmp_path):
    monkeypatch.setattr(rounds, "process", lambda command: 4)
    ended = invoke(app, [*prepared, "--out", str(tmp_path / "out")])
    assert ended.exit_code == 4
    assert "step before ended with exit code 4; run the same command to go on" in ended.stderr


@pytest.mark.drill
def test_a_round_that_is_killed_again_and_again_leaves_the_same_bytes(prepared, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "train.flywheel", *prepared, "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, env=environment)
    undisturbed = files(out)
    out.rename(tmp_path / "undisturbed")
    for seconds in (4, 7, 10, 13, 16, 20):
        child = subprocess.Popen(command, env=environment, start_new_session=True)
        time.sleep(seconds)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    subprocess.run(command, check=True, env=environment)
    assert files(out) == undisturbed
