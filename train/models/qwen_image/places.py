"""What all blocks of a network need to know of a batch, made once and outside of them.

Shapes: N samples; T text, S image, J = T + S joined and A target tokens; R rows of modulation.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from train.models.qwen_image.config import Config
from train.models.qwen_image.positions import positions
from train.packing import routing
from train.packing.attention import Attend, bidirectional
from train.packing.kernels import kernel
from train.packing.layout import Integers, Layout
from train.packing.packed import Packed
from train.packing.rotary import Rotation, rotation
from train.packing.rows import Rows


@dataclass(frozen=True)
class Places:
    """``to_joint`` (J,) takes text, then image tokens to the joined order, ``from_joint`` (J,)
    takes them back; ``text_rows`` (T,), ``image_rows`` (S,) and ``target_rows`` (A,) are those of
    modulation; ``target`` (A,) are places among the image tokens.
    """

    to_joint: Tensor
    from_joint: Tensor
    text_rows: Rows
    image_rows: Rows
    target: Tensor
    target_rows: Rows
    text_turn: Rotation
    image_turn: Rotation
    attend: Attend


@lru_cache(maxsize=2)  # the steps of sampling, with and without the prompt, share theirs
def places(layout: Layout, config: Config, attention: str, device: torch.device) -> Places:
    """Of a batch. Raises ``ValueError`` for samples in another order than the family's,
    ``UsageError`` for ``attention`` that does not run here.
    """

    def moved(values: Integers) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    at = positions(layout, config.use_layer3d_rope)
    from_joint = np.concatenate([layout.text_places, layout.image_places])
    target = np.flatnonzero(layout.is_target)
    row, samples = layout.image_sample, len(layout.samples)
    count = samples
    if config.zero_cond_t:  # rows N to 2N are those of noise level 0
        count = 2 * samples
        row = np.where(layout.is_target, row, row + samples)
    return Places(
        to_joint=moved(np.argsort(from_joint)),
        from_joint=moved(from_joint),
        text_rows=Rows.of(layout.text_sample, count, device),
        image_rows=Rows.of(row, count, device),
        target=moved(target),
        target_rows=Rows.of(layout.image_sample[target], samples, device),
        text_turn=rotation(at[layout.text_places], config.axes_dims_rope, device),
        image_turn=rotation(at[layout.image_places], config.axes_dims_rope, device),
        attend=kernel(attention, device)(bidirectional(layout), device),
    )


def routed(packed: Packed, where: Places, attention: str) -> Places:
    """Of the tokens that go through all blocks of a batch alone, ``packed.kept``; the targets are
    not among them.
    """
    layout, device = packed.layout, where.to_joint.device
    assert packed.kept is not None
    joined = routing.joined(layout, packed.kept)
    order = np.concatenate([layout.text_places, layout.image_places[packed.kept]])
    from_joint = torch.from_numpy(np.searchsorted(joined, order)).to(device)
    kept = torch.from_numpy(packed.kept).to(device)
    passes = routing.passes(bidirectional(layout), joined, layout.tokens)
    turn = where.image_turn
    return replace(
        where,
        to_joint=torch.argsort(from_joint),
        from_joint=from_joint,
        image_rows=where.image_rows.of_tokens(kept),
        image_turn=Rotation(turn.cos[kept], turn.sin[kept]),
        attend=kernel(attention, device)(passes, device),
    )
