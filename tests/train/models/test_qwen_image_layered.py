"""Our parts take images apart into layers as ``QwenImageLayeredPipeline`` does."""

import shutil
from functools import partial

import numpy as np
import pytest
import torch
from making import tiny_qwen
from making.qwen_parts import pixels
from PIL import Image
from safetensors.torch import load_file, save_file

from train import sampler
from train.autoencoders.autoencoder import load_autoencoder
from train.flow import Flow
from train.models.family import guided
from train.models.qwen_image import QwenImage, layered
from train.packing import patches
from train.pixels import scaled
from train.text_encoders import qwen_captions
from train.text_encoders.byte_text import ByteTextEncoder
from train.text_encoders.text_encoder import load_text_encoder

SIDE, STEPS, SEED, LAYERS = 64, 3, 8, 2
PROMPTS = ["a sign in front of a wall", " "]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_qwen.save_layered_pipeline(tmp_path_factory.mktemp("layered"))


@pytest.fixture(scope="module")
def pipeline(folder):
    from diffusers import QwenImageLayeredPipeline

    loaded = QwenImageLayeredPipeline.from_pretrained(folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="module")
def network(folder):
    return QwenImage().load(folder / "transformer", 16, tiny_qwen.TEXT_WIDTH)


def rgba(width, height):
    alpha = np.linspace(0, 255, width * height).reshape(height, width, 1).astype(np.uint8)
    return Image.fromarray(np.concatenate([pixels(width, height), alpha], axis=2), "RGBA")


@torch.no_grad()
@pytest.mark.parametrize(
    ("guidance", "rescaled"), [(4.0, False), (4.0, True), (1.0, False)], ids=str
)
def test_layers_are_those_of_the_pipeline(
    folder, pipeline, network, monkeypatch, guidance, rescaled
):
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_layered as theirs

    image, small = rgba(70, 40), partial(layered.size, side=SIDE)
    width, height = small(*image.size)
    monkeypatch.setattr(theirs, "calculate_dimensions", lambda *_: (width, height))
    steps = []  # for latents alone, the pipeline fails

    def watch(_pipeline, _number, _level, given):
        steps.append(given["latents"])
        return {}

    expected = pipeline(
        image,
        prompt=PROMPTS[0],
        negative_prompt=PROMPTS[1],
        true_cfg_scale=guidance,
        layers=LAYERS,
        num_inference_steps=STEPS,
        cfg_normalize=rescaled,
        generator=torch.Generator().manual_seed(SEED),
        output_type="np",
        callback_on_step_end=watch,
        callback_on_step_end_tensor_inputs=["latents"],
    ).images[0]
    autoencoder, encoder = load_autoencoder(str(folder)), load_text_encoder(str(folder))
    seen = np.array(image.resize((width, height), Image.Resampling.LANCZOS))
    latents = autoencoder.encode(scaled(seen))[0]
    texts = encoder.encode(PROMPTS[: 2 if guidance > 1 else 1])
    family = QwenImage()
    made = layered.sample(
        sampler.anew(network),
        family,
        latents,
        layered.noise(LAYERS, tuple(latents.shape), SEED),
        texts,
        steps=STEPS,
        flow=Flow(),
        guidance=guidance,
        mix=family.guide if rescaled else guided,
    )
    assert made.shape == (LAYERS, 16, height // 8, width // 8)
    tokens = torch.cat([patches.pack(each, 2) for each in made])
    assert len(steps) == STEPS
    assert torch.allclose(tokens, steps[-1][0, -len(tokens) :], atol=1e-4)
    images = layered.images(autoencoder, made)
    assert [each.mode for each in images] == ["RGBA"] * LAYERS
    assert np.abs(np.stack(images) / 255 - expected).max() < 1e-4 + 0.5 / 255
    assert (images[0].size, expected.shape) == ((width, height), (LAYERS, height, width, 4))


@torch.no_grad()
def test_captions_are_those_of_the_pipeline(folder, pipeline, tmp_path):
    encoder, image = load_text_encoder(str(folder)), rgba(64, 32).convert("RGB")
    written = []
    for english in (True, False):
        expected = pipeline.get_image_caption(image, use_en_prompt=english, device="cpu")
        written.append(qwen_captions.caption(encoder, image, english=english))
        assert written[-1] == expected and len(expected) > 99
    assert written[0] != written[1]
    assert qwen_captions.missing(encoder) == ""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "processor")
    assert "processor/" in qwen_captions.missing(load_text_encoder(str(copy)))
    weights = load_file(folder / "text_encoder" / "model.safetensors")
    del weights["lm_head.weight"]
    without = tmp_path / "without"
    shutil.copytree(folder, without)
    save_file(weights, without / "text_encoder" / "model.safetensors", {"format": "pt"})
    assert "lm_head" in qwen_captions.missing(load_text_encoder(str(without)))
    assert "writes" in qwen_captions.missing(ByteTextEncoder(8))


def test_sizes_are_those_of_the_pipeline():
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_layered import calculate_dimensions

    random = np.random.default_rng(0)
    for width, height in random.integers(20, 3000, (200, 2)).tolist():
        for side in layered.SIDES:
            expected = calculate_dimensions(side * side, width / height)
            assert layered.size(width, height, side) == expected


def test_alpha_is_seen_by_an_autoencoder_that_knows_it(folder, qwen_autoencoder):
    knowing, image = load_autoencoder(str(folder)), scaled(np.array(rgba(32, 32)))
    opaque = image.clone()
    opaque[:, 3] = 1
    assert torch.equal(knowing.encode(opaque), knowing.encode(image[:, :3]))
    assert not torch.equal(knowing.encode(image), knowing.encode(opaque))
    opacity = (image[:, 3:] + 1) / 2
    over_white = image[:, :3] * opacity + 1 - opacity
    encoded = qwen_autoencoder.encode(over_white)
    assert torch.allclose(qwen_autoencoder.encode(image), encoded, atol=1e-5)
    latents = knowing.encode(image)
    pixels = knowing.decode_with_alpha(latents)
    assert pixels.shape == image.shape
    opacity = (pixels[:, 3:] + 1) / 2
    expected = pixels[:, :3] * opacity + 1 - opacity
    assert torch.allclose(knowing.decode(latents), expected, atol=1e-6)
    assert (qwen_autoencoder.decode_with_alpha(encoded)[:, 3] == 1).all()
