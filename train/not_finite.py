"""Why a step was not finite: what an encoder gave of one of its samples, if that is the cause."""

import torch
from torch import Tensor

from train import noising
from train.parts import Parts

_SHOWN = 60  # characters of a caption


@torch.no_grad()
def cause(parts: Parts, step: int) -> str:
    """What is wrong with the first such sample of a step, and what to do about it; empty where all
    of them are well, and it is the network that gave no finite numbers.
    """
    if parts.configuration.reconstructs:
        return ""
    samples = noising.noised(parts, step)
    is_learnt = "text_encoder" in parts.raw
    for sample, text in zip(samples, noising.encoded(parts, samples), strict=True):
        if not are_finite(sample.shown.latents, *sample.shown.references):
            what, part = "the autoencoder gives latents", "autoencoder"
        elif not (is_learnt or are_finite(*text)):
            what, part = "the text encoder gives features", "text_encoder"
        else:
            continue
        caption = sample.caption[:_SHOWN] + ("..." if len(sample.caption) > _SHOWN else "")
        return (
            f"{what} that are not finite numbers of a sample of source {sample.shown.source} with"
            f" the caption {caption!r}: check the weights in {part}.path, or leave the sample out"
            " by data.where"
        )
    return ""


def are_finite(*tensors: Tensor) -> bool:
    """Whether all values of all of them are finite."""
    return all(bool(torch.isfinite(each).all()) for each in tensors)
