"""A new objective, model family, evaluator or benchmark is one file, named by its name."""

import json
import sys
from pathlib import Path

import pytest
from making import additions
from making.commands import invoke
from making.training_runs import losses, train

from curation.strict_yaml import ConfigurationError
from infer.__main__ import app as infer_app
from infer.evaluation.__main__ import app as evaluation_app
from train import configuration_file

PACKAGES = ("train.objectives", "train.models", "train.evaluators", "infer.evaluation")
FILES = [path.stem for path in Path(additions.__path__[0]).glob("[a-z]*.py")]


@pytest.fixture(autouse=True)
def contributed(monkeypatch):
    """The files as if they lay in the packages that they are made for."""
    for name in PACKAGES:
        __import__(name)
        package = sys.modules[name]
        monkeypatch.setattr(package, "__path__", [*package.__path__, *additions.__path__])
    yield
    for name in [f"{package}.{name}" for package in PACKAGES for name in FILES]:
        sys.modules.pop(name, None)


@pytest.fixture
def settings(tiny, tmp_path):
    """The tiny run with other settings on top, for two steps."""

    def call(text):
        folder, pattern, config = tiny
        path = tmp_path / "added.yaml"
        lines = config.read_text().splitlines()
        replaced = [line.split(":")[0] for line in text.splitlines()]
        kept = [line for line in lines if line.split(":")[0] not in replaced]
        path.write_text("\n".join([*kept, text]))
        return folder, pattern, path

    return call


def test_an_objective_is_one_file(settings, undisturbed, tmp_path):
    given = settings("objective: {name: huber, delta: 0.25}")
    train(given, tmp_path / "out", steps=2)
    mine = losses(tmp_path / "out")
    assert len(mine) == 2
    assert mine[0] < losses(undisturbed[0])[0]
    written = json.loads(
        (tmp_path / "out/checkpoint-2/training_state/configuration.json").read_text()
    )
    assert written["objective"] == {"name": "huber", "delta": 0.25}
    other = settings("objective: {name: huber, delta: 0.5}")
    assert "objective.delta 0.25, not 0.5" in train(other, tmp_path / "out", code=2, steps=2).stderr


def test_a_family_is_one_file(settings, tmp_path):
    given = settings("model: {name: convolutions, width: 12}\noptimiser: {kind: adamw, warmup: 0}")
    out = tmp_path / "out"
    train(given, out, steps=2)
    assert losses(out)[0] != losses(out)[1]
    train(given, tmp_path / "longer", steps=3)
    train(given, out, steps=3)
    assert losses(out) == losses(tmp_path / "longer")  # stored and read again
    images = ["one", "-o", str(tmp_path / "x.png"), "--checkpoint", str(out), "--steps", "2"]
    result = invoke(infer_app, images)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "x.png").is_file()


def test_an_evaluator_is_one_file(settings, tmp_path):
    evaluators = "[held_out_strings, {name: brightness, caption: black}]"
    given = settings(f"evaluation: {{evaluators: {evaluators}, steps: 2, grid: 4}}")
    result = train(given, tmp_path / "out", "--json", steps=2)
    figures = json.loads(result.stdout)
    assert 0 <= figures["brightness"] <= 1
    assert figures["held_out_images"] > 0
    assert "brightness 0." in result.stderr


def test_a_benchmark_is_one_file(undisturbed, tmp_path):
    given = ["blank_pages", "--checkpoint", str(undisturbed[0]), "--steps", "2", "--json"]
    result = invoke(evaluation_app, [*given, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["benchmark"] == "blank_pages"
    marked = figures["metrics"]["marked"]
    assert marked["n"] == 3
    assert 0 <= marked["low"] <= marked["value"] <= marked["high"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objective: flow_macthing", "bad.yaml:1: 'objective': there is no 'flow_macthing' in"),
        ("objective: flow_macthing", "; did you mean 'flow_matching'?"),
        ("objective: os.path", "there is no 'os.path' in train.objectives, expected one of"),
        (
            "objective: {name: huber, deta: 1}",
            "unknown key 'objective.deta': expected one of delta,",
        ),
        ("model:\n  name: qwen", "bad.yaml:2: 'model.name': there is no 'qwen'"),
        ("model: {name: 3}", "'model.name': expected a name, found 3"),
        ("model: {name: convolutions, layers: 0.5}", "'model.layers': expected a whole number"),
        (
            "evaluation: {evaluators: [held_out]}",
            "'evaluation.evaluators[0]': there is no 'held_out' in train.evaluators, expected",
        ),
        (
            "objective: train.objectives.blank_pages",
            "expected one class that derives from train.obj",
        ),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        configuration_file.resolve("demo", path)
    assert message in str(refusal.value)


def test_a_wrong_benchmark_is_told_with_the_nearest():
    result = invoke(evaluation_app, ["held_out_string", "--checkpoint", "x"])
    assert result.exit_code == 2
    assert "did you mean 'held_out_strings'?" in result.stderr


def test_a_part_is_named_by_import_path_too(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text("objective: {name: train.objectives.huber.Huber, delta: 2.0}")
    resolved = configuration_file.resolve("demo", path)
    assert resolved.objective.delta == 2.0
    assert configuration_file.resolve("demo").objective.name == "flow_matching"
