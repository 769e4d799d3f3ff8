"""The one way in which packed tokens attend to one another.

What may be seen is a list of ``Pass``: the tokens of one stretch see those of another, all of them
or only those up to their own place. On a CPU every pass is one call of torch's fused attention;
kernels of a GPU take the same list.

Shapes: J joined tokens, H heads, E width of a head.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.bias import causal_lower_right
from torch.nn.functional import scaled_dot_product_attention

from train.packing.layout import ImageSpan, Layout
from train.packing.rows import reorder


@dataclass(frozen=True)
class Pass:
    """Joined tokens ``[start, end)`` see ``[seen_from, end)``; where ``causal`` each of them only
    what does not come after itself.
    """

    start: int
    end: int
    seen_from: int
    causal: bool

    def moved(self, by: int) -> "Pass":
        """The same, so many tokens later."""
        return Pass(self.start + by, self.end + by, self.seen_from + by, self.causal)


def bidirectional(layout: Layout) -> tuple[Pass, ...]:
    """Every token of a sample sees all of that sample: Qwen-Image (arXiv 2508.02324)."""
    starts = layout.starts
    return tuple(Pass(start, end, start, False) for start, end in itertools.pairwise(starts))


def block_causal(layout: Layout) -> tuple[Pass, ...]:
    """A token sees what does not come after it and, in an image, all of that image: Qwen-Image-2.1
    (``QwenImage21Transformer2DModel`` of diffusers).
    """
    return tuple(
        Pass(place, place + span.tokens, layout.starts[sample], not isinstance(span, ImageSpan))
        for sample, place, span in layout.spans()
    )


_SHORT = 256  # tokens
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]  # query, key, value (J, H, E) -> (J, H, E)


def pass_by_pass(passes: Sequence[Pass], device: torch.device | str = "cpu") -> Attend:
    """Attention (``Attend``) by torch's fused kernel, scaled by 1 / sqrt(E); runs anywhere, and has
    a gradient. The passes cover all joined tokens in order, those of a sample see it from its
    beginning.

    Samples of the same passes go through in one call: of short ones the calls would cost most.
    """
    alike: dict[tuple[Pass, ...], list[int]] = {}
    for start, sample in itertools.groupby(passes, lambda each: each.seen_from):
        alike.setdefault(tuple(each.moved(-start) for each in sample), []).append(start)
    counts = [len(starts) for starts in alike.values()]
    sizes = [len(starts) * sample[-1].end for sample, starts in alike.items()]
    places = [
        torch.arange(start, start + sample[-1].end)
        for sample, starts in alike.items()
        for start in starts
    ]
    order = torch.cat(places)
    as_is = bool((order.diff() == 1).all())
    back = torch.argsort(order).to(device)
    order = order.to(device)

    def attend(query_jhe: Tensor, key_jhe: Tensor, value_jhe: Tensor) -> Tensor:
        # split, whose gradient is joined once: that of a slice would be as large as the batch
        parts = [
            torch.split(tokens if as_is else reorder(tokens, order, back), sizes)
            for tokens in (query_jhe, key_jhe, value_jhe)
        ]
        seen = torch.cat(
            [
                _seen(sample, *(part.view(count, -1, *part.shape[1:]) for part in tensors))
                for sample, count, *tensors in zip(alike, counts, *parts, strict=True)
            ]
        )
        return seen if as_is else reorder(seen, back, order)

    return attend


def _seen(sample: Sequence[Pass], query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(G n, H, E) of G samples of n tokens, (G, n, H, E), that have the same passes."""
    heads = [tensor.transpose(1, 2) for tensor in (query, key, value)]
    return (
        torch.cat([_of_pass(part, *heads) for part in sample], dim=2).transpose(1, 2).flatten(0, 1)
    )


@lru_cache(maxsize=64)
def _causal(queries: int, keys: int) -> Any:
    """Which keys the last so many queries of them see; it holds no tensor."""
    return causal_lower_right(queries, keys)


def _of_pass(part: Pass, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(G, H, end - start, E) of the tensors (G, H, n, E)."""
    if part.end - part.start < query.shape[2]:
        query = query[:, :, part.start : part.end]
        key, value = key[:, :, : part.end], value[:, :, : part.end]
    mask = _causal(part.end - part.start, part.end) if part.causal else None
    if mask is None and _is_short(key):
        weights = torch.softmax(query @ key.mT * key.shape[-1] ** -0.5, dim=-1)
        return weights @ value
    seen: Tensor = scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return seen


def _is_short(key: Tensor) -> bool:
    """Whether plain products cost less than the fused kernel: on a CPU in bfloat16 a half to a
    third, as long as the weights of all pairs fit into its caches.
    """
    return key.device.type == "cpu" and key.dtype == torch.bfloat16 and key.shape[2] <= _SHORT
