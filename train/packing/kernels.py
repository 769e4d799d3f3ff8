"""Which kernel computes attention, chosen by its name when a network is made.

``pass_by_pass`` runs anywhere. ``varlen`` is torch's kernel for sequences of many lengths, ``flex``
its compiled kernel for masks by rule; both are for GPUs. What cannot run is refused with a reason,
never replaced.

Shapes: J joined tokens, H heads, E width of a head.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from curation.failures.errors import UsageError
from train.packing.attention import Attend, Pass, pass_by_pass
from train.packing.layout import Integers

Kernel = Callable[[Sequence[Pass], torch.device], Attend]
_OLDEST = {"varlen": (8, 0), "flex": (7, 5)}  # compute capability of a GPU
_HALF = (torch.float16, torch.bfloat16)


def kernel(name: str, device: torch.device) -> Kernel:
    """What makes ``Attend`` of the passes of a batch. Raises ``UsageError`` where this machine or
    this torch does not have it.
    """
    kernels: dict[str, Kernel] = {"pass_by_pass": pass_by_pass, "varlen": varlen, "flex": flex}
    if name not in kernels:
        raise UsageError(f"attention {name}: expected {', '.join(kernels)}")
    if name in _OLDEST:
        _require(name, device)
    return kernels[name]


def _require(name: str, device: torch.device) -> None:
    instead = "attention pass_by_pass runs anywhere"
    if device.type != "cuda":
        raise UsageError(f"attention {name} needs a CUDA GPU, not {device.type}; {instead}")
    has, needs = torch.cuda.get_device_capability(device), _OLDEST[name]
    if has < needs:
        raise UsageError(
            f"attention {name} needs compute capability {needs[0]}.{needs[1]}; the GPU has"
            f" {has[0]}.{has[1]}; {instead}"
        )
    try:
        _varlen_attn() if name == "varlen" else _compiled_flex()
    except ImportError:
        raise UsageError(f"torch {torch.__version__} has no attention {name}; {instead}") from None


def varlen(passes: Sequence[Pass], device: torch.device) -> Attend:
    """At most two calls, one for the passes that are causal and one for the others."""
    kinds = {kind: [part for part in passes if part.causal == kind] for kind in (False, True)}
    groups = [_Group(kind, parts, passes, device) for kind, parts in kinds.items() if parts]
    order = np.concatenate([group.queries for group in groups])
    back = torch.from_numpy(np.argsort(order)).to(device)

    def attend(query_jhe: Tensor, key_jhe: Tensor, value_jhe: Tensor) -> Tensor:
        if query_jhe.dtype not in _HALF:
            raise UsageError(
                f"attention varlen needs bf16 or fp16, not {query_jhe.dtype};"
                " set precision: bf16, or attention: pass_by_pass"
            )
        seen = [group.attend(query_jhe, key_jhe, value_jhe) for group in groups]
        return seen[0] if len(seen) == 1 else torch.cat(seen).index_select(0, back)

    return attend


class _Group:
    """Passes that one call computes: their queries, and their keys (of which those that several
    passes see are copied), behind one another.
    """

    def __init__(
        self, causal: bool, passes: Sequence[Pass], batch: Sequence[Pass], device: torch.device
    ) -> None:
        self.queries = _places([(part.start, part.end) for part in passes])
        keys = _places([(part.seen_from, part.end) for part in passes])
        counts = [part.end - part.start for part in passes]
        seen = [part.end - part.seen_from for part in passes]
        self._longest, self._longest_seen = max(counts), max(seen)
        self._starts, self._starts_seen = _starts(counts, device), _starts(seen, device)
        if counts == seen:
            self._starts_seen = self._starts  # kernels look whether it is the same tensor
        self._all = np.array_equal(keys, _places([(part.start, part.end) for part in batch]))
        self._query = torch.from_numpy(self.queries).to(device)
        self._keys = torch.from_numpy(keys).to(device)
        self._window = (-1, 0) if causal else (-1, -1)  # causal from the last key and query back

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(queries of the group, H, E)."""
        if not self._all:
            query = query.index_select(0, self._query)
            key, value = (each.index_select(0, self._keys) for each in (key, value))
        attended: Tensor = _varlen_attn()(
            query,
            key,
            value,
            self._starts,
            self._starts_seen,
            self._longest,
            self._longest_seen,
            window_size=self._window,
        )
        return attended


def flex(passes: Sequence[Pass], device: torch.device) -> Attend:
    """One call of compiled FlexAttention, whose blocks that nobody sees are skipped."""
    return masked(passes, device, _compiled_flex())


def masked(passes: Sequence[Pass], device: torch.device, flex_attention: Any) -> Attend:
    """``flex``, by the function that is given: uncompiled it runs anywhere, and slowly."""
    from torch.nn.attention.flex_attention import create_block_mask

    counts = [part.end - part.start for part in passes]
    first = np.repeat([part.seen_from for part in passes], counts)
    last = np.repeat([part.end - 1 for part in passes], counts)
    causal = np.repeat([part.causal for part in passes], counts)
    last = np.where(causal, np.arange(len(last)), last)
    first_seen, last_seen = (torch.from_numpy(each).to(device) for each in (first, last))

    def sees(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (key >= first_seen[query]) & (key <= last_seen[query])

    mask = create_block_mask(sees, None, None, len(last), len(last), device=str(device))

    def attend(query_jhe: Tensor, key_jhe: Tensor, value_jhe: Tensor) -> Tensor:
        heads = [each.transpose(0, 1)[None] for each in (query_jhe, key_jhe, value_jhe)]
        seen: Tensor = flex_attention(*heads, block_mask=mask)
        return seen[0].transpose(0, 1)

    return attend


def _varlen_attn() -> Any:
    from torch.nn.attention.varlen import varlen_attn

    return varlen_attn


@lru_cache(maxsize=1)
def _compiled_flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True)


def _places(ranges: Sequence[tuple[int, int]]) -> Integers:
    return np.concatenate([np.arange(start, end) for start, end in ranges])


def _starts(counts: Sequence[int], device: torch.device) -> Tensor:
    starts = list(itertools.accumulate(counts, initial=0))
    return torch.tensor(starts, dtype=torch.int32, device=device)
