"""Keys and values of text and references, which no step of sampling changes.

Shapes: P tokens of all samples before their targets, A target tokens, H heads, E width of a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from train.packing.attention import Attend, Pass
from train.packing.layout import ImageSpan, Layout


@dataclass(frozen=True)
class PrefixCache:
    """Of every block keys and values (P, H, E) of what comes before the targets of a ``layout``."""

    layout: Layout
    kept: tuple[tuple[Tensor, Tensor], ...]

    def attends(self) -> list[Attend]:
        """Of every block the attention of target tokens (A, H, E) among themselves and to what
        comes before them.
        """
        return [self._attend(key, value) for key, value in self.kept]

    def _attend(self, prefix_key: Tensor, prefix_value: Tensor) -> Attend:
        targets = list(pairwise(accumulate(self.layout.target_lengths, initial=0)))
        before = list(pairwise(_prefix_starts(self.layout)))

        def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            seen = []
            for (start, end), (first, last) in zip(targets, before, strict=True):
                keys = torch.cat([prefix_key[first:last], key[start:end]])
                values = torch.cat([prefix_value[first:last], value[start:end]])
                parts = (query[start:end], keys, values)
                asked, key_heads, value_heads = (part.transpose(0, 1)[None] for part in parts)
                attended = scaled_dot_product_attention(asked, key_heads, value_heads)
                seen.append(attended[0].transpose(0, 1))
            return torch.cat(seen)

        return attend


def recording(attend: Attend, kept: list[tuple[Tensor, Tensor]]) -> Attend:
    """The same attention, which also appends keys and values to ``kept``."""

    def recorded(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        kept.append((key, value.contiguous()))  # a view would hold the queries, too
        return attend(query, key, value)

    return recorded


def prefix_passes(layout: Layout) -> Sequence[Pass]:
    """Block-causal passes over the tokens before the targets alone, joined in the same order."""
    starts, passes, place = _prefix_starts(layout), [], 0
    for sample, _, span in layout.spans():
        if isinstance(span, ImageSpan) and span.target:
            continue
        end = place + span.tokens
        passes.append(Pass(place, end, starts[sample], not isinstance(span, ImageSpan)))
        place = end
    return passes


def _prefix_starts(layout: Layout) -> list[int]:
    lengths = zip(layout.lengths, layout.target_lengths, strict=True)
    return list(accumulate((length - target for length, target in lengths), initial=0))
