"""The 2-D networks that are trained are the published autoencoders on one frame, and are written
back into their files.
"""

import json

import pytest
import torch
from making import tiny_autoencoders
from safetensors import safe_open
from torch.nn.functional import l1_loss

from curation.failures.errors import UsageError
from train.autoencoders import patching
from train.autoencoders.autoencoder import load_autoencoder
from train.autoencoders.trainable import statistics

KINDS = {
    "QwenImage": {},
    "QwenImage with alpha": {"input_channels": 4},
    "QwenImage21": {},
    "QwenImage21 plain": {"is_residual": False},
}


def off(one, other):
    """Relative to the largest of the other."""
    return float((one - other).detach().abs().max() / other.detach().abs().max())


@pytest.fixture(scope="module", params=KINDS)
def autoencoder(request, tmp_path_factory):
    kind = request.param.split(" ")[0]
    folder = tmp_path_factory.mktemp("autoencoder")
    return load_autoencoder(str(tiny_autoencoders.save(folder, kind, **KINDS[request.param])))


def test_outputs_and_gradients_are_those_of_the_published_network(autoencoder):
    network = autoencoder.trainable(encoder=True)
    model = autoencoder.model.float().requires_grad_(True)
    random = torch.Generator().manual_seed(1)
    pixels = torch.rand(2, network.colours, 16, 24, generator=random) * 2 - 1
    posterior = network.posterior(pixels)
    theirs = model.encode(pixels.unsqueeze(2)).latent_dist
    assert off(posterior.mean, theirs.mean[:, :, 0]) < 1e-5
    assert off(posterior.log_variance, theirs.logvar[:, :, 0]) < 1e-5
    back = network.decode(posterior.mean)
    expected = model.decode(theirs.mean).sample[:, :, 0]
    assert off(back.clamp(-1, 1), expected) < 1e-5
    assert back.shape == pixels.shape
    (l1_loss(back.clamp(-1, 1), pixels) + posterior.log_variance.mean()).backward()
    (l1_loss(expected, pixels) + theirs.logvar.mean()).backward()
    for name, weight in network.named_parameters():
        own, their = weight.grad, model.get_parameter(name).grad
        if their.ndim == own.ndim + 1:
            assert not their[:, :, :-1].any()
            their = their[:, :, -1]
        assert own.abs().max() > 0
        assert off(own, their) < 1e-4, name
    model.requires_grad_(False)


def test_latents_come_back_as_they_were_normalised(autoencoder):
    network = autoencoder.trainable(encoder=False)
    pixels = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2)) * 2 - 1
    raw = network.unnormalised(autoencoder.encode(pixels))
    from train.autoencoders.alpha import over_white

    expected = autoencoder.decode(autoencoder.encode(pixels))
    assert off(over_white(network.decode(raw).clamp(-1, 1)), expected) < 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["QwenImage", "QwenImage21"])
def test_nothing_but_trained_weights_changes_in_the_files(kind, dtype, tmp_path):
    folder = tiny_autoencoders.save(tmp_path / "base", kind, dtype) / "vae"
    (folder / "diffusion_pytorch_model.bin").write_bytes(b"what was before")
    network = load_autoencoder(str(folder)).trainable(encoder=False)
    assert network.save(tmp_path / "same", network.state_dict()) == {
        "vae": ("diffusers", f"AutoencoderKL{kind}")
    }
    name = "diffusion_pytorch_model.safetensors"
    assert (tmp_path / "same/vae" / name).read_bytes() == (folder / name).read_bytes()
    assert not (tmp_path / "same/vae/diffusion_pytorch_model.bin").exists()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(1.5)
    network.save(tmp_path / "other", network.state_dict())
    read = (tmp_path / "other/vae/config.json").read_bytes()
    assert read == (folder / "config.json").read_bytes()
    trained = set(network.state_dict())
    with (
        safe_open(str(folder / name), "pt") as was,
        safe_open(str(tmp_path / "other/vae" / name), "pt") as now,
    ):
        assert list(now.keys()) == list(was.keys())
        assert now.metadata() == was.metadata()
        for key in was.keys():  # noqa: SIM118
            before, after = was.get_tensor(key), now.get_tensor(key)
            assert after.dtype == dtype
            if key not in trained:
                assert torch.equal(before, after), key
                continue
            if before.ndim == network.state_dict()[key].ndim + 1:
                assert torch.equal(before[:, :, :-1], after[:, :, :-1])
                after = after[:, :, -1]
            assert torch.equal(after, network.state_dict()[key].to(dtype)), key
    assert {key.split(".")[0] for key in trained} == {"decoder", "post_quant_conv"}
    again = load_autoencoder(str(tmp_path / "other")).trainable(encoder=False)
    for key, value in again.state_dict().items():
        assert torch.equal(value, network.state_dict()[key].to(dtype).float()), key


def test_a_tensor_that_is_in_no_file_is_said(tmp_path):
    folder = tiny_autoencoders.save(tmp_path, "QwenImage") / "vae"
    values = {"decoder.conv_in.weight": torch.zeros(8, 4, 3, 3), "decoder.other": torch.zeros(1)}
    with pytest.raises(
        UsageError, match=r"1 tensors are in no .safetensors file, .* decoder.other"
    ):
        patching.write(folder, tmp_path / "out", values, {})
    with pytest.raises(UsageError, match="of another autoencoder"):
        patching.write(
            folder, tmp_path / "out", {"decoder.conv_in.weight": torch.zeros(9, 4, 3, 3)}, {}
        )


def test_statistics_of_latents_are_stored_where_the_encoder_is_trained(tmp_path):
    folder = tiny_autoencoders.save(tmp_path, "QwenImage21")
    network = load_autoencoder(str(folder)).trainable(encoder=True)
    random = torch.Generator().manual_seed(0)
    for step in range(1, 401):
        latents = 3 * torch.randn(2, 4, 8, 8, generator=random) + torch.arange(4).view(1, 4, 1, 1)
        network.remember(latents, step)
        network.remember(latents + 100, step)  # of the same step again
    mean, deviation = statistics(network.state_dict())
    assert torch.allclose(mean, torch.arange(4).double(), atol=0.2)
    assert torch.allclose(deviation, torch.full((4,), 3.0).double(), atol=0.2)
    network.save(tmp_path / "out", network.state_dict())
    stored = json.loads((tmp_path / "out/vae/config.json").read_text())
    assert stored["latents_mean"] == mean.tolist()
    assert stored["latents_std"] == deviation.tolist()
    assert load_autoencoder(str(tmp_path / "out")).channels == 4


def test_flops_are_those_of_both_halves(tmp_path):
    start = load_autoencoder(str(tiny_autoencoders.save(tmp_path, "QwenImage")))
    decoder, both = (start.trainable(encoder=encoder) for encoder in (False, True))
    assert both.flops(16, 16) > decoder.flops(16, 16) > 0
    assert decoder.flops(16, 32) == pytest.approx(2 * decoder.flops(16, 16), rel=0.05)
