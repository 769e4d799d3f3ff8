"""``python -m infer`` on tiny random weights of the real Qwen-Image classes, end to end."""

import io
import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from making import tiny_qwen
from making.commands import invoke
from making.places import ROOT
from PIL import Image

from curation.failures.interruption import Interruption
from curation.storage.ownership import held
from infer.__main__ import app
from infer.engine.engine import Engine

CHINESE = '一行字 "你好，世界"'
THREE = ["hello", CHINESE, "a third prompt, rather longer than the others"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_qwen.save_pipeline(tmp_path_factory.mktemp("qwen"))


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    """Call the command in ``tmp_path``; a checkpoint, size and steps unless others are given."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        given = [str(argument) for argument in arguments]
        defaults = {"--checkpoint": str(folder), "--size": "32x16", "--steps": "2"}
        for name, value in defaults.items():
            if name not in given:
                given += [name, value]
        result = invoke(app, given)
        assert result.exit_code == code, result.output
        return result

    return call


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_an_image_with_its_facts_in_text_chunks(run, tmp_path, folder):
    result = run(CHINESE, "-o", "x.png", "--seed", 9, "--guidance", 2.5, "--negative", "blur")
    assert result.stdout == "x.png\n"
    with Image.open(tmp_path / "x.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (32, 16))
        assert image.text == {
            "prompt": CHINESE,
            "seed": "9",
            "steps": "2",
            "guidance": "2.5",
            "negative": "blur",
            "size": "32x16",
            "checkpoint": folder.name,
        }
    assert pixels(tmp_path / "x.png").std() > 1


def test_same_seed_same_bytes_and_another_seed_another_image(run, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("hello", "-o", f"{name}.png", "--seed", seed)
    first, second, third = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first == second
    assert (pixels(tmp_path / "a.png") != pixels(tmp_path / "c.png")).mean() > 0.5
    assert first != third


def test_a_fresh_process_draws_the_same_bytes(run, tmp_path, folder):
    run("hello", "-o", "a.png", "--seed", 4)
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "infer", "hello", "-o", str(tmp_path / "b.png"), "--seed", "4"),
            *("--checkpoint", str(folder), "--size", "32x16", "--steps", "2", "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **threads},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no library chatter
    assert json.loads(done.stdout)["images"][0]["seed"] == 4
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_an_image_does_not_depend_on_those_drawn_with_it(run, tmp_path):
    run(*THREE, "-o", "all", "--seed", 5)
    for number, prompt in enumerate(THREE, 1):
        path = tmp_path / "all" / f"{number:04d}.png"
        with Image.open(path) as image:
            seed = image.text["seed"]
        run(prompt, "-o", "alone.png", "--seed", seed)
        assert path.read_bytes() == (tmp_path / "alone.png").read_bytes()
    run(*THREE, "-o", "batch.png", "--seed", 5, "--batch-size", 3)
    for number in (1, 2, 3):
        one, many = tmp_path / "all" / f"{number:04d}.png", tmp_path / f"batch-{number:04d}.png"
        assert np.abs(pixels(one) - pixels(many)).max() <= 1


@pytest.mark.parametrize(("steps", "guidance"), [(2, 4.0), (4, 1.0)])
def test_the_image_is_that_of_the_diffusers_pipeline(run, tmp_path, folder, steps, guidance):
    from diffusers import QwenImagePipeline

    pipeline = QwenImagePipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        CHINESE,
        negative_prompt="blur",
        true_cfg_scale=guidance,
        num_inference_steps=steps,
        width=64,
        height=32,
        generator=torch.Generator().manual_seed(6),
    ).images[0]
    assert np.isfinite(np.asarray(expected)).all()
    options = ["--steps", steps, "--guidance", guidance, "--size", "64x32", "--seed", 6]
    run(CHINESE, "-o", "x.png", "--negative", "blur", *options)
    difference = np.abs(np.asarray(expected).astype(int) - pixels(tmp_path / "x.png"))
    assert difference.max() <= 1


def test_one_step_is_finite(run, tmp_path):
    run("hello", "-o", "x.png", "--steps", 1)
    assert pixels(tmp_path / "x.png").std() > 1  # NaN would have become black


def test_guidance_up_to_one_is_none(run, tmp_path):
    run("hello", "-o", "a.png", "--guidance", 1, "--negative", "blur")
    run("hello", "-o", "b.png", "--guidance", 0, "--negative", "something else")
    run("hello", "-o", "c.png", "--guidance", 4, "--negative", "blur")
    run("hello", "-o", "d.png", "--guidance", 4, "--negative", "something else")
    a, b, c, d = (pixels(tmp_path / f"{name}.png") for name in "abcd")
    assert (a == b).all()
    assert (a != c).any()
    assert (c != d).any()


def test_a_file_of_prompts_and_a_sheet(run, tmp_path):
    rows = [{"prompt": "one", "seed": 77}, {"prompt": CHINESE, "other": 1}]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "p.jsonl").write_text(text, "utf-8")
    result = run("zero", "--prompts", "p.jsonl", "-o", "x.png", "--columns", 2, "--json")
    told = json.loads(result.stdout)
    assert [row["prompt"] for row in told["images"]] == ["zero", "one", CHINESE]
    assert told["images"][1]["seed"] == 77
    assert told["sheet"] == "x-sheet.png"
    names = {path.name for path in tmp_path.glob("*.png")}
    assert names == {"x-0001.png", "x-0002.png", "x-0003.png", "x-sheet.png"}
    with Image.open(tmp_path / "x-sheet.png") as sheet:
        assert sheet.width > 2 * 160
    before = (tmp_path / "x-sheet.png").read_bytes()
    run("zero", "--prompts", "p.jsonl", "-o", "x.png", "--columns", 2)
    assert before == (tmp_path / "x-sheet.png").read_bytes()


def test_no_sheet_for_one_image_unless_asked_for(run, tmp_path):
    run("hello", "-o", "x.png")
    assert {path.name for path in tmp_path.glob("*.png")} == {"x.png"}
    run("hello", "-o", "x.png", "--sheet", "deep/sheet.png")
    assert (tmp_path / "deep" / "sheet.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to generate"),
        ([""], "prompt 1: is empty"),
        (["x", "--size", "40x16"], "multiples of 16 pixels; the nearest is 32x16"),
        (["x", "--size", "8x8"], "the nearest is 16x16"),
        (["x", "--size", "64"], "expected WIDTHxHEIGHT"),
        (["x", "--size", "0x64"], "from 1 to 8192"),
        (["x", "--size", "99999x16"], "from 1 to 8192"),
        (["x", "-o", "x.jpg"], "name it x.png"),
        (["x", "--sheet", "folder"], "name it folder.png"),
        (["x", "--checkpoint", "nowhere"], "nowhere: no checkpoint here"),
        (["x", "--prompts", "none.txt"], "none.txt: no such file"),
        (["x", "--steps", "0"], "--steps"),
        (["x", "--steps", "1000000000"], "steps is 1000000000; expected at most 1000"),
        (["x", "--seed", "-1"], "--seed"),
        (["x", "--guidance", "nan"], "--guidance"),
        (["x", "--guidance", "inf"], "guidance is inf"),
        (["x", "--device", "warp"], "cannot use device 'warp'"),
    ],
)
def test_a_users_mistake_is_told_without_a_traceback(run, tmp_path, arguments, message):
    result = run(*arguments, code=2)
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert not list(tmp_path.glob("*.png"))


def test_too_little_memory_is_a_sentence(run, tmp_path, monkeypatch):
    def decoded(*_):
        return torch.empty(1 << 55, dtype=torch.uint8)  # as much as no machine has

    monkeypatch.setattr(Engine, "_decoded", decoded)
    result = run("x", code=4)
    assert "out of memory at 32x16, 1 at once; a smaller --size" in result.stderr
    assert "Traceback" not in result.output and not list(tmp_path.glob("*.png"))


def test_without_a_checkpoint_the_default_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(app, ["x"])
    assert result.exit_code == 2
    assert "demo/train: no checkpoint here" in result.stderr
    assert "python -m train --preset demo" in result.stderr


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("vae", "vae"),
        ("tokenizer", "tokenizer"),
        ("transformer/config.json", "transformer"),
        ("transformer/diffusion_pytorch_model.safetensors", "transformer"),
        ("scheduler", "scheduler_config.json"),
    ],
)
def test_a_checkpoint_with_a_part_missing_is_told(run, folder, tmp_path, damage, message):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    if (copy / damage).is_dir():
        shutil.rmtree(copy / damage)
    else:
        (copy / damage).unlink()
    result = run("x", "--checkpoint", copy, code=2)
    assert message in result.stderr


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder"])
def test_truncated_weights_are_told(run, folder, tmp_path, part):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (path,) = (copy / part).glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:5000])
    result = run("x", "--checkpoint", copy, code=2)
    assert "not a whole checkpoint" in result.stderr


def test_broken_weights_do_not_become_a_black_image(run, folder, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    path = copy / "transformer" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["proj_out.bias"][0] = float("nan")
    save_file(weights, path, {"format": "pt"})
    result = run("x", "-o", "x.png", "--checkpoint", copy, code=2)
    assert "no finite image" in result.stderr
    assert not (tmp_path / "x.png").exists()


def test_an_output_that_cannot_be_written_is_exit_code_four(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run("x", "-o", "file/x.png", code=4)
    assert "file" in result.stderr


def test_an_interruption_is_exit_code_130_and_keeps_what_is_drawn(run, tmp_path, monkeypatch):
    from infer.engine.engine import Engine

    def interrupted(engine, requests, at_once):
        yield Image.new("RGB", (32, 16))
        raise Interruption(signal.SIGINT)

    monkeypatch.setattr(Engine, "generate", interrupted)
    with pytest.raises(Interruption, match="run the same command again to go on") as stop:
        run("a", "b", "-o", "x.png")
    assert stop.value.code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["x-0001.png"]


@pytest.mark.parametrize("name", ["x.png", "x-sheet.png", "images/0001.png", "images/a.txt"])
def test_a_strangers_file_is_not_drawn_over(run, tmp_path, name):
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    Image.new("RGB", (4, 4)).save(mine, "PNG")
    before = mine.read_bytes()
    prompts = ("a", "b") if "sheet" in name else ("a",)
    output = mine.parent if "/" in name else "x.png"
    result = run(*prompts, "-o", output, code=2)
    assert "not written here" in result.stderr or "no run of ours wrote" in result.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_bytes() == before


def test_what_was_drawn_is_drawn_over_and_one_run_at_a_time(run, tmp_path):
    for _ in range(2):
        run("a", "b", "-o", "x.png")
    (tmp_path / "images").mkdir()
    for _ in range(2):
        run("a", "-o", "images")
    with held(str(tmp_path / "images"), "inference"):
        result = run("a", "-o", "images", code=2)
    assert "another run is writing here" in result.stderr


def test_half_precision_weights_draw_too(run, folder, tmp_path):
    from diffusers import QwenImagePipeline

    pipeline = QwenImagePipeline.from_pretrained(folder).to(torch.bfloat16)
    pipeline.save_pretrained(tmp_path / "half")
    run("hello", "-o", "x.png", "--checkpoint", tmp_path / "half")
    run("hello", "-o", "y.png")
    x, y = pixels(tmp_path / "x.png"), pixels(tmp_path / "y.png")
    assert x.std() > 1
    assert np.abs(x - y).mean() < 8  # the same image, coarser


def test_our_own_autoencoder_and_text_encoder_used_as_trained(run, tmp_path):
    """A folder as ``python -m train --preset demo`` leaves it, drawn without any option."""
    from diffusers import FlowMatchEulerDiscreteScheduler, QwenImageTransformer2DModel

    from train.autoencoders.patch_pca import PatchPcaAutoencoder
    from train.configuration import Configuration, EvaluationConfiguration
    from train.text_encoders.byte_text import ByteTextEncoder
    from train.trained_on import Captions

    torch.manual_seed(0)
    folder = tmp_path / "train" / "checkpoint-7"
    PatchPcaAutoencoder.fit([torch.rand(8, 3, 32, 32) * 2 - 1], 8, 4).save(folder)
    ByteTextEncoder(24, words=16).save(folder)
    FlowMatchEulerDiscreteScheduler(**tiny_qwen.SCHEDULER).save_pretrained(folder / "scheduler")
    QwenImageTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=1,
        joint_attention_dim=24,
        axes_dims_rope=(4, 6, 6),
    ).save_pretrained(folder / "transformer")
    (folder / "model_index.json").write_text("{}")
    (folder / "training_state").mkdir()
    seen = Captions().summary(data="x", steps=7, sizes=((24, 40), (8, 8)), columns=("caption_raw",))
    seen.write(folder)
    judged = EvaluationConfiguration(steps=3, guidance=1.5)
    configuration = Configuration(preset="demo", evaluation=judged).model_dump_json()
    (folder / "training_state" / "configuration.json").write_text(configuration)
    (tmp_path / "train" / "latest").write_text("checkpoint-7\n")
    arguments = ["--checkpoint", str(tmp_path / "train")]
    result = invoke(app, ["the word", "-o", "x.png", *arguments])
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "x.png") as image:
        assert image.size == (24, 40)
        assert (image.text["steps"], image.text["guidance"]) == ("3", "1.5")
        assert image.text["checkpoint"] == "train/checkpoint-7"
    result = invoke(app, ["the word", "--size", "20x40", *arguments])
    assert result.exit_code == 2
    assert "multiples of 8 pixels" in result.stderr


def test_png_bytes_hold_no_time_or_path(run, tmp_path):
    run("hello", "-o", "x.png")
    data = (tmp_path / "x.png").read_bytes()
    assert str(tmp_path).encode() not in data
    with Image.open(io.BytesIO(data)) as image:
        assert "exif" not in image.info
