"""What all blocks of a network need to know of a batch, made once and outside of them.

Shapes: N samples, J tokens that pass through the blocks (of those joined: all, or a part), A target
tokens.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from train.models.qwen_image_21.positions import positions
from train.models.qwen_image_21.prefix import prefix_passes
from train.models.qwen_image_21.sizes import QwenImage21Sizes
from train.packing import routing
from train.packing.attention import Attend, block_causal
from train.packing.kernels import kernel
from train.packing.layout import ImageSpan, Integers, Layout
from train.packing.packed import Packed
from train.packing.rotary import Rotation, rotation
from train.packing.rows import Rows


@dataclass(frozen=True)
class Places:
    """``to_joint`` (J,) takes text, then image tokens to the joined order, ``from_joint`` (J,)
    takes them back; ``rows`` (J,) and ``target_rows`` (A,) are those of modulation; ``target``
    (A,) are places among the J.
    """

    to_joint: Tensor
    from_joint: Tensor
    rows: Rows
    turn: Rotation
    target: Tensor
    target_rows: Rows


@lru_cache(maxsize=4)  # the steps of sampling, with and without the prompt, share theirs
def places(
    layout: Layout,
    sizes: QwenImage21Sizes,
    device: torch.device,
    tokens: Literal["all", "prefix", "target"] = "all",
) -> Places:
    """Of all tokens of a batch, of those before the targets, or of the targets alone. Raises
    ``ValueError`` for a sample with another than a single target, and this last.
    """
    _check(layout)
    targets, references = (layout.image_places[of] for of in (layout.is_target, ~layout.is_target))
    parts = {
        "all": (layout.text_places, layout.image_places),
        "prefix": (layout.text_places, references),
        "target": (targets,),
    }
    at = np.concatenate(parts[tokens])
    joined = np.sort(at)

    def moved(values: Integers) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    to_joint = np.argsort(at)
    count = len(layout.samples) + sizes.causal_condition
    return Places(
        to_joint=moved(to_joint),
        from_joint=moved(np.argsort(to_joint)),
        rows=Rows.of(_rows(layout, sizes.causal_condition)[joined], count, device),
        turn=rotation(positions(layout)[joined], sizes.axes_dims_rope, device),
        target=moved(np.flatnonzero(np.isin(joined, targets))),
        target_rows=Rows.of(layout.image_sample[layout.is_target], count, device),
    )


@lru_cache(maxsize=2)
def attention(layout: Layout, name: str, device: torch.device, prefix: bool = False) -> Attend:
    """Of all tokens of a batch, or of those before the targets. Raises ``UsageError`` for a kernel
    that does not run here.
    """
    passes = prefix_passes(layout) if prefix else block_causal(layout)
    return kernel(name, device)(passes, device)


def _rows(layout: Layout, causal_condition: bool) -> Integers:
    """The row of the modulation that each joined token reads: that of its sample, or, of text and
    references with ``causal_condition``, the row after those, of noise level 0.
    """
    rows = np.repeat(np.arange(len(layout.samples)), layout.lengths)
    if causal_condition:
        rows[layout.text_places] = len(layout.samples)
        rows[layout.image_places[~layout.is_target]] = len(layout.samples)
    return rows


def _check(layout: Layout) -> None:
    for sample in layout.samples:
        targets = [isinstance(span, ImageSpan) and span.target for span in sample]
        if sum(targets) != 1 or not targets[-1]:
            raise ValueError(
                "a sample of Qwen-Image-2.1 is text and references, and last its target, not"
                f" {sample}"
            )


def routed(packed: Packed, where: Places, name: str) -> tuple[Tensor, Places, Attend]:
    """Of the tokens that go through all blocks of a batch alone: their places (K,) among the J,
    their own ``Places``, but for the targets, and attention by the kernel of this ``name``.
    """
    layout, device = packed.layout, where.to_joint.device
    assert packed.kept is not None
    joined = routing.joined(layout, packed.kept)
    at = torch.from_numpy(joined).to(device)
    passes = routing.passes(block_causal(layout), joined, layout.tokens)
    turn = Rotation(where.turn.cos[at], where.turn.sin[at])
    inside = replace(where, rows=where.rows.of_tokens(at), turn=turn)
    return at, inside, kernel(name, device)(passes, device)
