"""A residual autoencoder trained from scratch by the command, with alignment; and a generator on
its latents.
"""

import json
from io import BytesIO

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from making import training_shards as shards
from making.training_runs import losses, tensors, train, train_killed
from PIL import Image
from safetensors.torch import load_file
from torch.nn.functional import adaptive_avg_pool2d

from train import alignment
from train.autoencoders.autoencoder import load_autoencoder
from train.pixels import scaled

SCRATCH = """
steps: 10
batch: 6
autoencoder:
  kind: residual
  residual:
    {channels: 6, base: 4, decoder_base: 4, multipliers: [1, 2, 2], blocks: 1, alpha: false}
objective:
  name: reconstruction
  trained: TRAINED
  terms: [pixels, {name: gradient, weight: 0.5}, kl, ALIGNED]
data: {resolution: 0, tasks: {i2i: 1}, held_out: 0.2}
optimiser: {learning_rate: 2e-3, warmup: 2, decay: 0.3}
evaluation: {every: 5, images: 6, grid: 4, evaluators: [reconstructions], gradients: false}
checkpoint: {every: 4}
log_every: 2
ema: {decay: 0.8}
"""
ALIGNED = "{name: semantic_alignment, later: [{since: 6, weight: 0.1}]}"
GENERATOR = """
steps: 2
batch: 4
data: {sizes: [], held_out: 0.2}
autoencoder: AUTOENCODER
text_encoder: {width: 16}
model: {name: qwen_image_21, layers: 1, heads: 1, head_width: 16, rope_axes: [4, 6, 6]}
evaluation: {every: 2, images: 2, steps: 2, grid: 2, gradients: false}
"""
WEIGHTS = "vae/diffusion_pytorch_model.safetensors"


class Colours:
    """A teacher that sees the mean colours of squares of 4 pixels."""

    width, stride = 3, 4

    def __call__(self, pixels):
        return adaptive_avg_pool2d(pixels, [side // 4 for side in pixels.shape[2:]])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """(folder, pattern) of shards."""
    folder = tmp_path_factory.mktemp("data")
    return folder, shards.write_all(folder)


@pytest.fixture(autouse=True)
def teacher(monkeypatch):
    monkeypatch.setattr(alignment, "encoder", lambda *_: Colours())


@pytest.fixture(scope="module")
def scratch(data, tmp_path_factory):
    """What is run, and its output, undisturbed."""
    place = tmp_path_factory.mktemp("scratch")
    (place / "scratch.yaml").write_text(
        SCRATCH.replace("TRAINED", "both").replace("ALIGNED", ALIGNED)
    )
    asked = (*data, place / "scratch.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "encoder", lambda *_: Colours())
        result = train(asked, place / "out", "--preset", "residual")
    return asked, place / "out", result


def test_it_learns_from_scratch_and_each_term_is_logged(scratch):
    _, out, result = scratch
    assert "M parameters of an autoencoder (both), fp32" in result.stderr
    lines = [json.loads(line) for line in (out / "metrics.jsonl").open()]
    terms = {"term/pixels", "term/gradient", "term/kl", "term/semantic_alignment"}
    assert all(terms < line["groups"].keys() for line in lines)
    assert lines[-1]["groups"]["term/pixels"] < lines[0]["groups"]["term/pixels"]
    judged = [json.loads(line) for line in (out / "evaluations.jsonl").open()]
    assert judged[-1]["held_out_psnr"] > 3
    assert (out / "samples/step-000010.png").is_file()


@pytest.mark.drill
def test_killed_it_ends_in_the_same_bytes(scratch, tmp_path):
    asked, out, _ = scratch
    again = tmp_path / "again"
    train_killed(asked, again, 7, "--preset", "residual")
    assert "after step 4" in train(asked, again, "--preset", "residual").stderr
    assert losses(out) == losses(again)
    for name in (WEIGHTS, "vae/config.json"):
        assert (out / "checkpoint-10" / name).read_bytes() == (
            again / "checkpoint-10" / name
        ).read_bytes()
    mine, other = tensors(out / "checkpoint-10"), tensors(again / "checkpoint-10")
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_diffusers_reads_it_and_its_latents_are_normalised(scratch):
    from diffusers import AutoencoderKLQwenImage21

    (folder, _, _), out, _ = scratch
    place = out / "checkpoint-10"
    model, said = AutoencoderKLQwenImage21.from_pretrained(place / "vae", output_loading_info=True)
    assert not any(said.values())
    assert load_file(place / WEIGHTS).keys() == model.state_dict().keys()
    own = load_autoencoder(str(place))
    stored = pq.read_table(folder / "part-00000.parquet")["image"].to_pylist()
    wide = [np.array(Image.open(BytesIO(each["bytes"])).convert("RGB")) for each in stored]
    latents = torch.cat([own.encode(scaled(each)) for each in wide])
    assert float(latents.mean((0, 2, 3)).abs().max()) < 2
    assert np.all(np.abs(np.log2(latents.std((0, 2, 3)).numpy())) < 2)


def test_a_generator_trains_on_its_latents(scratch, data, tmp_path):
    _, out, _ = scratch
    config = tmp_path / "generator.yaml"
    autoencoder = f"{{kind: qwen, path: {out / 'checkpoint-10'}}}"
    config.write_text(GENERATOR.replace("AUTOENCODER", autoencoder))
    train((*data, config), tmp_path / "generator", "--preset", "nano")
    mine = tmp_path / "generator/checkpoint-2"
    assert (mine / WEIGHTS).read_bytes() == (out / "checkpoint-10" / WEIGHTS).read_bytes()
    config.write_text(GENERATOR.replace("AUTOENCODER", "{kind: residual}"))
    said = train((*data, config), tmp_path / "random", "--preset", "nano", code=2).stderr
    assert "autoencoder.kind: residual has random weights: train it by --preset" in said


def test_a_decoder_of_a_random_encoder_is_not_trained(data, tmp_path):
    config = tmp_path / "wrong.yaml"
    config.write_text(SCRATCH.replace("TRAINED", "decoder").replace(", kl, ALIGNED", ""))
    said = train((*data, config), tmp_path / "out", "--preset", "residual", code=2).stderr
    assert "the encoder is random too: expected both" in said


def test_the_plan_counts_a_network_that_is_not_there(data, tmp_path):
    """On the meta device: weights of the published size would take seconds and 1.2 GiB."""
    config = tmp_path / "published.yaml"
    config.write_text("data: {resolution: 16}")
    said = train((*data, config), tmp_path / "out", "--preset", "residual", "--plan").stdout
    assert "AutoencoderKLQwenImage21: 330,987,188 parameters" in said
    assert not (tmp_path / "out").exists()
