"""Tiny Qwen-Image networks of diffusers, the same as ours, and batches for both."""

from dataclasses import replace

import torch

from train.models.qwen_image import network as packed_network
from train.models.qwen_image.config import Config
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.packing.packed import Packed

TINY = Config(
    in_channels=8,
    out_channels=2,
    num_layers=3,
    attention_head_dim=16,
    num_attention_heads=2,
    joint_attention_dim=12,
    axes_dims_rope=(4, 6, 6),
)
OPTIONS = {
    "text to image": TINY,
    "dead guidance": replace(TINY, guidance_embeds=True),
    "zero_cond_t": replace(TINY, zero_cond_t=True),
    "layered": replace(TINY, use_layer3d_rope=True, use_additional_t_cond=True),
    "layered, zero_cond_t": replace(
        TINY, use_layer3d_rope=True, use_additional_t_cond=True, zero_cond_t=True
    ),
}


def target(height, width):
    return ImageSpan(height, width, target=True)


def reference(height, width):
    return ImageSpan(height, width, target=False)


MIXED = Layout(
    (
        (TextSpan(7), target(3, 5)),
        (TextSpan(1), target(4, 2), reference(5, 3)),
        (TextSpan(13), target(2, 2), reference(3, 3), reference(1, 6), reference(2, 1)),
        (TextSpan(4), target(1, 1)),
    )
)


def theirs(config, seed=0, dtype=torch.float32):
    """A ``QwenImageTransformer2DModel`` in which every weight says something."""
    from diffusers import QwenImageTransformer2DModel

    settings = {name: v for name, v in config.content().items() if not name.startswith("_")}
    network = QwenImageTransformer2DModel(**settings).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            near = 1.0 if "norm" in name and weight.ndim == 1 and "linear" not in name else 0.0
            weight.copy_(near + 0.25 * torch.randn(weight.shape, generator=generator))
    return network.eval()


def ours(network, folder, **options):
    """The packed network with the weights of one of diffusers', through its files."""
    network.save_pretrained(folder)
    return packed_network.load(folder, **options)


def packed(layout, config=TINY, seed=1, dtype=torch.float32):
    """Noise for a layout."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.randn(sum(layout.text_lengths), config.joint_attention_dim, generator=generator)
    image = torch.randn(len(layout.is_target), config.in_channels, generator=generator)
    sigma = torch.rand(len(layout.samples), generator=generator)
    return Packed(text.to(dtype), image.to(dtype), sigma, layout)


def singles(batch):
    """The samples of a batch, each by itself."""
    layout = batch.layout
    for number, sample in enumerate(layout.samples):
        of_text = torch.from_numpy(layout.text_sample == number)
        of_image = torch.from_numpy(layout.image_sample == number)
        yield Packed(
            batch.text[of_text],
            batch.image[of_image],
            batch.sigma[number : number + 1],
            Layout((sample,)),
        )


def velocity(network, batch, additional=None):
    """(A, C): what a network of diffusers makes of each sample by itself."""
    velocities = []
    for number, single in enumerate(singles(batch)):
        images = [span for span in single.layout.samples[0] if isinstance(span, ImageSpan)]
        extra = {}
        if network.config.use_additional_t_cond:
            rows = torch.zeros(len(batch.sigma), dtype=torch.long)
            extra = {
                "additional_t_cond": (rows if additional is None else additional)[number, None]
            }
        predicted = network(
            hidden_states=single.image[None],
            encoder_hidden_states=single.text[None],
            timestep=single.sigma,
            img_shapes=[[(1, span.height, span.width) for span in images]],
            return_dict=False,
            **extra,
        )[0][0]
        velocities.append(predicted[torch.from_numpy(single.layout.is_target)])
    return torch.cat(velocities)


def off(measured, expected):
    """The largest difference by the largest value expected."""
    measured, expected = measured.detach(), expected.detach()
    difference = (measured.double() - expected.double()).abs().max()
    return float(difference / expected.double().abs().max())
