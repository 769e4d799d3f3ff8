"""Kernels of a GPU: their masks beside attention pass by pass, and where they are refused."""

from unittest.mock import patch

import pytest
import torch
from torch.nn.attention.flex_attention import flex_attention

from curation.failures.errors import UsageError
from train.packing import kernels
from train.packing.attention import bidirectional, block_causal, pass_by_pass
from train.packing.layout import ImageSpan, Layout, TextSpan

CPU = torch.device("cpu")
LAYOUT = Layout(
    (
        (TextSpan(5), ImageSpan(2, 3, False), ImageSpan(1, 4, False), ImageSpan(3, 2, True)),
        (ImageSpan(2, 2, False), TextSpan(70), ImageSpan(8, 9, True)),
        (TextSpan(1), ImageSpan(1, 1, True)),
    )
)


def tensors():
    generator = torch.Generator().manual_seed(0)
    shape = (LAYOUT.tokens, 2, 8)
    return [torch.randn(shape, generator=generator, requires_grad=True) for _ in range(3)]


def results(attend):
    given = tensors()
    seen = attend(*given)
    (seen * torch.linspace(0, 1, seen.numel()).view_as(seen)).sum().backward()
    return [seen, *(each.grad for each in given)]


def varlen_by_sdpa(query, key, value, starts, starts_seen, most, most_seen, window_size):
    """What ``varlen_attn`` documents, one sequence after the other."""
    from torch.nn.attention.bias import causal_lower_right

    assert starts.dtype == starts_seen.dtype == torch.int32
    counts, seen = starts.diff().tolist(), starts_seen.diff().tolist()
    assert (most, most_seen) == (max(counts), max(seen))
    assert (starts[-1], starts_seen[-1]) == (len(query), len(key))
    parts = []
    for queries, keys, values in zip(
        query.split(counts), key.split(seen), value.split(seen), strict=True
    ):
        mask = None
        if window_size == (-1, 0):
            mask = causal_lower_right(len(queries), len(keys))
        heads = [each.transpose(0, 1)[None] for each in (queries, keys, values)]
        attended = torch.nn.functional.scaled_dot_product_attention(*heads, attn_mask=mask)
        parts.append(attended[0].transpose(0, 1))
    return torch.cat(parts)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("rule", [bidirectional, block_causal])
def test_flex_sees_what_pass_by_pass_sees(rule):
    passes = rule(LAYOUT)
    given = [each.detach() for each in tensors()]  # flex has no gradient on a CPU
    measured = kernels.masked(passes, CPU, flex_attention)(*given)
    torch.testing.assert_close(measured, pass_by_pass(passes)(*given))


@pytest.mark.parametrize("rule", [bidirectional, block_causal])
def test_varlen_is_asked_for_what_pass_by_pass_sees(rule):
    passes = rule(LAYOUT)
    expected = results(pass_by_pass(passes))
    with (
        patch.object(kernels, "_varlen_attn", lambda: varlen_by_sdpa),
        patch.object(kernels, "_HALF", (torch.float32,)),
    ):
        measured = results(kernels.varlen(passes, CPU))
    for each, reference in zip(measured, expected, strict=True):
        torch.testing.assert_close(each, reference)


def test_every_sequence_shares_its_starts_where_all_see_themselves():
    """cuDNN takes causal sequences by the identity of that tensor; and nothing is copied."""
    given = tensors()

    def same(query, key, value, starts, starts_seen, *_, window_size):
        assert starts is starts_seen
        assert query is given[0]
        assert window_size == (-1, -1)
        return query

    with (
        patch.object(kernels, "_varlen_attn", lambda: same),
        patch.object(kernels, "_HALF", (torch.float32,)),
    ):
        kernels.varlen(bidirectional(LAYOUT), CPU)(*given)


@pytest.mark.parametrize("name", ["varlen", "flex"])
def test_what_needs_a_gpu_is_refused_without_one(name):
    with pytest.raises(UsageError, match=f"attention {name} needs a CUDA GPU, not cpu; attention"):
        kernels.kernel(name, CPU)


def test_an_old_gpu_or_an_old_torch_is_refused():
    gpu = torch.device("cuda")
    with patch.object(torch.cuda, "get_device_capability", lambda _: (7, 5)):
        with pytest.raises(UsageError, match=r"needs compute capability 8\.0; the GPU has 7\.5"):
            kernels.kernel("varlen", gpu)
        with (
            patch.object(kernels, "_compiled_flex", side_effect=ImportError),
            pytest.raises(UsageError, match="has no attention flex"),
        ):
            kernels.kernel("flex", gpu)
        assert kernels.kernel("flex", gpu) is kernels.flex


def test_float32_is_refused_by_varlen_and_unknown_names_by_all():
    with pytest.raises(UsageError, match=r"varlen needs bf16 or fp16, not torch.float32"):
        kernels.varlen(bidirectional(LAYOUT), CPU)(*tensors())
    with pytest.raises(UsageError, match="attention fast: expected pass_by_pass, varlen, flex"):
        kernels.kernel("fast", CPU)
