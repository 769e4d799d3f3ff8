"""The real autoencoder agrees with diffusers' pipeline, on tiny random weights."""

import pytest
import torch

from train.packing import patches


def test_latents_equal_the_pipelines_own(qwen_folder, qwen_autoencoder):
    from diffusers import QwenImageImg2ImgPipeline

    pipeline = QwenImageImg2ImgPipeline.from_pretrained(qwen_folder)
    pixels = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    five = pixels.unsqueeze(2)
    sampled = pipeline._encode_vae_image(five, torch.Generator().manual_seed(5))
    assert torch.equal(
        qwen_autoencoder.encode(pixels, torch.Generator().manual_seed(5)), sampled[:, :, 0]
    )
    latents = qwen_autoencoder.encode(pixels)
    assert latents.shape == (2, qwen_autoencoder.channels, 4, 6)
    assert torch.equal(latents, qwen_autoencoder.encode(pixels))
    # The mode is the centre of the samples, normalised like them.
    mean = pipeline.vae.encode(five).latent_dist.mode()[:, :, 0]
    statistics = pipeline.vae.config
    for channel, (centre, deviation) in enumerate(
        zip(statistics.latents_mean, statistics.latents_std, strict=True)
    ):
        expected = (mean[:, channel] - centre) / deviation
        assert torch.allclose(latents[:, channel], expected, atol=1e-6)


def test_decoding_equals_the_pipelines(qwen_pipeline, qwen_autoencoder):
    arguments = {"prompt": "hello", "num_inference_steps": 2, "height": 32, "width": 64}
    packed = qwen_pipeline(
        **arguments, generator=torch.Generator().manual_seed(3), output_type="latent"
    ).images
    image = qwen_pipeline(
        **arguments, generator=torch.Generator().manual_seed(3), output_type="pt"
    ).images
    pixels = qwen_autoencoder.decode(patches.unpack(packed[0], 2, 4, 8)[None])
    assert pixels.shape == (1, 3, 32, 64)
    assert torch.equal((pixels / 2 + 0.5).clamp(0, 1), image)


def test_a_size_that_is_no_multiple_is_refused(qwen_autoencoder):
    with pytest.raises(ValueError, match="36x32 px is no multiple of 8"):
        qwen_autoencoder.encode(torch.zeros(1, 3, 32, 36))
