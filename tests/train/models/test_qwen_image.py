"""The network: its mask, and that it samples what the pipeline samples."""

from functools import partial

import pytest
import torch
from making.qwen_parts import PROMPTS

from curation.failures.errors import UsageError
from train import flow, patches
from train.models.family import Condition
from train.models.qwen_image import QwenImage
from train.text_encoders.byte_text import ByteTextEncoder

SMALL = QwenImage(layers=2, heads=2, head_width=16, rope_axes=(4, 6, 6))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def network():
    """A small network in which every weight says something."""
    torch.manual_seed(0)
    found = SMALL.build(channels=4, text_width=24)
    with torch.no_grad():
        for weight in found.parameters():
            weight.normal_(std=0.3)
    return found.eval()


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(1)
    return ByteTextEncoder(24)


def test_a_new_network_predicts_zero():
    found = SMALL.build(channels=4, text_width=24)
    text = Condition(normal(2, 5, 24), torch.ones(2, 5).bool())
    velocity = SMALL.velocity(found, normal(2, 4, 4, 4), torch.rand(2), text)
    assert velocity.shape == (2, 4, 4, 4)
    assert not velocity.any()


@pytest.mark.parametrize("kernel", ["native", "_native_math"])
@torch.no_grad()
def test_a_prediction_does_not_depend_on_the_padding(network, encoder, kernel):
    latents, sigma = normal(3, 4, 4, 6), torch.tensor([0.9, 0.5, 0.1])
    prompts = ['"A"', "", 'a much longer prompt, with "quoted text" and many words behind it']
    features, mask = encoder.encode(prompts)
    family = SMALL.model_copy(update={"attention": kernel})
    together = family.velocity(network, latents, sigma, Condition(features, mask))
    for n, prompt in enumerate(prompts):
        text = Condition(*encoder.encode([prompt]))
        alone = family.velocity(network, latents[n : n + 1], sigma[n : n + 1], text)
        assert torch.allclose(together[n], alone[0], atol=1e-5), prompt
    rubbish = Condition(torch.where(mask[..., None], features, 1e3 * torch.ones(())), mask)
    again = family.velocity(network, latents, sigma, rubbish)
    assert torch.allclose(again, together, atol=1e-5)


@torch.no_grad()
def test_every_real_token_counts(network, encoder):
    """The other half of the mask: what is not padding is seen."""
    latents, sigma = normal(1, 4, 4, 6), torch.tensor([0.5])
    prompts = ['the "AB" in red', 'the "AC" in red', 'the "BA" in red', 'the "AB" in blue', ""]
    texts = [Condition(*encoder.encode([prompt])) for prompt in prompts]
    drawn = [SMALL.velocity(network, latents, sigma, text) for text in texts]
    for n, one in enumerate(drawn):
        for other in drawn[:n]:
            assert (one - other).abs().max() > 1e-3
    features, mask = encoder.encode(prompts[:1])
    for place in range(mask.shape[1]):
        without = mask.clone()
        without[0, place] = False
        changed = SMALL.velocity(network, latents, sigma, Condition(features, without))
        assert (changed - drawn[0]).abs().max() > 1e-5, place


def test_axes_that_do_not_fit_are_told():
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
def test_our_sampler_draws_what_the_pipeline_draws(qwen_pipeline, qwen_encoder, case):
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
    ours = flow.sample(
        partial(QwenImage().velocity, qwen_pipeline.transformer),
        shape,
        Condition(*qwen_encoder.encode(prompts)),
        negative=Condition(*qwen_encoder.encode(["blurred"])),
        patch=2,
        steps=steps,
        guidance=guidance,
        seeds=seeds,
    )
    unpacked = patches.unpack(expected, 2, *shape[1:])
    assert expected.isfinite().all()
    assert (ours - flow.noise_like(shape, seeds)).abs().max() > 0.1  # it did move
    assert torch.allclose(ours, unpacked, atol=2e-5, rtol=1e-5)
