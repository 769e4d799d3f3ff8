"""A checkpoint says what it was trained on, and drawing says what lies beyond."""

import ast
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from making import training_shards as shards
from making.commands import invoke
from PIL import Image

from infer.__main__ import app as infer_app
from train import trained_on
from train.__main__ import app as train_app
from train.trained_on import Captions

SHOWN = 'The text "…" in red on a white background.'
FRAME = 'The text "" in red on a white background.'


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A training output after four steps."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yaml").write_text(shards.TINY)
    given = ["--data", shards.write_all(folder / "data"), "--config", str(folder / "tiny.yaml")]
    before = torch.get_num_threads()
    arguments = [*given, "--out", str(folder / "out"), "--steps", "4", "--threads", "1"]
    result = invoke(train_app, arguments)
    torch.set_num_threads(before)
    assert result.exit_code == 0, result.output
    return folder / "out"


def test_a_checkpoint_says_what_it_was_trained_on(out):
    found = trained_on.read(out / "checkpoint-4")
    assert found.sizes == ((32, 16), (48, 16))
    assert (found.steps, found.images, found.languages) == (4, 117, ("en",))
    assert found.frames == (FRAME.replace("red", "blue"), FRAME)
    assert found.written == "".join(sorted(shards.GLYPHS))
    assert found.longest == 3
    assert "white" in found.frames[0]


def draw(out, tmp_path, *arguments):
    given = ["--checkpoint", str(out), "-o", str(tmp_path / "x.png"), "--json", *arguments]
    result = invoke(infer_app, given)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["warnings"], result.stderr


TRAINED = (
    "infer: out/checkpoint-4: trained for 4 steps on 117 images, 32x16, 48x16 px, captions such as:"
    ' The text "…" in blue on a white background.\n'
)


def test_of_what_was_trained_only_that_is_told(out, tmp_path):
    warnings, told = draw(out, tmp_path, 'The text "HAT" in blue on a white background.')
    assert warnings == []
    assert told == TRAINED


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([shards.caption("HAT", "red"), "--size", "64x64"], "size 64x64 was never trained; it was"),
        ([shards.caption("HAX", "red")], "it never learnt to write X"),
        (['The text "你好" in red on a white background.'], "it never learnt to write 你 好"),
        (['红色的文字 "HAT"'], "the prompt is of another kind than its captions, such as: "),
        ([shards.caption("HATHAT", "red")], 'has 3 characters; "HATHAT" is longer'),
        (["a cat on a mat"], f"the prompt is of another kind than its captions, such as: {SHOWN}"),
    ],
)
def test_what_was_never_trained_is_told(out, tmp_path, arguments, sentence):
    warnings, told = draw(out, tmp_path, *arguments)
    assert any(sentence in warning for warning in warnings), warnings
    line = next(line for line in told.splitlines() if sentence in line)
    assert line.startswith("infer: warning: expect nonsense of out/checkpoint-4: ")


def test_a_checkpoint_of_an_unfinished_run_is_told(out, tmp_path):
    folder = shutil.copytree(out / "checkpoint-4", tmp_path / "out" / "checkpoint-4")
    configuration = folder / "training_state" / "configuration.json"
    planned = {**json.loads(configuration.read_text()), "steps": 9}
    configuration.write_text(json.dumps(planned))
    warnings, told = draw(folder, tmp_path, shards.caption("HAT", "blue"))
    assert warnings == ["step 4 of 9: training is not finished"]
    warning = "infer: warning: out/checkpoint-4: step 4 of 9: training is not finished\n"
    assert told == TRAINED + warning


def test_many_prompts_are_one_line_each_kind(out, tmp_path):
    prompts = [shards.caption("HAT", "red"), "a cat", "a dog"]
    warnings, _ = draw(out, tmp_path, *prompts)
    assert len(warnings) == len(set(warnings))
    assert any("2 of 3 prompts are of another kind" in warning for warning in warnings)


def test_prose_asks_for_no_frame():
    seen = Captions()
    for number in range(100):
        seen.add([f"photo {number} of a dog"], ["en"])
    record = seen.summary(data="x", steps=1, sizes=((8, 8),), columns=("caption_raw",))
    assert record.frames == ()
    assert list(record.beyond(["a good dog"], (8, 8))) == []
    assert list(record.beyond(["a good 狗"], (8, 8))) == [
        "no caption it learnt from had the characters 狗"
    ]
    told = list(record.beyond(['a dog says "no"'], (8, 8)))
    assert any("which ask for no text in quotation marks" in warning for warning in told)


def test_a_damaged_record_is_a_mistake_with_its_name(out, tmp_path):
    shutil.copytree(out / "checkpoint-4", tmp_path / "copy")
    (tmp_path / "copy" / trained_on.NAME).write_text('{"steps": ')
    arguments = ["x", "--checkpoint", str(tmp_path / "copy"), "-o", str(tmp_path / "x.png")]
    result = invoke(infer_app, arguments)
    assert result.exit_code == 2
    assert "trained_on.json: not readable" in result.stderr


PROMPT = 'The text "HAT" in blue on a white background.'


def assert_same_image(image, path):
    with Image.open(path) as ours:
        assert ours.size == image.size
        difference = np.abs(np.asarray(ours).astype(int) - np.asarray(image).astype(int))
    assert difference.max() <= 1


def test_diffusers_loads_a_checkpoint_and_draws_the_same(out, tmp_path, monkeypatch):
    from diffusers import DiffusionPipeline
    from diffusers.utils import dynamic_modules_utils

    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    folder = str(out / "checkpoint-4")
    options = {"custom_pipeline": folder, "trust_remote_code": True}
    pipeline = DiffusionPipeline.from_pretrained(folder, **options)
    pipeline.set_progress_bar_config(disable=True)

    def generator():
        return torch.Generator().manual_seed(7)

    image = pipeline(PROMPT, generator=generator()).images[0]
    draw(out, tmp_path, PROMPT, "--seed", "7")
    assert_same_image(image, tmp_path / "x.png")
    guided = {"true_cfg_scale": 3.0, "num_inference_steps": 1, "width": 48, "height": 16}
    own = [generator(), generator()]  # the longer prompt pads the shorter one
    image = pipeline([PROMPT, PROMPT + " And more."], **guided, generator=own).images[0]
    draw(
        out,
        tmp_path,
        *["--seed", "7", "--guidance", "3", "--steps", "1", "--size", "48x16"],
        PROMPT,
    )
    assert_same_image(image, tmp_path / "x.png")
    with pytest.raises(ValueError, match="40x16 px: expected multiples of 16 px"):
        pipeline(PROMPT, width=40)


ALONE = """
import sys
from diffusers import DiffusionPipeline
pipeline = DiffusionPipeline.from_pretrained(sys.argv[1], trust_remote_code=True)
assert type(pipeline).__name__ == "InkstonePipeline"
assert pipeline("x", num_inference_steps=1).images[0].size == (32, 16)
assert not {"train", "infer", "curation"} & {name.split(".")[0] for name in sys.modules}
"""


@pytest.mark.drill
def test_diffusers_loads_a_checkpoint_where_nothing_of_ours_is(out, tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", ALONE, str(out / "checkpoint-4")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_a_checkpoint_takes_along_needs_nothing_of_ours(out):
    folder = out / "checkpoint-4"
    for name in ("pipeline.py", "autoencoder/patch_pca.py", "text_encoder/byte_text.py"):
        source = (folder / name).read_text()
        tree = ast.parse(source)
        named = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        named += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        roots = {module.split(".")[0] for module in named}
        assert roots - set(sys.stdlib_module_names) <= {
            "diffusers",
            "numpy",
            "safetensors",
            "torch",
        }
