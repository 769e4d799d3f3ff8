"""The autoencoder of 2.1 agrees with diffusers' pipeline, on tiny random weights."""

import pytest
import torch


def random_pixels(channels):
    return torch.rand(2, channels, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("channels", [3, 4])
def test_latents_equal_the_pipelines_own(qwen_21_pipeline, qwen_21_autoencoder, channels):
    pixels = random_pixels(channels)
    opaque = torch.cat([pixels, torch.ones(2, 1, 32, 48)], dim=1)[:, :4]
    with torch.no_grad():
        expected = qwen_21_pipeline._encode_vae_image(opaque.unsqueeze(2), None)[:, :, 0]
    assert (qwen_21_autoencoder.channels, qwen_21_autoencoder.factor) == (4, 16)
    assert torch.equal(qwen_21_autoencoder.encode(pixels), expected)


def test_alpha_is_seen(qwen_21_autoencoder):
    pixels = random_pixels(3)
    clear = torch.cat([pixels, -torch.ones(2, 1, 32, 48)], dim=1)
    encode = qwen_21_autoencoder.encode
    assert not torch.allclose(encode(clear), encode(pixels))


def test_a_sample_is_around_the_mode(qwen_21_autoencoder):
    pixels = random_pixels(3)
    first, again = (
        qwen_21_autoencoder.encode(pixels, torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, qwen_21_autoencoder.encode(pixels))


def test_decoding_equals_the_pipelines(qwen_21_pipeline, qwen_21_autoencoder):
    arguments = {"prompt": "hello", "num_inference_steps": 2, "height": 32, "width": 64}
    images = {
        kind: qwen_21_pipeline(
            **arguments, generator=torch.Generator().manual_seed(3), output_type=kind
        ).images
        for kind in ("latent", "pt")
    }
    latents = images["latent"].transpose(1, 2).unflatten(2, (2, 4))
    pixels = qwen_21_autoencoder.decode_with_alpha(latents)
    assert pixels.shape == (1, 4, 32, 64)
    assert torch.equal((pixels / 2 + 0.5).clamp(0, 1), images["pt"])
    colours, opacity = images["pt"][:, :3], images["pt"][:, 3:]
    assert float(opacity.min()) < 0.8
    over_white = colours * opacity + (1 - opacity)
    torch.testing.assert_close(qwen_21_autoencoder.decode(latents) / 2 + 0.5, over_white)


def test_a_size_that_is_no_multiple_is_refused(qwen_21_autoencoder):
    with pytest.raises(ValueError, match="40x32 px is no multiple of 16"):
        qwen_21_autoencoder.encode(torch.zeros(1, 3, 32, 40))


def test_saved_it_is_linked_and_loads_again(qwen_21_autoencoder, tmp_path):
    from train.autoencoders.autoencoder import load_autoencoder

    assert qwen_21_autoencoder.save(tmp_path) == {"vae": ("diffusers", "AutoencoderKLQwenImage21")}
    pixels = random_pixels(4)
    again = load_autoencoder(str(tmp_path))
    assert torch.equal(again.encode(pixels), qwen_21_autoencoder.encode(pixels))
