"""Our parts follow conditions as the two pipelines of ControlNets do, from pixels to latents."""

import numpy as np
import pytest
import torch
from making.qwen_parts import pixels
from making.tiny_qwen import TEXT_WIDTH
from PIL import Image

from train import sampler
from train.models.qwen_image import QwenImage, control, controlnet
from train.models.qwen_image.control import Control, Controlled
from train.packing import patches
from train.sampler import Asked

STEPS, GUIDANCE, SEED = 4, 3.0, 11
WIDTH, HEIGHT = 48, 32
PROMPTS = ("hello", "much longer, and blurred")  # the second is the negative one
FAMILY = QwenImage()


@pytest.fixture(scope="module", params=[0, 4], ids=["condition", "inpaint"])
def published(request):
    """A ControlNet that changes a lot."""
    from diffusers import QwenImageControlNetModel

    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = QwenImageControlNetModel(
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=TEXT_WIDTH,
            axes_dims_rope=(4, 6, 6),
            extra_condition_channels=request.param,
        )
        for module in (network.controlnet_x_embedder, network.controlnet_blocks):
            for weight in module.parameters():
                torch.nn.init.normal_(weight, std=0.5)
    return network.eval()


@pytest.fixture(scope="module")
def network(qwen_folder):
    return FAMILY.load(qwen_folder / "transformer", 16, TEXT_WIDTH)


def sampled(network, encoder, own, latents, noise, **acting):
    """(A, C) of the prompt, led away from the negative one."""

    def begin(packed):
        controls = [Controlled(Control(latents, **acting), by=0, to=(0, 1))]
        return control.begin(network, own, packed, controls, STEPS)

    text, away = encoder.encode(list(PROMPTS))
    asked = Asked(text, tuple(noise.shape), SEED, away, GUIDANCE, noise=noise)
    (made,) = sampler.sample(begin, FAMILY, [asked], steps=STEPS)
    return patches.pack(made, 2)


@torch.no_grad()
@pytest.mark.parametrize(
    "acting",
    [{"scale": 1.0}, {"scale": 0.6, "start": 0.25, "end": 0.75}, {"end": 0.2}],
    ids=["throughout", "in the middle", "never"],
)
def test_latents_are_those_of_the_pipeline(
    published, network, qwen_pipeline, qwen_encoder, qwen_autoencoder, acting, tmp_path
):
    import diffusers

    inpaints = bool(published.config.extra_condition_channels)
    kind = "Inpaint" if inpaints else ""
    pipeline = getattr(diffusers, f"QwenImageControlNet{kind}Pipeline")(
        controlnet=published, **qwen_pipeline.components
    )
    pipeline.set_progress_bar_config(disable=True)
    image = pixels(WIDTH, HEIGHT)
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[9:21, 16:40] = True
    given = {"control_image": Image.fromarray(image)}
    if inpaints:
        given["control_mask"] = Image.fromarray(hole)
        torch.manual_seed(SEED + 1)  # which is what it samples the condition with
    expected = pipeline(
        prompt=PROMPTS[0],
        negative_prompt=PROMPTS[1],
        true_cfg_scale=GUIDANCE,
        num_inference_steps=STEPS,
        width=WIDTH,
        height=HEIGHT,
        controlnet_conditioning_scale=acting.get("scale", 1.0),
        control_guidance_start=acting.get("start", 0.0),
        control_guidance_end=acting.get("end", 1.0),
        generator=torch.Generator().manual_seed(SEED),
        output_type="latent",
        **given,
    ).images[0]
    published.save_pretrained(tmp_path)
    own, generator = controlnet.load(tmp_path), torch.Generator().manual_seed(SEED)
    if inpaints:
        apart = torch.Generator().manual_seed(SEED + 1)
        latents = control.inpainting_latents(qwen_autoencoder, image, hole, apart)
    else:
        latents = control.latents(qwen_autoencoder, image, generator)
    noise = torch.randn(16, HEIGHT // 8, WIDTH // 8, generator=generator)
    measured = sampled(network, qwen_encoder, own, latents, noise, **acting)
    assert (measured - expected).abs().max() < 1e-4
    without = sampled(network, qwen_encoder, own, latents, noise, start=1.0)
    changed = (measured - without).abs().max()
    assert changed == 0 if acting.get("end") == 0.2 else changed > 1e-2


def test_a_hole_is_black_and_marked_by_the_first_pixel_of_each_cell(qwen_autoencoder):
    image, hole = pixels(32, 16), np.zeros((16, 32), bool)
    hole[1:, 8:16] = True
    latents = control.inpainting_latents(qwen_autoencoder, image, hole, torch.Generator())
    assert latents.shape == (17, 2, 4)
    assert latents[16].tolist() == [[1, 1, 1, 1], [1, 0, 1, 1]]
    changed = image.copy()
    changed[hole] = 77
    again = control.inpainting_latents(qwen_autoencoder, changed, hole, torch.Generator())
    assert torch.equal(latents, again)
    with pytest.raises(ValueError, match="hole of"):
        control.inpainting_latents(qwen_autoencoder, image, hole[:8], torch.Generator())


def test_steps_in_which_a_condition_acts_are_those_of_the_pipeline():
    for start, end in ((0.0, 1.0), (0.25, 0.75), (0.3, 0.5), (0.5, 0.5), (1 / 3, 2 / 3)):
        for steps in (1, 3, 4, 50):
            expected = [
                1.0 - float(i / steps < start or (i + 1) / steps > end) for i in range(steps)
            ]
            given = Control(torch.zeros(0), start=start, end=end)
            assert [float(given.acts(i, steps)) for i in range(steps)] == expected
