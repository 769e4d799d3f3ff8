"""Images taken apart into layers, as ``QwenImageLayeredPipeline`` does: from an image and a prompt
that describes it to L layers with alpha, which laid over one another are the image.

The network is that of the family, with positions and a condition of its own (``layered``). It
generates L + 1 images together: the first is the whole image again, which nobody needs.

Shapes: c latent channels, h w latent cells of the image and of each layer; L layers; A target
tokens of L + 1 images, C values of a token.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from PIL import Image
from torch import Tensor

from curation.picture import sizes
from curation.picture.sizes import Size
from train.autoencoders.qwen import QwenAutoencoder
from train.flow import Flow
from train.models.family import Family, guided
from train.packing import patches
from train.packing.layout import ImageSpan, Layout, Sample, TextSpan
from train.packing.packed import Packed, Text
from train.pixels import as_image
from train.sampler import Begin

SIDES = (640, 1024)  # that it was trained on
LAYERS = 4
_UNIT = 32
_BASE_TOKENS = 256
Mix = Callable[[Tensor, Tensor, Tensor], Tensor]  # as ``Family.guide``


def size(width: int, height: int, side: int = SIDES[0]) -> Size:
    """The (width, height) that an image is taken apart at, of about ``side`` pixels squared."""
    return sizes.of_ratio(side, width / height, _UNIT)


def shifted(flow: Flow, tokens: int) -> Flow:
    """The flow of a model for an image of so many ``tokens``: the shift grows with the root of
    these, and does not depend on the number of layers.
    """
    mu = (tokens / _BASE_TOKENS) ** 0.5
    return replace(flow, base_shift=mu, max_shift=mu)


def noise(layers: int, shape: tuple[int, int, int], seed: int) -> Tensor:
    """(L + 1, c, h, w) standard normal, as the pipeline draws it."""
    return torch.randn((layers + 1, *shape), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def sample(
    begin: Begin,
    family: Family,
    image: Tensor,
    noises: Tensor,
    texts: Sequence[Text],
    *,
    steps: int,
    flow: Flow,
    guidance: float = 4.0,
    mix: Mix = guided,
) -> Tensor:
    """Latents (L, c, h, w) of the layers of an ``image`` (c, h, w), from ``noises``
    (L + 1, c, h, w), by the ``texts`` of the prompt and, where there is guidance, of the negative
    one. ``begin`` and ``flow`` are those of the model's T2I (``train.sampler``), all where the
    network is.
    """
    tokens = torch.cat([patches.pack(each, family.patch) for each in noises])
    count = len(tokens) // len(noises)
    step = begin(_packed(family, image, texts, tokens))
    levels = shifted(flow, count).schedule(steps, count)
    for number, (level, following) in enumerate(pairwise(levels)):
        sigma = torch.full((len(texts),), level, device=tokens.device)
        velocity = step(tokens.repeat(len(texts), 1), sigma, number).float()
        if len(texts) == 2:
            given, away = torch.chunk(velocity, 2)
            velocity = mix(given, away, torch.tensor(guidance, device=given.device))
        tokens = tokens + (following - level) * velocity
    frames = tokens.chunk(len(noises))
    layers = [patches.unpack(each, family.patch, *image.shape[1:]) for each in frames]
    return torch.stack(layers[1:])


def images(autoencoder: QwenAutoencoder, layers: Tensor) -> list[Image.Image]:
    """Layers (L, c, h, w) as RGBA, the lowest first; decoded by themselves, to spare memory."""
    return [as_image(autoencoder.decode_with_alpha(each[None])[0]) for each in layers]


def _packed(family: Family, image: Tensor, texts: Sequence[Text], tokens: Tensor) -> Packed:
    """The prompt's batch, and behind it that of the negative one."""
    reference = patches.pack(image, family.patch).to(tokens)
    grid = image.shape[1] // family.patch, image.shape[2] // family.patch
    targets = [ImageSpan(*grid, target=True)] * (len(tokens) // len(reference))
    samples: list[Sample] = [
        (TextSpan(sum(map(len, text))), *targets, ImageSpan(*grid, target=False)) for text in texts
    ]
    features = torch.cat([stretch for text in texts for stretch in text])
    together = torch.cat([tokens, reference]).repeat(len(texts), 1)
    sigma = torch.ones(len(texts), device=tokens.device)
    return Packed(features, together, sigma, Layout(tuple(samples)))
