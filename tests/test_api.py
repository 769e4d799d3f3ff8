"""``import curation, synthesis, train, infer``: the commands as functions, same options."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import training_shards
from making.collection import drawing, encoded
from making.commands import invoke
from making.pipelines import WITHOUT_MODELS
from making.places import ENVIRONMENT, ROOT
from PIL import Image

import curation
import infer
import synthesis
import train
from curation import command as beam
from curation.failures.errors import UsageError
from curation.sources.sample import SourceError
from infer import __main__ as infer_command
from infer.evaluation import __main__ as evaluation_command
from synthesis import render as render_command
from train import __main__ as train_command

PACKAGES = (curation, infer, synthesis, train)
# Options that are a command's alone, and what a function takes in their place.
OF_COMMANDS = {"context", "as_json", "show", "plan", "plan_on", "compare"}
OF_COMMANDS |= {"output", "prompts", "sheet", "columns"}  # of python -m infer: it writes no file
PAIRS: tuple[tuple[str, Callable[..., Any], Callable[..., Any], set[str]], ...] = (
    ("curate", beam.run, curation.curate, {"beam_options", "output"}),
    ("render_images", render_command.render, synthesis.render_images, set()),
    ("train", train_command.train, train.train, set()),
    ("generate", infer_command.generate, infer.generate, {"prompts"}),
    ("evaluate", evaluation_command.evaluate, infer.evaluate, set()),
)


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """What a parameter is where it is not given; a list that may be left out is an empty one."""
    plain = {}
    for name, parameter in inspect.signature(function).parameters.items():
        value = parameter.default
        plain[name] = None if value in ((), inspect.Parameter.empty) else value
    return plain


@pytest.mark.parametrize(("name", "command", "function", "own"), PAIRS, ids=[p[0] for p in PAIRS])
def test_a_function_takes_the_options_of_its_command(
    name: str, command: Callable[..., Any], function: Callable[..., Any], own: set[str]
) -> None:
    wanted = {key: value for key, value in defaults(command).items() if key not in OF_COMMANDS}
    wanted.pop("texts", None)  # prompts of the command line
    there = defaults(function)
    assert there.pop("show_progress") is False
    assert {key: value for key, value in there.items() if key not in own} == wanted


def test_names_are_of_no_module_which_would_take_their_place() -> None:
    for package in PACKAGES:
        folder = Path(str(package.__file__)).parent
        for name in package.__all__:
            assert not (folder / f"{name}.py").exists() and not (folder / name).is_dir(), name
            assert getattr(package, name)
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            _ = package.nothing


def test_importing_all_of_them_imports_nothing_heavy() -> None:
    code = "import curation, synthesis, train, infer, sys, json; print(json.dumps([*sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    heavy = {"apache_beam", "cv2", "numpy", "PIL", "pyarrow", "pydantic", "torch", "typer"}
    assert heavy & set(json.loads(done.stdout)) == set()


def test_curating_gives_counts_and_rows_and_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"{number}.jpg").write_bytes(encoded(drawing(number)))
    (tmp_path / "in" / "3.jpg").write_bytes(b"<html>")
    config = tmp_path / "pipelines.yaml"
    config.write_text(WITHOUT_MODELS, encoding="utf-8")
    asked: dict[str, Any] = {"config": config, "workers": 1}
    done = curation.curate(tmp_path / "in", tmp_path / "out", **asked)
    assert (done.counts["in"], done.counts["kept"], done.counts["quarantined"]) == (4, 3, 1)
    rows = {row["key"]: row for row in done.rows()}
    assert rows.keys() == {"0.jpg", "1.jpg", "2.jpg"}
    assert rows["0.jpg"]["image"]["bytes"] == (tmp_path / "in" / "0.jpg").read_bytes()
    assert next(done.rows(["stage"])).keys() == {"stage"}
    assert Path(done.report).is_file() and curation.open_run(done.output) == done
    assert capfd.readouterr() == ("", "")
    with pytest.raises(UsageError, match=r"^output: an empty path"):
        curation.curate(tmp_path / "in", "", **asked)
    with pytest.raises(UsageError, match="workers is 0; expected a whole number, 1 or more"):
        curation.curate(tmp_path / "in", tmp_path / "other", workers=0)
    with pytest.raises(UsageError, match="synthesize"):
        curation.curate(tmp_path / "in", tmp_path / "other", "synthesize")
    arguments = ["run", "-i", "no", "-o", str(tmp_path / "none"), f"--config={config}"]
    with pytest.raises(SourceError, match="no: nothing found there") as raised:
        curation.curate("no", tmp_path / "none", **asked)
    assert invoke(beam.app, arguments).stderr == f"curation.command: {raised.value}\n"
    assert capfd.readouterr() == ("", "")


def test_rendering_gives_the_rows_of_the_command(tmp_path: Path) -> None:
    rendered = synthesis.render_images("en", tmp_path / "a", 3, mode="strings", size="64x32")
    options = ["--lang", "en", "--mode", "strings", "--size", "64x32", "--n", "3"]
    invoke(render_command.app, [*options, "--out", str(tmp_path / "b")])
    assert rendered.images == len(list(rendered.rows(["key"]))) == 3
    (shard,) = map(Path, rendered.shards)
    assert shard.read_bytes() == (tmp_path / "b" / shard.name).read_bytes()
    with pytest.raises(UsageError, match=r"mode 'strngs'.*strings"):
        synthesis.render_images("en", tmp_path / "c", mode="strngs")  # type: ignore[arg-type]


def test_training_generating_and_judging(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = training_shards.write_all(tmp_path / "data")
    Path("tiny.yaml").write_text(training_shards.TINY)
    done = train.train(data, "out", config="tiny.yaml", steps=8, threads=1)
    assert done.checkpoint == Path("out/checkpoint-8") and done.samples.is_file()
    assert done.figures["step"] == 8
    card = (done.checkpoint / "README.md").read_text(encoding="utf-8")
    assert f"| `held_out_loss` | `{float(format(done.figures['held_out_loss'], '.4g'))}` |" in card
    prompts = [training_shards.caption("AE", "red"), training_shards.caption("LOT", "blue")]
    made = infer.generate(prompts, "out", seed=3)
    assert [image.info["prompt"] for image in made] == prompts
    score = infer.evaluate("held_out_strings", "out", data=data)
    assert 0 <= score["metrics"]["exact"]["value"] <= 1 and Path(score["out"]).is_dir()
    assert capfd.readouterr() == ("", "")
    invoke(infer_command.app, [*prompts, "--checkpoint", "out", "-o", "by.png", "--seed", "3"])
    for number, image in enumerate(made, 1):
        with Image.open(f"by-000{number}.png") as written:
            assert np.array_equal(np.asarray(written), np.asarray(image))
            facts = {name: str(value) for name, value in image.info.items()}
            assert facts == written.text  # type: ignore[attr-defined]
    with pytest.warns(UserWarning, match="it never learnt to write Q"):
        infer.generate(training_shards.caption("Q", "red"), "out")
    with pytest.raises(UsageError, match="preset demmo"):
        train.train(data, "other", preset="demmo")


def blocks() -> list[str]:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    return [part.partition("```")[0] for part in text.split("```python\n")[1:]]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_documents_lines_are_about_ten_and_call_what_there_is(package: Any) -> None:
    (block,) = (text for text in blocks() if f"import {package.__name__}\n" in text)
    assert len(block.splitlines()) <= 12
    calls = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func).startswith(f"{package.__name__}.")]
    for call in ours:
        function = getattr(importlib.import_module(package.__name__), call.func.attr)  # type: ignore[attr-defined]
        named = {str(word.arg): word.value for word in call.keywords}
        inspect.signature(function).bind(*call.args, **named)
    assert ours
