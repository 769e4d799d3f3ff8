"""A training run with the real classes, from shards to a folder the real pipeline opens again."""

import json
import math
import os
from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest
import torch
from making import tiny_qwen
from making.commands import invoke
from PIL import Image

from curation import shard
from infer.__main__ import app as infer_app
from train import checkpoint_state
from train.__main__ import app as train_app

STEPS = 4  # blocks start as the identity: the first steps move only the outermost weights


def write_shard(path, count=6):
    """Images of 32x48 px with a caption each, in the shard format."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(count):
        stream = BytesIO()
        pixels = random.integers(0, 256, (48, 32, 3), np.uint8)
        Image.fromarray(pixels).save(stream, "PNG")
        data = stream.getvalue()
        caption = [{"text": f"image {number} 你好", "language": "en"}]
        rows.append(
            {
                "id": shard.content_id(data),
                "image": {"bytes": data, "path": None},
                "key": f"{number}.png",
                "width": 32,
                "height": 48,
                "format": "PNG",
                "caption_raw": caption,
                "synthetic": True,
            }
        )
    layout = shard.schema()
    batch = pa.RecordBatch.from_pylist(rows, layout)
    shard.write(str(path), [batch], layout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(base folder of real parts, output of ``python -m train``) after a few steps."""
    root = tmp_path_factory.mktemp("training")
    base = tiny_qwen.save_pipeline(root / "base")
    write_shard(root / "shards" / "part-0.parquet")
    (root / "qwen.yaml").write_text(
        f"""
batch: 3
phases: []
precision: fp32
device: cpu
autoencoder: {{kind: qwen, path: {base}}}
text_encoder: {{kind: qwen, path: {base}}}
data: {{resolution: 0, held_out: 0.25}}
model: {{layers: 2, heads: 2, head_width: 16, rope_axes: [4, 6, 6]}}
optimiser: {{kind: muon, learning_rate: 0.01, muon_learning_rate: 0.01, warmup: 0}}
evaluation: {{every: 1, images: 2, steps: 2, guidance: 4.0, batch: 2, grid: 2}}
checkpoint: {{every: 1, keep: 2}}
""",
        "utf-8",
    )
    arguments = ["--preset", "qwen-image", "--config", str(root / "qwen.yaml")]
    arguments += ["--data", str(root / "shards"), "--out", str(root / "out")]
    result = invoke(train_app, [*arguments, "--steps", str(STEPS), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["step"] == STEPS
    assert math.isfinite(told["loss"])
    return base, root / "out"


def test_the_checkpoint_opens_in_the_real_pipeline_and_draws(trained):
    from diffusers import QwenImagePipeline

    base, out = trained
    folder = out / f"checkpoint-{STEPS}"
    pipeline = QwenImagePipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("hello", num_inference_steps=2, width=32, height=48, output_type="np").images
    assert np.isfinite(image).all()
    # The shipped scheduler's values survive, and the frozen parts are those of the base folder.
    scheduler = pipeline.scheduler.config
    assert {name: scheduler[name] for name in tiny_qwen.SCHEDULER} == tiny_qwen.SCHEDULER
    before = QwenImagePipeline.from_pretrained(base)
    for name in ("vae", "text_encoder"):
        old, new = getattr(before, name).state_dict(), getattr(pipeline, name).state_dict()
        assert old.keys() == new.keys()
        assert all(torch.equal(old[key], new[key]) for key in old)
        (weights,) = (path.name for path in (base / name).glob("*.safetensors"))
        assert os.path.samefile(base / name / weights, folder / name / weights)


def test_weights_moved_and_only_those_of_the_transformer(trained):
    _, out = trained
    one, two = (
        checkpoint_state.read(out / f"checkpoint-{step}" / "training_state", "raw.")
        for step in (STEPS - 1, STEPS)
    )
    assert all(name.startswith("transformer.") for name in one)
    assert sum(not torch.equal(one[name], two[name]) for name in one) > len(one) / 2


def test_our_sampler_draws_the_trained_folder_as_the_pipeline_does(trained, tmp_path):
    from diffusers import QwenImagePipeline

    _, out = trained
    pipeline = QwenImagePipeline.from_pretrained(out / f"checkpoint-{STEPS}")
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        "image 你好",
        negative_prompt="",
        num_inference_steps=3,
        width=32,
        height=48,
        generator=torch.Generator().manual_seed(2),
    ).images[0]
    # Neither checkpoint nor size is spelled out: the output's latest, the size trained at.
    arguments = ["--checkpoint", str(out), "--steps", "3", "--seed", "2"]
    result = invoke(infer_app, ["image 你好", "-o", str(tmp_path / "x.png"), *arguments])
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "x.png") as image:
        drawn = np.asarray(image).astype(int)
    assert np.abs(np.asarray(expected).astype(int) - drawn).max() <= 1
