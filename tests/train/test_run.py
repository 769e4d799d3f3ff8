"""Whole runs of ``python -m train``: learning, checkpoints, exact resume, and mistakes told."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from making import training_shards as shards
from making.commands import invoke
from making.places import ROOT
from making.sampling import of_checkpoint
from making.training_runs import assert_same_run, losses, train
from PIL import Image

from train import checkpoint, checkpoint_folder, configuration_file, precision, settling
from train.__main__ import app
from train.checkpoint import load_for_inference

pytestmark = pytest.mark.slow


def test_a_run_learns_and_leaves_everything(tiny, undisturbed):
    out, result = undisturbed
    _, pattern, _ = tiny
    curve = losses(out)
    assert len(curve) == 40
    assert sum(curve[-5:]) < 0.8 * sum(curve[:5])
    told = json.loads(result.stdout)
    assert told == json.loads((out / "result.json").read_text())
    assert told["step"] == 40
    assert 0 <= told["held_out_accuracy"] <= told["held_out_ceiling"] <= 1
    lines = result.stderr.splitlines()
    assert lines[:3] == [
        f"indexing 180 rows in 2 files: {pattern}",
        "fitting the autoencoder on 117 images",
        "reading and encoding 63 images for evaluations",
    ]
    assert "bucket 32x16: 73 images" in lines
    assert any(
        re.fullmatch(
            r"step 10/40  loss  \d\.\d{4}  grad_norm +\d+\.\d{3}  +\d+ images/s"
            r"  MFU +\d+\.\d %  +\d+\.\d\d GiB   0:00:\d\d left",
            line,
        )
        for line in lines
    )
    assert len({len(line) for line in lines if line.startswith("step ") and "GiB" in line}) == 1
    assert [path.name for path in sorted(out.glob("checkpoint-*"))] == [
        "checkpoint-29",  # the last before the learning rate falls
        "checkpoint-35",
        "checkpoint-40",
    ]
    assert (out / "latest").read_text() == "checkpoint-40\n"
    with Image.open(told["samples"]) as grid:
        assert grid.width > 192
    held = (out / "held_out_captions.txt").read_text().splitlines()
    assert len(held) == len(set(held)) > 10
    assert not [path for path in out.rglob("*") if path.suffix in {".pkl", ".pt", ".bin", ".ckpt"}]


def test_curves_and_sample_grids_are_in_tensorboard(undisturbed):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out, _ = undisturbed
    board = EventAccumulator(str(out / "tensorboard")).Reload()
    points = board.Scalars("train/loss")
    assert [point.step for point in points] == list(range(5, 41, 5))
    curve = losses(out)
    assert [point.value for point in points] == pytest.approx(curve[4::5])
    means = [json.loads(line)["groups"]["task/t2i"][0] for line in (out / "metrics.jsonl").open()]
    points = [point.value for point in board.Scalars("loss/task/t2i")]
    assert points == pytest.approx([sum(means[n : n + 5]) / 5 for n in range(0, 40, 5)])
    wanted = {"train/grad_norm", "train/images_per_second", "train/mfu", "evaluation/held_out_loss"}
    assert wanted <= set(board.Tags()["scalars"])
    lines = [json.loads(line) for line in (out / "gradients.jsonl").open()]
    assert [line.pop("step") for line in lines] == [20, 40]
    for line in lines:
        assert {group.split("/")[0] for group in line} == {"noise", "size"}  # the rest has a kind
    points = [point.value for point in board.Scalars("grad_norm/size/32x16")]
    assert points == pytest.approx([line["size/32x16"] for line in lines])
    assert [image.step for image in board.Images("samples")] == [20, 40]


def test_a_checkpoint_draws_and_has_the_diffusers_layout(undisturbed):
    out, _ = undisturbed
    loaded = load_for_inference(out)
    index = json.loads((out / "checkpoint-40" / "model_index.json").read_text())
    assert index["transformer"] == ["diffusers", "QwenImageTransformer2DModel"]
    assert index["autoencoder"] == ["patch_pca", "PatchPcaAutoencoder"]
    assert loaded.configuration.steps == 40
    assert checkpoint.read_progress(out / "checkpoint-40").sizes == ((32, 16), (48, 16))
    shape = (loaded.autoencoder.channels, 2, 4)
    for steps, guidance in ((1, 1.0), (3, 4.0)):
        latents = of_checkpoint(
            loaded, [shards.caption("AE", "red")], shape, steps=steps, guidance=guidance, seeds=[1]
        )
        pixels = loaded.autoencoder.decode(latents)
        assert pixels.shape == (1, 3, 16, 32)
        assert pixels.isfinite().all()
    raw = load_for_inference(out / "checkpoint-40", ema=False)
    assert not torch.equal(raw.transformer.out.weight, loaded.transformer.out.weight)
    assert not torch.equal(raw.text_encoder.token.weight, loaded.text_encoder.token.weight)


def test_a_finished_run_is_not_repeated(tiny, undisturbed):
    out, first = undisturbed
    before = (out / "latest").stat().st_mtime_ns
    again = train(tiny, out, "--json")
    assert json.loads(again.stdout) == json.loads(first.stdout)
    assert "is finished at step 40: nothing to do" in again.stderr
    assert (out / "latest").stat().st_mtime_ns == before


def test_a_finished_run_says_that_other_data_is_not_what_it_was_trained_on(
    tiny, undisturbed, tmp_path
):
    out, first = undisturbed
    shards.write(tmp_path / "other.parquet", shards.rows(20, seed=9))
    other = train((tmp_path, str(tmp_path / "*.parquet"), tiny[2]), out, code=2).stderr
    assert f"--data: not the images that {out} was trained on; give it the same" in other
    assert json.loads((out / "result.json").read_text()) == json.loads(first.stdout)


def test_another_seed_is_another_curve(tiny, undisturbed, tmp_path):
    train(tiny, tmp_path / "out", seed=5, steps=2)
    assert losses(tmp_path / "out") != losses(undisturbed[0])[:2]


def start(tiny, out):
    _, pattern, config = tiny
    command = [sys.executable, "-m", "train", "--data", pattern, "--out", str(out)]
    return subprocess.Popen(
        [*command, "--config", str(config), "--threads", "1"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_lines(process, path, count):
    """Until the curve has so many lines; false if the process ended before."""
    while process.poll() is None:
        if path.is_file() and path.read_bytes().count(b"\n") >= count:
            return True
        time.sleep(0.002)
    return False


def test_killed_and_interrupted_at_random_steps_it_ends_in_the_same_bits(
    tiny, undisturbed, tmp_path
):
    """kill -9, Control-C, then let it end: two processes more than the undisturbed run had."""
    chance = random.Random()
    out = tmp_path / "out"
    for number, low, high in ((signal.SIGKILL, 1, 14), (signal.SIGINT, 15, 24)):
        at = chance.randint(low, high)
        process = start(tiny, out)
        assert wait_for_lines(process, out / "metrics.jsonl", at), process.communicate()[1]
        process.send_signal(number)
        told = process.communicate()[1]
        done = len(losses(out))
        assert at <= done < 40 and not (out / "result.json").exists(), at
        if number == signal.SIGKILL:
            assert process.returncode == -signal.SIGKILL, at
            with (out / "metrics.jsonl").open("a") as stream:
                stream.write('{"step": 39, "lo')  # a torn line, as a crash may leave
    assert process.returncode == 130, told
    assert told.splitlines()[-1] == "train: interrupted; run the same command again to go on"
    assert "Traceback" not in told
    assert (out / "latest").read_text() == f"checkpoint-{done}\n"
    train(tiny, out)
    assert_same_run(out, undisturbed[0])


def test_a_full_disk_keeps_the_checkpoint_before(tiny, undisturbed, tmp_path, monkeypatch):
    out = tmp_path / "out"
    shutil.copytree(undisturbed[0], out)
    (out / "result.json").unlink()
    (out / "latest").write_text("checkpoint-35\n")
    shutil.rmtree(out / "checkpoint-40")

    def full(*_arguments, **_named):
        raise OSError(28, "No space left on device", "weights")

    monkeypatch.setattr("safetensors.torch.save", full)
    result = train(tiny, out, code=4)
    assert "train: weights: No space left on device" in result.stderr
    assert checkpoint_folder.latest(out) == out / "checkpoint-35"
    assert not (out / "checkpoint-40").exists()
    monkeypatch.undo()
    train(tiny, out)
    assert_same_run(out, undisturbed[0])


def test_a_run_is_only_continued_as_what_it_is(tiny, undisturbed, tmp_path):
    folder, _, _ = tiny
    out = undisturbed[0]
    result = train(tiny, out, seed=9, code=2)
    assert "holds a run with seed 0, not 9" in result.stderr
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    (copy / "result.json").unlink()
    other = tmp_path / "other"
    shards.write_all(other, 90)
    shutil.copy(folder / "tiny.yaml", tmp_path)
    moved = (other, str(other / "part-*.parquet"), tmp_path / "tiny.yaml")
    result = train(moved, copy, code=2)
    assert "--data: not the images that" in result.stderr


def write_config(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepss: 4", "bad.yaml:1: unknown key 'stepss': did you mean 'steps'"),
        (
            "steps: 4\nmodel:\n  heads: 2\n  leyers: 1",
            "bad.yaml:4: unknown key 'model.leyers': expected one of attention, head_width",
        ),
        ("ema: {decay: 1.5}", "bad.yaml:1: 'ema.decay': expected it to be less than 1, found 1.5"),
        (
            "data:\n  captions: [caption_rwa]",
            "bad.yaml:2: 'data.captions': expected 'caption_recaption', 'caption_fused' or",
        ),
        (
            "optimiser:\n  kind: sgd",
            "bad.yaml:2: 'optimiser.kind': expected 'adamw' or 'muon', found the text 'sgd'",
        ),
        ("steps: 4\nsteps: 5", "bad.yaml:2: duplicate key 'steps': first given on line 1"),
        ("model: &a {layers: 1}\nflow: *a", "bad.yaml:1: anchors (&a) are not allowed"),
        ("- steps", "bad.yaml:1: the file: expected a mapping, found a list"),
        ("data: {sizes: [64]}", "'data.sizes[0]': expected text, found 64"),
        (
            "data: {sizes: [64x]}",
            "'data.sizes[0]': expected WIDTHxHEIGHT such as 64x32, found '64x'",
        ),
        ("steps: [", "bad.yaml:1: not readable as YAML"),
        ("steps: no", "bad.yaml:1: 'steps': expected a whole number, found the text 'no'"),
        ("model: 3", "bad.yaml:1: 'model': expected a mapping, found 3"),
        ("preset: x", "bad.yaml:1: 'preset': chosen by --preset alone"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_line(tmp_path, text, message):
    path = write_config(tmp_path, text)
    arguments = ["--data", "x", "--out", str(tmp_path / "out"), "--config", str(path)]
    result = invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--preset", "demmo"],
            2,
            "small; did you mean 'demo'?",
        ),
        (["--data", "nowhere/*.parquet"], 2, "nowhere/*.parquet: no .parquet file matches"),
        (["--out", "file/below"], 4, "Not a directory"),
        (["--config", "absent.yaml"], 2, "absent.yaml: no such file: name an existing one"),
        (["--preset", "qwen-image"], 2, "Qwen-Image/vae"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    tiny, tmp_path, monkeypatch, arguments, code, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    given = ["--data", tiny[1], "--out", "out", *arguments]
    result = invoke(app, given)
    assert result.exit_code == code, result.output
    assert not (tmp_path / "out").exists()
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_damaged_shard_is_named(tiny, tmp_path):
    folder, _, config = tiny
    for path in folder.glob("*.parquet"):
        shutil.copy(path, tmp_path)
    path = tmp_path / "part-00000.parquet"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    result = train((tmp_path, str(tmp_path / "*.parquet"), config), tmp_path / "out", code=4)
    assert "part-00000.parquet: row group 0" in result.stderr


def test_settings_are_shown_without_training():
    result = invoke(app, ["--preset", "qwen-image", "--show"])
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert shown["model"]["layers"] == 60
    assert shown["model"]["heads"] * shown["model"]["head_width"] == 3072
    result = invoke(app, ["--show", "--steps", "7", "--seed", "8"])
    assert (json.loads(result.stdout)["steps"], json.loads(result.stdout)["seed"]) == (7, 8)
    assert "expected --data and --out" in invoke(app, []).stderr


def test_settings_cannot_be_changed_and_scientific_numbers_are_numbers(tmp_path):
    path = write_config(tmp_path, "optimiser: {learning_rate: 1e-4, clip: 2}\n")
    found = configuration_file.resolve("demo", path, steps=None, seed=3)
    assert found.optimiser.learning_rate == 1e-4
    assert found.optimiser.kind == "muon"  # the rest stays the preset's
    assert found.seed == 3
    with pytest.raises(ValueError, match="frozen"):
        found.steps = 4
    assert configuration_file.shipped("demo").seed == 0


def test_the_presets_build_what_they_say():
    demo = configuration_file.shipped("demo")
    network = demo.model.build(demo.autoencoder.channels, demo.text_encoder.width)
    assert 2.4e6 < sum(weight.numel() for weight in network.parameters()) < 2.6e6
    assert network.config.in_channels == 4 * demo.autoencoder.channels
    with torch.device("meta"):
        large = configuration_file.shipped("qwen-image").model.build(16, 3584)
    count = sum(weight.numel() for weight in large.parameters())
    assert count == 20_430_401_088  # of the published checkpoint


def test_precision_follows_the_hardware_and_the_run_it_continues(undisturbed, monkeypatch):
    demo = configuration_file.shipped("demo").model_copy(update={"device": "cpu"})
    for has_matrix_units, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda has=has_matrix_units: has)
        assert settling.settled(demo, None).precision == expected
    found = undisturbed[0] / "checkpoint-40"
    before = checkpoint.read_configuration(found)
    again = before.model_copy(update={"precision": "auto"})
    assert settling.settled(again, found).precision == "fp32"
    assert precision.autocast("cpu", "fp32")._enabled is False
