"""Our parts of Qwen-Image-2.1 together generate what diffusers' pipeline does, and it runs on what
we saved.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers.pipelines.qwenimage21.pipeline_qwenimage21 import calculate_dimensions
from making.qwen_21_parts import picture

from train import families
from train.models.qwen_image_21.network import load
from train.packing.packed import Item, pack

STEPS = 3


def generated(pipeline, images, **options):
    """(A, C) latents that the pipeline ends with."""
    arguments = {"image": images, "output_resolution": 64} if images else {}
    return pipeline(
        prompt="hello",
        height=32,
        width=64,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
        **arguments,
        **options,
    ).images[0]


@pytest.mark.parametrize("count", [0, 1, 2])
@torch.no_grad()
def test_generating_by_our_parts(
    qwen_21_pipeline, qwen_21_folder, qwen_21_autoencoder, qwen_3_encoder, count
):
    images = [picture(50, 40), picture(40, 90, "RGBA")][:count]
    expected = generated(qwen_21_pipeline, images)
    processor = qwen_21_pipeline.image_processor
    resized, latents = [], []
    for image in images:
        width, height, _ = calculate_dimensions(64 * 64, image.width / image.height)
        resized.append(processor.resize(image.convert("RGBA"), height, width))
        latents.append(qwen_21_autoencoder.encode(processor.preprocess(resized[-1]))[0])
    (text,) = qwen_3_encoder.encode(["hello"], [tuple(np.asarray(each) for each in resized)])

    family = families.of_folder(qwen_21_folder)
    network = family.load(qwen_21_folder / "transformer", 4, qwen_3_encoder.width)
    noise = torch.randn(1, 1, 4, 2, 4, generator=torch.Generator().manual_seed(3))[0, 0]
    item = Item(text, noise, tuple(latents))
    sigmas = qwen_21_pipeline.scheduler.sigmas
    cache = network.prefix(pack([item], [family.order(item)], sigmas[:1], family.patch))
    tokens = noise.flatten(1).T
    for sigma, following in pairwise(sigmas):
        tokens = tokens + (following - sigma) * network.step(cache, tokens, sigma[None])
    torch.testing.assert_close(tokens, expected, rtol=1e-4, atol=1e-4)


def test_the_pipeline_draws_from_what_is_saved(qwen_21_folder, qwen_21_pipeline, tmp_path):
    from diffusers import QwenImage21Pipeline, QwenImage21Transformer2DModel

    load(qwen_21_folder / "transformer").save(tmp_path, 20_000)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    transformer = QwenImage21Transformer2DModel.from_pretrained(tmp_path)
    pipeline = QwenImage21Pipeline.from_pretrained(qwen_21_folder, transformer=transformer)
    pipeline.set_progress_bar_config(disable=True)
    assert torch.equal(generated(pipeline, []), generated(qwen_21_pipeline, []))
