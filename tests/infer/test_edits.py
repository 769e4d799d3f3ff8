"""Editing images by the command, with checkpoints that learnt it and such that did not."""

import json

import numpy as np
import pytest
from making import tiny_qwen
from making import training_shards as shards
from making.commands import invoke
from PIL import Image

from curation import shard
from infer import inputs
from infer.__main__ import app
from infer.checkpoints import beyond, find
from train.__main__ import app as train_app

EDITS = """
steps: 24
evaluation: {every: 20, images: 4, steps: 2, guidance: 2.0}
text_encoder: {width: 16, view: 16}
data: {sizes: [], resize: false, tasks: {ti2i: 2, t2i: 1, i2i: 1}}
"""


def pair(text, number):
    row = shards.row(text, "red", caption_recaption=None)
    source = {"bytes": shards.png(shards.draw(text, "blue")), "path": None}
    said = [{"text": f"Make it red, {number}.", "language": "en"}]
    name = shard.content_id(f"pair {number}".encode())
    return row | {"id": name, "inputs": [source], "caption_instruction": said}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A checkpoint of a few steps on all three tasks, and the training's own standard error."""
    folder = tmp_path_factory.mktemp("edits")
    texts = [a + b for a in shards.GLYPHS for b in shards.GLYPHS]
    pairs = [pair(text, number) for number, text in enumerate(texts)]
    shards.write(folder / "part-0.parquet", [*pairs, *shards.rows(30)])
    config = folder / "tiny.yaml"
    lines = [line for line in shards.TINY.splitlines() if line.partition(":")[0] not in EDITS]
    config.write_text("\n".join(lines) + EDITS)
    arguments = ["--data", str(folder / "part-*.parquet"), "--config", str(config)]
    result = invoke(train_app, [*arguments, "--out", str(folder / "out"), "--threads", "1"])
    assert result.exit_code == 0, result.output
    return folder / "out"


def picture(path, text="AE", columns=2):
    path.write_bytes(shards.png(shards.draw(text, "blue", columns)))
    return str(path)


def edited(folder, path, *arguments, code=0):
    given = ["Make it red, 3.", "--checkpoint", str(folder), "--steps", "2", "-o", str(path)]
    result = invoke(app, [*given, *map(str, arguments)])
    assert result.exit_code == code, result.output
    with Image.open(path) if code == 0 else Image.new("RGB", (1, 1)) as image:
        return result, np.asarray(image.convert("RGB")), dict(image.info)


@pytest.mark.parametrize("guidance", [1, 3])
def test_the_result_depends_on_the_input(learnt, tmp_path, guidance):
    first, second = picture(tmp_path / "a.png"), picture(tmp_path / "b.png", "TO")
    options = ("--guidance", guidance)
    result, of_first, facts = edited(learnt, tmp_path / "1.png", "--input", first, *options)
    assert "never trained on edits" not in result.stderr
    assert facts["inputs"] == "a.png"
    assert of_first.shape == (16, 32, 3)
    _, of_second, _ = edited(learnt, tmp_path / "2.png", "--input", second, *options)
    _, again, _ = edited(learnt, tmp_path / "3.png", "--input", first, *options)
    assert np.array_equal(of_first, again)
    assert not np.array_equal(of_first, of_second)
    two = ("--input", first, "--input", second)
    _, of_both, facts = edited(learnt, tmp_path / "4.png", *two, *options)
    assert facts["inputs"] == "a.png, b.png"
    assert not np.array_equal(of_both, of_first)


def test_the_result_is_as_large_as_the_last_input(learnt, tmp_path):
    wide = picture(tmp_path / "wide.png", "AEH", 3)
    result, image, _ = edited(learnt, tmp_path / "x.png", "--input", wide)
    assert image.shape == (16, 48, 3)
    assert "size 48x16 was never trained" in result.stderr
    _, image, _ = edited(learnt, tmp_path / "x.png", "--input", wide, "--size", "32x16")
    assert image.shape == (16, 32, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--input", "missing.png"], "--input missing.png: no such file"),
        (["--input", "text.png"], "--input text.png: "),
        (["--input", "small.png"], r"small.png: 8x8 px is none of the sizes"),
        (["--input", "small.png"] * 4, "--input: 4 images; expected at most 3"),
    ],
)
def test_bad_inputs_are_named(learnt, tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no image")
    Image.new("RGB", (8, 8)).save(tmp_path / "small.png")
    result, *_ = edited(learnt, tmp_path / "x.png", *given, code=2)
    assert message in result.stderr


def test_a_checkpoint_that_never_saw_edits_says_so(tmp_path):
    folder = tiny_qwen.save_pipeline(tmp_path / "qwen")
    given = inputs.read([picture(tmp_path / "a.png", "AEH", 3)], folder, 16)
    assert given.size == (1760, 576)
    (sentence,) = beyond(folder, ["Make it red."], given.size, edits=True)
    assert sentence.startswith("a QwenImagePipeline was never trained on edits")
    assert beyond(folder, ["Make it red."], given.size) == []


def test_a_checkpoint_of_edits_alone_asks_for_inputs(learnt, tmp_path):
    checkpoint = find(learnt)
    assert beyond(checkpoint, ["Make it red, 3."], (32, 16), edits=True) == []
    record = json.loads((checkpoint / "trained_on.json").read_text())
    assert record["tasks"] == ["ti2i", "t2i", "i2i"]
    (tmp_path / "trained_on.json").write_text(json.dumps(record | {"tasks": ["ti2i"]}))
    (sentence,) = beyond(tmp_path, ["Make it red, 3."], (32, 16))
    assert sentence == "it was trained on edits alone: give it images to edit"
