"""Latents by principal components of patches."""

import pytest
import torch

from train.autoencoders.autoencoder import load_autoencoder
from train.autoencoders.patch_pca import PatchPcaAutoencoder


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def smooth(count, height, width, seed=0):
    """Images with structure: smooth noise in [-1, 1]."""
    small = normal(count, 3, height // 8 + 2, width // 8 + 2, seed=seed)
    large = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    return large.clamp(-1, 1)


def test_the_patch_pca_keeps_what_its_components_hold():
    images = [smooth(20, 16, 32), smooth(20, 24, 8, seed=1)]
    whole = PatchPcaAutoencoder.fit(images, factor=4, channels=48)
    errors = []
    for autoencoder in (
        whole,
        PatchPcaAutoencoder.fit(images, 4, 12),
        PatchPcaAutoencoder.fit(images, 4, 3),
    ):
        latents = autoencoder.encode(images[0])
        assert latents.shape == (20, autoencoder.channels, 4, 8)
        errors.append((autoencoder.decode(latents) - images[0]).square().mean().item())
    assert errors[0] < 1e-8
    assert errors[0] < errors[1] < errors[2]
    many = torch.cat([whole.encode(one).permute(0, 2, 3, 1).reshape(-1, 48) for one in images])
    assert torch.allclose(many[:, :12].std(0), torch.ones(12), atol=1e-3)
    assert torch.allclose(many[:, :12].mean(0), torch.zeros(12), atol=1e-3)


def test_channels_are_whitened_by_as_much_as_is_asked():
    images = [smooth(40, 16, 32)]
    deviations, decoded = {}, {}
    for whitening in (0, 0.5, 1):
        autoencoder = PatchPcaAutoencoder.fit(images, 4, 12, whitening)
        latents = autoencoder.encode(images[0])
        decoded[whitening] = autoencoder.decode(latents)
        channels = latents.transpose(0, 1).flatten(1)
        deviations[whitening] = channels.std(1)
        assert channels.var(1).mean().item() == pytest.approx(1, rel=1e-3)
        assert torch.allclose(decoded[whitening], decoded[0], atol=1e-5)
    as_is = deviations[0] / deviations[0][0]
    assert as_is[-1] < 0.5
    assert torch.allclose(deviations[0.5] / deviations[0.5][0], as_is.sqrt(), rtol=1e-3)


def test_an_autoencoder_says_what_it_cannot_do_and_clips():
    autoencoder = PatchPcaAutoencoder.fit([smooth(4, 16, 16)], 8, 4)
    with pytest.raises(ValueError, match="17x16 px is no multiple of 8"):
        autoencoder.encode(torch.zeros(1, 3, 16, 17))
    with pytest.raises(ValueError, match="channels is 200"):
        PatchPcaAutoencoder.fit([smooth(4, 16, 16)], 8, 200)
    assert autoencoder.decode(100 * torch.ones(1, 4, 2, 2)).abs().max() <= 1


def test_a_saved_autoencoder_is_the_same(tmp_path):
    autoencoder = PatchPcaAutoencoder.fit([smooth(8, 16, 16)], 8, 6)
    assert autoencoder.save(tmp_path) == {"autoencoder": ("patch_pca", "PatchPcaAutoencoder")}
    loaded = load_autoencoder(str(tmp_path))
    images = smooth(2, 16, 16, seed=3)
    assert torch.equal(loaded.encode(images), autoencoder.encode(images))
    assert torch.equal(
        loaded.decode(loaded.encode(images)), autoencoder.decode(autoencoder.encode(images))
    )
    with pytest.raises(FileNotFoundError, match="no autoencoder here"):
        load_autoencoder(str(tmp_path / "elsewhere"))
