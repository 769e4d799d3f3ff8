"""Terms of the loss of an autoencoder, each held against what it is said to be."""

import pytest
import torch
from safetensors.torch import save_file

from curation.failures.errors import UsageError
from train.autoencoders.trainable import Posterior
from train.terms import gradient, kl, lite0, lpips, pixels
from train.terms.term import Seen


def seen(image, back, posterior=None):
    return Seen(image, back, image, back, torch.zeros(len(image), 2, 4, 4), posterior)


def images(count=2, side=32):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_pixels_and_edges():
    image = images()
    brighter = seen(image, image + 0.25)
    measure = pixels.Pixels().begin(None, "cpu")
    assert torch.allclose(measure(brighter), torch.full((2,), 0.25))
    assert torch.allclose(
        pixels.Pixels(error="l2").begin(None, "cpu")(brighter), torch.full((2,), 0.0625)
    )
    edges = gradient.Gradient().begin(None, "cpu")
    assert float(edges(brighter).max()) < 1e-6  # which brightness has none of
    ramp = torch.zeros(1, 3, 8, 8) + 0.5 * torch.arange(8)
    assert torch.allclose(
        gradient.Gradient(scales=2).begin(None, "cpu")(seen(torch.zeros_like(ramp), ramp)),
        torch.tensor([(0.5 + 1.0) / 2]),
    )


def test_the_divergence_is_that_of_two_normal_distributions():
    from torch.distributions import Normal, kl_divergence

    random = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(2, 4, 3, 3, generator=random) for _ in range(2))
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    given = seen(images(), images(), Posterior(mean, log_variance))
    measured = kl.Kl().begin(None, "cpu")(given)
    assert torch.allclose(measured, expected.mean((1, 2, 3)), atol=1e-6)


def test_weights_move_from_the_first_step_to_the_last():
    term = pixels.Pixels(weight=(0.5, 0.1))
    assert [term.weight_at(step, 5) for step in (1, 3, 5)] == pytest.approx([0.5, 0.3, 0.1])
    assert pixels.Pixels(weight=2.0).weight_at(3, 5) == 2.0


def test_lite0_sees_blur_more_than_brightness_and_has_a_gradient():
    from torch.nn.functional import avg_pool2d, interpolate

    pytest.importorskip("efficientnet_lite_pytorch")
    image = images(2, 64)
    blurred = interpolate(avg_pool2d(image, 2), scale_factor=2.0)
    measure = lite0.Lite0().begin(None, "cpu")
    back = (image + 0.02).requires_grad_()
    brighter = measure(seen(image, back))
    assert (measure(seen(image, blurred)) > 5 * brighter).all()
    assert float(measure(seen(image, image)).abs().max()) < 1e-9
    brighter.sum().backward()
    assert float(back.grad.abs().max()) > 0


def test_lpips_is_that_of_torchvisions_network(tmp_path):
    """By hooks on VGG-16 of torchvision, with random weights."""
    from torch.nn.functional import normalize
    from torchvision.models import vgg16

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = vgg16(weights=None).eval().features
    own = {f"features.{name}": value for name, value in network.state_dict().items()}
    heads = {
        f"lin{number}.model.1.weight": torch.rand(1, width, 1, 1)
        for number, width in enumerate((64, 128, 256, 512, 512))
    }
    save_file(own, tmp_path / "vgg16.safetensors")
    plain = lpips.Lpips(folder=str(tmp_path)).begin(None, "cpu")
    save_file(heads, tmp_path / "heads.safetensors")
    learnt = lpips.Lpips(folder=str(tmp_path)).begin(None, "cpu")
    image = images(2, 32)
    back = image.flip(3)

    def maps(shown):
        shown = (shown - torch.tensor(lpips._SHIFT).view(3, 1, 1)) / torch.tensor(
            lpips._SCALE
        ).view(3, 1, 1)
        kept = []
        for number, layer in enumerate(network):
            shown = layer(shown)
            if number in (3, 8, 15, 22, 29):
                kept.append(normalize(shown, dim=1, eps=1e-10))
        return kept

    with torch.no_grad():
        squares = [(a - b).square() for a, b in zip(maps(image), maps(back), strict=True)]
        by_heads = zip(squares, heads.values(), strict=True)
        expected = sum(each.sum(1).mean((1, 2)) for each in squares)
        weighted = sum((each * head).sum(1).mean((1, 2)) for each, head in by_heads)
        assert torch.allclose(plain(seen(image, back)), expected, rtol=1e-4)
        assert torch.allclose(learnt(seen(image, back)), weighted, rtol=1e-4)


def test_lpips_without_its_weights_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"no features.0.weight in .* expected VGG-16"):
        lpips.Lpips(folder=str(tmp_path)).begin(None, "cpu")
