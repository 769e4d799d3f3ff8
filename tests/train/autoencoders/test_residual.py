"""The residual autoencoder of random weights: the published class, its shortcuts the stated
functions, with and without alpha.
"""

import numpy as np
import pytest
import torch

from curation.failures.errors import UsageError
from train.autoencoders import residual
from train.autoencoders.one_frame import OneFrame
from train.tuning import ResidualConfiguration

SMALL = {"channels": 4, "base": 4, "decoder_base": 6, "blocks": 1}


def built(**changes):
    torch.manual_seed(1)
    return residual.build(ResidualConfiguration(**SMALL | changes))


@pytest.fixture(scope="module")
def network():
    return built().trainable(encoder=True)


def mean_of_consecutive(pixels, channels, times):
    """Space to channels, of which groups that follow one another have one mean, in plain loops;
    ``times`` 2 puts an empty frame before the one that is there.
    """
    own, height, width = pixels.shape
    spread = []
    for channel in range(own):
        for time in range(times):
            for down in range(2):
                for across in range(2):
                    cut = pixels[channel, down::2, across::2]
                    spread.append(cut if time == times - 1 else np.zeros_like(cut))
    size = len(spread) // channels
    groups = [spread[start : start + size] for start in range(0, len(spread), size)]
    out = np.stack([np.mean(group, axis=0) for group in groups])
    assert out.shape == (channels, height // 2, width // 2)
    return out


def repeated_to_space(maps, channels, times):
    """Channels repeated, and channels to space, in plain loops; of two times the second is kept."""
    own, height, width = maps.shape
    repeats = channels * times * 4 // own
    out = np.zeros((channels, 2 * height, 2 * width))
    for channel in range(channels):
        for down in range(2):
            for across in range(2):
                place = ((channel * times + times - 1) * 2 + down) * 2 + across
                out[channel, down::2, across::2] = maps[place // repeats]
    return out


def random_maps(channels):
    return torch.randn(1, channels, 1, 4, 6, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("level", "times"), [(0, 1), (1, 2), (2, 2), (3, 2)])
def test_a_way_down_adds_means_of_consecutive_channels(network, level, times):
    shortcut = network.encoder.down_blocks[level].avg_shortcut
    maps = random_maps(shortcut.in_channels)
    got = shortcut(maps)[0, :, 0].numpy()
    expected = mean_of_consecutive(maps[0, :, 0].numpy(), shortcut.out_channels, times)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)
    silent = [float(np.abs(channel).max()) == 0 for channel in got]
    if shortcut.out_channels == 2 * shortcut.in_channels and times == 2:
        assert silent == [True, False] * shortcut.in_channels
    else:
        assert not any(silent)


@pytest.mark.parametrize(("level", "times"), [(0, 2), (1, 2), (2, 2), (3, 1)])
def test_a_way_up_adds_repeated_channels(network, level, times):
    shortcut = network.decoder.up_blocks[level].avg_shortcut
    maps = random_maps(shortcut.in_channels)
    got = shortcut(maps, first_chunk=True)[0, :, 0].numpy()
    expected = repeated_to_space(maps[0, :, 0].numpy(), shortcut.out_channels, times)
    np.testing.assert_array_equal(got, expected.astype(np.float32))
    if times == 2:  # nearest upsampling, of every second channel where there are half as many
        step = shortcut.in_channels // shortcut.out_channels
        nearest = maps[0, step - 1 :: step, 0].repeat_interleave(2, 1).repeat_interleave(2, 2)
        np.testing.assert_array_equal(got, nearest.numpy())


def test_blocks_without_weights_are_their_shortcuts(network):
    """So the shortcuts are what the way through blocks is added to, and not dead code."""
    for block, forward in (
        (network.encoder.down_blocks[1], {}),
        (network.decoder.up_blocks[1], {"first_chunk": True}),
    ):
        sampler = getattr(block, "downsampler", None) or block.upsampler
        saved = [weight.detach().clone() for weight in sampler.parameters()]
        maps = random_maps(block.avg_shortcut.in_channels)
        with torch.no_grad():
            for weight in sampler.parameters():
                weight.zero_()
            assert torch.equal(block(maps, **forward), block.avg_shortcut(maps, **forward))
            for weight, value in zip(sampler.parameters(), saved, strict=True):
                weight.copy_(value)


def test_the_sizes_are_those_published():
    from diffusers import AutoencoderKLQwenImage21

    with torch.device("meta"):
        mine = residual.build(ResidualConfiguration()).model
        published = AutoencoderKLQwenImage21()
    shapes = [
        {name: each.shape for name, each in model.state_dict().items()}
        for model in (mine, published)
    ]
    assert shapes[0] == shapes[1]
    statistics = {"latents_mean", "latents_std", "_use_default_values"}
    settings = [
        {name: value for name, value in dict(model.config).items() if name not in statistics}
        for model in (mine, published)
    ]
    assert settings[0] == settings[1]
    count = [
        sum(weight.numel() for weight in part.parameters()) for part in (mine.encoder, mine.decoder)
    ]
    assert [round(each / 1e6, 1) for each in count] == [78.7, 259.0]


@pytest.mark.parametrize("alpha", [True, False])
def test_what_is_saved_is_read_by_diffusers_with_and_without_alpha(
    alpha, qwen_21_pipeline, tmp_path
):
    from train.autoencoders.autoencoder import load_autoencoder

    network = built(alpha=alpha).trainable(encoder=True)
    assert isinstance(network, OneFrame)
    assert (network.factor, network.channels, network.colours) == (16, 4, 4 if alpha else 3)
    random = torch.Generator().manual_seed(3)
    network.remember(torch.randn(8, 4, 6, 5, generator=random) * 3 + 1, 1)
    line = network.save(tmp_path, network.state_dict())
    assert line == {"vae": ("diffusers", "AutoencoderKLQwenImage21")}
    own = load_autoencoder(str(tmp_path))
    assert float(own.mean.mean()) == pytest.approx(1, abs=0.3)
    assert float(own.standard_deviation.mean()) == pytest.approx(3, abs=0.3)
    pixels = torch.rand(2, 3, 32, 48, generator=random) * 2 - 1
    target = torch.cat([pixels, torch.ones(2, 1, 32, 48)], dim=1) if alpha else pixels
    with torch.no_grad():
        raw = network.posterior(target).mean
        back = network.decode(raw).clamp(-1, 1)
    latents = own.encode(pixels)
    torch.testing.assert_close(latents, (raw - own.mean) / own.standard_deviation)
    again = own.decode_with_alpha(latents)
    assert again.shape == (2, 4, 32, 48)
    torch.testing.assert_close(again[:, : network.colours], back, atol=1e-5, rtol=1e-5)
    clear = torch.cat([pixels, -torch.ones(2, 1, 32, 48)], dim=1)
    white = own.encode(torch.ones(2, 3, 32, 48))
    assert torch.equal(own.encode(clear), white) != alpha
    pipeline = type(qwen_21_pipeline)(**{**qwen_21_pipeline.components, "vae": own.model})
    pipeline.set_progress_bar_config(disable=True)
    (image,) = pipeline(prompt="hello", num_inference_steps=2, height=32, width=64).images
    assert (image.size, image.mode) == ((64, 32), "RGBA" if alpha else "RGB")


def test_latents_begin_as_their_means(network):
    """And not as noise of a standard deviation of 1, in which nothing would be seen of an image."""
    posterior = network.posterior(torch.rand(1, 4, 32, 48) * 2 - 1)
    assert torch.equal(posterior.log_variance, torch.full((1, 4, 2, 3), residual.LOG_VARIANCE))
    assert float(posterior.mean.detach().std()) > 0


def test_multipliers_without_a_shortcut_are_refused():
    with pytest.raises(UsageError, match=r"multipliers: \[1, 3, 5\]: no shortcut without"):
        built(multipliers=(1, 3, 5))
