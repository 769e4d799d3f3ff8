"""The family Qwen-Image: a new network, its neighbours in a batch, and the pipeline's sampler."""

import pytest
import torch
from making.qwen_parts import PROMPTS
from making.sampling import sample

from curation.failures.errors import UsageError
from train import sampler
from train.models.qwen_image import QwenImage
from train.packing import patches
from train.packing.packed import Item, pack
from train.text_encoders.byte_text import ByteTextEncoder

SMALL = QwenImage(layers=2, heads=2, head_width=16, rope_axes=(4, 6, 6))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def network():
    """A small network in which every weight says something."""
    torch.manual_seed(0)
    built = SMALL.build(channels=4, text_width=24)
    with torch.no_grad():
        for weight in built.parameters():
            weight.normal_(std=0.3)
    return built.eval()


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(1)
    return ByteTextEncoder(24)


def packed(texts, latents, sigma):
    items = [Item(text, own) for text, own in zip(texts, latents, strict=True)]
    return pack(items, [SMALL.order(item) for item in items], sigma, SMALL.patch)


def test_a_new_network_predicts_zero():
    built = SMALL.build(channels=4, text_width=24)
    velocity = built(packed([(normal(5, 24),)] * 2, normal(2, 4, 4, 4), torch.rand(2)))
    assert velocity.shape == (8, 16)
    assert not velocity.any()


@torch.no_grad()
def test_a_prediction_does_not_depend_on_the_neighbours(network, encoder):
    prompts = ['"A"', "", 'a much longer prompt, with "quoted text" and many words behind it']
    latents, sigma = [normal(4, 4, 6), normal(4, 2, 2), normal(4, 8, 4)], torch.rand(3)
    texts = encoder.encode(prompts)
    together = network(packed(texts, latents, sigma)).split([6, 1, 8])
    for n, text in enumerate(texts):
        alone = network(packed([text], [latents[n]], sigma[n : n + 1]))
        assert torch.allclose(together[n], alone, atol=1e-5), prompts[n]


@torch.no_grad()
def test_every_token_counts(network, encoder):
    latents, sigma = [normal(4, 4, 6)], torch.tensor([0.5])
    prompts = ['the "AB" in red', 'the "AC" in red', 'the "BA" in red', 'the "AB" in blue', ""]
    texts = encoder.encode(prompts)
    velocities = [network(packed([text], latents, sigma)) for text in texts]
    for n, mine in enumerate(velocities):
        for other in velocities[:n]:
            assert (mine - other).abs().max() > 1e-3
    (features,) = texts[0]
    for place in range(len(features)):
        without = torch.cat([features[:place], features[place + 1 :]])
        changed = network(packed([(without,)], latents, sigma))
        assert (changed - velocities[0]).abs().max() > 1e-5, place


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match=r"sum up to 18; expected model.head_width, 16"):
        QwenImage(layers=1, heads=1, head_width=16, rope_axes=(4, 6, 8)).build(4, 8)


@pytest.mark.parametrize(
    "case",
    [
        (2, 4.0, (32, 64), ["hello", "a much longer prompt 你好"]),
        (5, 1.0, (64, 32), ["hello"]),
        (7, 4.0, (48, 48), [""]),
        (3, 2.5, (32, 32), PROMPTS),
    ],
)
def test_our_sampler_generates_what_the_pipeline_does(
    qwen_pipeline, qwen_folder, qwen_encoder, case
):
    steps, guidance, (height, width), prompts = case
    seeds = list(range(10, 10 + len(prompts)))
    expected = qwen_pipeline(
        prompts,
        negative_prompt=["blurred"] * len(prompts),
        true_cfg_scale=guidance,
        num_inference_steps=steps,
        height=height,
        width=width,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="latent",
    ).images
    shape = (16, height // 8, width // 8)
    family = QwenImage()
    own = family.load(qwen_folder / "transformer", 16, qwen_encoder.width)
    options = {"seeds": seeds, "negative": "blurred", "steps": steps, "guidance": guidance}
    ours = sample(family, own, qwen_encoder, prompts, shape, **options)
    unpacked = torch.stack([patches.unpack(each, 2, *shape[1:]) for each in expected])
    assert expected.isfinite().all()
    assert (ours[0] - sampler.noise(shape, seeds[0])).abs().max() > 0.1  # it did move
    assert torch.allclose(ours, unpacked, atol=2e-5, rtol=1e-5)
