"""Captions of a batch as features: which are dropped, and who encodes them how.

A frozen encoder is given every prompt alone, so that features never depend on which others are
encoded with it: they are the same bytes whoever makes them, and when.
"""

from collections.abc import Sequence

import torch

from train.data.batches import Shown
from train.distributed import sharded
from train.packing.packed import Text
from train.seeds import seed_for
from train.text_encoders.text_encoder import TextEncoder


def chance(seed: int, step: int, place: int) -> torch.Generator:
    """What all chance of a sample of a step depends on; first whether its caption is dropped."""
    return torch.Generator().manual_seed(seed_for(seed, "step", step, place))


def is_dropped(share: float, random: torch.Generator) -> bool:
    """Whether a caption is of the ``share`` that is dropped: by the first number of ``random``."""
    return float(torch.rand((), generator=random)) < share


def caption(shown: Shown, random: torch.Generator) -> str:
    """Its caption, or the empty one where that is dropped."""
    return "" if is_dropped(shown.caption_dropout, random) else shown.caption


def is_learnt(encoder: TextEncoder) -> bool:
    """Whether the encoder is trained with the model: its features are of one step only."""
    return isinstance(encoder, torch.nn.Module) and any(
        weight.requires_grad for weight in encoder.parameters()
    )


def encode(encoder: TextEncoder, captions: Sequence[str], shown: Sequence[Shown]) -> list[Text]:
    """The features of the captions of samples, those that were made ahead or else made now.

    An encoder that is divided among processes is called once: they all take part in each call.
    """
    if is_learnt(encoder) or sharded.is_divided(encoder):
        return encoder.encode(captions, [each.images for each in shown])
    return [
        each.features or encoder.encode([text], [each.images])[0]
        for text, each in zip(captions, shown, strict=True)
    ]
