"""Training with the real parts: AutoencoderKLQwenImage and Qwen2.5-VL, tiny and random."""

import json

import numpy as np
import pytest
import torch
from diffusers import QwenImagePipeline
from making import tiny_qwen
from making import training_shards as shards
from making.commands import invoke
from making.sampling import of_checkpoint

from train.__main__ import app
from train.checkpoint import load_for_inference
from train.text_encoders.byte_text import ByteTextEncoder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The real parts as loaded, and a checkpoint of a small network trained on top of them."""
    folder = tmp_path_factory.mktemp("real")
    parts = tiny_qwen.save_pipeline(folder / "parts")
    shards.write(folder / "part-00000.parquet", shards.rows(24))
    (folder / "real.yaml").write_text(
        f"""
steps: 3
phases: []
batch: 4
precision: fp32
data: {{held_out: 0.2, resolution: 0, sizes: [32x32], resize: true}}
autoencoder: {{path: {parts / "vae"}}}
text_encoder: {{path: {parts / "text_encoder"}}}
model: {{layers: 1, heads: 1, head_width: 16, rope_axes: [4, 6, 6]}}
optimiser: {{warmup: 0, learning_rate: 0.01}}
evaluation: {{images: 2, steps: 2, grid: 2}}
"""
    )
    arguments = ["--preset", "qwen-image", "--config", str(folder / "real.yaml"), "--json"]
    arguments += ["--data", str(folder / "part-*.parquet"), "--out", str(folder / "out")]
    result = invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return parts, folder / "out" / "checkpoint-3", json.loads(result.stdout)


def test_the_checkpoint_opens_as_a_qwen_image_pipeline_and_draws_the_same(trained):
    _, folder, told = trained
    assert told["held_out_accuracy"] is None  # scaled images have no glyph boxes
    pipeline = QwenImagePipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        "ink",
        negative_prompt="",
        true_cfg_scale=4.0,
        num_inference_steps=3,
        width=32,
        height=32,
        generator=torch.Generator().manual_seed(6),
        output_type="np",
    ).images[0]
    loaded = load_for_inference(folder)
    latents = of_checkpoint(loaded, ["ink"], (16, 4, 4), steps=3, guidance=4.0, seeds=[6])
    ours = (loaded.autoencoder.decode(latents)[0] / 2 + 0.5).permute(1, 2, 0).numpy()
    assert np.isfinite(theirs).all()
    assert theirs.std() > 0.01
    assert np.abs(theirs - ours).max() < 1e-3


def test_only_the_network_was_trained(trained):
    parts, folder, _ = trained
    for name in ("vae", "text_encoder"):
        for path in (parts / name).glob("*.safetensors"):
            assert path.read_bytes() == (folder / name / path.name).read_bytes()
    assert not isinstance(load_for_inference(folder).text_encoder, ByteTextEncoder)
