"""Our parts edit images as ``diffusers.QwenImageEditPlusPipeline`` does: encoder, autoencoder,
network and sampler together, from images to latents.
"""

import numpy as np
import pytest
import torch
from diffusers import QwenImageEditPlusPipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as theirs
from making import tiny_qwen
from making.qwen_parts import pixels
from PIL import Image

from curation.picture import sizes
from infer.engine.engine import Engine
from infer.engine.request import Request, Settings
from infer.inputs import Inputs
from train.packing import patches
from train.text_encoders.qwen_templates import EDIT_PLUS, Edits

STEPS, SEED, GUIDANCE, SIDE = 3, 3, 2.0, 64  # SIDE: 384 and 1024 would take a while


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "zero_cond_t"])
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("edit")
    return tiny_qwen.save_edit_pipeline(path, EDIT_PLUS.pipeline, zero_cond_t=request.param)


@pytest.fixture(scope="module")
def pipeline(folder):
    loaded = QwenImageEditPlusPipeline.from_pretrained(folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="module")
def engine(folder):
    loaded = Engine.load(folder, "cpu")
    loaded.text_encoder.edits = Edits(EDIT_PLUS.pipeline, EDIT_PLUS.label, SIDE)
    return loaded


@pytest.mark.parametrize("count", [1, 2])
def test_latents_are_those_of_the_pipeline(folder, pipeline, engine, monkeypatch, count):
    for name in ("CONDITION_IMAGE_SIZE", "VAE_IMAGE_SIZE"):
        monkeypatch.setattr(theirs, name, SIDE * SIDE)
    images = [pixels(50, 40), pixels(40, 90)][:count]
    expected = pipeline(
        image=[Image.fromarray(each) for each in images],
        prompt="make it red",
        negative_prompt="blur",
        true_cfg_scale=GUIDANCE,
        height=32,
        width=48,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(SEED),
        output_type="latent",
    ).images

    cut = [Image.fromarray(each).resize(_size(each), Image.Resampling.LANCZOS) for each in images]
    inputs = Inputs(tuple(map(np.array, cut)), tuple(images), (48, 32))
    settings = Settings(48, 32, STEPS, GUIDANCE, "blur")
    (latents,) = engine.latents([Request("make it red", SEED, settings, inputs)])
    torch.testing.assert_close(
        patches.pack(latents, engine.family.patch), expected[0], rtol=1e-4, atol=1e-4
    )


def _size(image):
    return sizes.of_ratio(SIDE, image.shape[1] / image.shape[0], 32)


def test_the_command_gives_the_pipelines_image(folder, pipeline, engine, monkeypatch):
    for name in ("CONDITION_IMAGE_SIZE", "VAE_IMAGE_SIZE"):
        monkeypatch.setattr(theirs, name, SIDE * SIDE)
    image = pixels(64, 64)
    expected = pipeline(
        image=Image.fromarray(image),
        prompt="make it red",
        true_cfg_scale=1.0,
        height=64,
        width=64,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(SEED),
    ).images[0]
    inputs = Inputs((image,), (image,), (64, 64))
    settings = Settings(64, 64, STEPS, guidance=1.0)
    (made,) = engine.generate([Request("make it red", SEED, settings, inputs)])
    assert np.abs(np.asarray(made).astype(int) - np.asarray(expected)).max() <= 1
